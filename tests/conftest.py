"""Fixtures for everybody, and what tells the unit tests from those that start processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from unittest import mock

import pytest
from examples import load_profiles
from real_servers import Mosquitto, RedisServer
from reaper import Reaper

load_profiles()

_START_PROCESSES = {"shared_redis", "own_redis", "mosquitto", "own_mosquitto", "environ"}
"""Fixtures whose tests have the marker `processes` without asking for it."""


_REAPER = Reaper()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="FOLDER", help="leave there what the page in the browser looks like")


def pytest_configure() -> None:
    """Whatever ends a run, its processes end with it."""
    _REAPER.watch()


def pytest_unconfigure() -> None:
    _REAPER.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _START_PROCESSES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.processes)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold every test to its marker."""
    if item.get_closest_marker("processes"):
        return (yield)

    def refuse(process: subprocess.Popen, arguments: object, *_: object, **__: object) -> None:
        pytest.fail(f"{item.name} starts a process ({arguments}): mark it with pytest.mark.processes")

    with mock.patch.object(subprocess.Popen, "__init__", refuse):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is left in the state directory of whoever runs the tests."""
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}):
        yield


@pytest.fixture(scope="session")
def environ(tmp_path_factory) -> dict[str, str]:
    """The environment of the processes: nothing in it configures them, and they find our code compiled."""
    plain = {k: v for k, v in os.environ.items() if not k.upper().startswith("RTA_")}
    if sys.dont_write_bytecode:  # compiling takes a process longer than all the rest
        del plain["PYTHONDONTWRITEBYTECODE"]
        plain["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("compiled"))
    return plain | {"PYTHONUTF8": "1", "COLUMNS": "120"}


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One Redis for all tests that leave it running; empty it before use."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """A Redis with nothing in it."""
    shared_redis.ask("FLUSHALL")
    return shared_redis


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that the test may kill."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    """One broker for all tests that leave it running, each on topics and with client ids of its own."""
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def own_mosquitto() -> Iterator[Mosquitto]:
    """A broker that the test may kill."""
    with Mosquitto() as broker:
        yield broker
