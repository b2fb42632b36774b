"""Fixtures for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_servers import Mosquitto, RedisServer


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
