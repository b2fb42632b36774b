"""Services that record what is in one Redis, killed and stopped for real: one of them records, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest
import trio
from conftest import Start
from program import Program
from real_servers import RedisServer
from rta_transports.redis.log import open_log
from rta_transports.redis.options import RedisLogOptions

from rta.consumer.counts import Counts
from rta.errors import TransportError
from rta.ports import BurstLog, Context, SessionRecord
from rta.testing.archive_samples import samples_of
from rta.testing.bursts import json_burst, session_json
from rta.testing.patience import within
from rta.wire import ChannelId, ChunkParser, DataKind, data_item, encode_timestamped, make_burst

pytestmark = pytest.mark.processes

SITE = """
[site]
state_dir = "{state}"
grace = "1s"

[edge]
port = 0

[buffer]
transport = "redis"
url = "{redis}"
timeout = "1s"

[archive]
transport = "sqlite"
"""
BEGAN = 1_800_000_000 * 10**9
PATIENCE = 120.0

Look = Callable[[], object]


class Writer:
    """Writes numbers into a session, a hundred a second, until it is told to stop."""

    def __init__(self, log: BurstLog, session: SessionRecord) -> None:
        self._log = log
        self._session = session
        self._stop = trio.Event()
        self.written: list[int] = []

    async def run(self) -> None:
        number = 0
        while not self._stop.is_set():
            sample = encode_timestamped(ChannelId(1), [BEGAN + number * 10**7], [float(number)])
            try:
                await self._log.append(self._session, make_burst([data_item(sample)]))
            except TransportError:  # the same once more
                await trio.sleep(0.05)
                continue
            self.written.append(number)
            number += 1
            await trio.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()


@asynccontextmanager
async def writing(redis: RedisServer) -> AsyncIterator[Writer]:
    """A session that is being written."""
    options = RedisLogOptions(url=redis.url, timeout=1.0)
    context = Context("tests", Path(), time.time_ns, Counts())
    async with open_log(options, context) as log:
        session = await log.open_session("a", "s")
        await log.append(session, json_burst(session_json("a")))
        writer = Writer(log, session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            yield writer
            writer.stop()


def service(start: Start, folder: Path, name: str, redis: RedisServer) -> Program:
    """A service with an archive of its own."""
    path = folder / f"{name}.toml"
    path.write_text(SITE.format(state=folder / name, redis=redis.url))
    return start("run", "--config", path)


async def until(condition: Look, what: str) -> None:
    """Look again and again, in threads: what is asked may take a while."""
    with within(PATIENCE, what):
        while not await trio.to_thread.run_sync(condition):
            await trio.sleep(0.1)


def metric(program: Program, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", program.get("/metrics"), re.MULTILINE)
    assert found is not None
    return float(found[1])


def records(program: Program) -> bool:
    return metric(program, "rta_archive_streams") == 1


def recorded(program: Program) -> list[int]:
    """The numbers that a service has of the session."""
    with urlopen(f"{program.url}/rta/v2/sessions/a/data/timestamped/-", timeout=PATIENCE) as answer:
        chunks = list(ChunkParser(DataKind.TIMESTAMPED).feed(answer.read()))
    return sorted(int(sample.number) for sample in samples_of(chunks))


async def has_all(program: Program, writer: Writer) -> None:
    """Wait until a service has recorded all that has been written up to now, each number once."""
    written = list(writer.written)

    def has() -> bool:
        try:
            return set(written) <= set(recorded(program))
        except (OSError, HTTPException):  # an answer breaks off where the archive does
            assert program.running, program
            return False

    await until(has, "all to be recorded")
    numbers = await trio.to_thread.run_sync(recorded, program)
    assert numbers == list(range(len(numbers))), "something is missing, or there twice"


async def who_records(one: Program, two: Program) -> tuple[Program, Program]:
    """The one that does, and the other one."""
    await until(lambda: records(one) or records(two), "one of them to record")
    assert not (records(one) and records(two))
    return (one, two) if records(one) else (two, one)


async def test_when_the_service_that_records_is_stopped_or_killed_another_takes_over(
    start: Start, tmp_path: Path, redis_server: RedisServer
) -> None:
    async with writing(redis_server) as writer:
        owner, other = await who_records(*(service(start, tmp_path, name, redis_server) for name in ("one", "two")))
        await has_all(owner, writer)
        assert recorded(other) == []
        owner.signal(signal.SIGSTOP)
        await until(lambda: records(other), "the other one to take over")
        await has_all(other, writer)
        owner.signal(signal.SIGCONT)
        await until(lambda: not records(owner), "the first one to notice")
        before = metric(owner, "rta_archive_bursts_total")
        await has_all(other, writer)
        assert metric(owner, "rta_archive_bursts_total") == before
        other.kill()
        await until(lambda: records(owner), "the first one to take over")
        await has_all(owner, writer)
        assert owner.health.startswith("Healthy")


async def test_a_service_that_is_killed_and_one_whose_archive_is_lose_nothing(
    start: Start, tmp_path: Path, redis_server: RedisServer
) -> None:
    async with writing(redis_server) as writer:
        program = service(start, tmp_path, "one", redis_server)
        await until(lambda: records(program), "it to record")
        program.kill()
        again = service(start, tmp_path, "one", redis_server)
        await has_all(again, writer)
        killed: set[int] = set()
        for _ in range(2):
            await until(lambda: children(again.pid) - killed, "another process of the archive")
            for child in children(again.pid) - killed:
                os.kill(child, signal.SIGKILL)
                killed.add(child)
            await has_all(again, writer)
        await until(lambda: again.health.startswith("Healthy"), "health")


def children(pid: int) -> set[int]:
    """The processes that a process has started, from whichever of its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in tasks for child in path.read_text().split()}
