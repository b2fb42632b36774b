"""The recorder on a real Redis that is stopped and started again, with its data or without: what was recorded is there
once, and what comes is recorded on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import trio
from real_servers import RedisCluster, RedisServer
from rta_transports.redis.log import open_log
from rta_transports.redis.options import RedisLogOptions

from rta.actors.recorder import Recorder
from rta.consumer.counts import Counts
from rta.health import Health
from rta.ports import BurstLog, Context, SessionRecord
from rta.testing.bursts import json_burst, numbered_burst, session_json
from rta.testing.patience import within

from .plain_archive import PlainArchive
from .recording_stage import numbers_in

pytestmark = pytest.mark.processes

PATIENCE = 120.0


class Recording:
    """A recorder that runs, and somebody who writes."""

    def __init__(self, log: BurstLog) -> None:
        self.log = log
        self.archive = PlainArchive()
        self.health = Health()
        self.recorder = Recorder(self.archive, log, {}, self.health, Counts())

    async def open(self, identity: str, stream: str = "s") -> SessionRecord:
        session = await self.log.open_session(identity, stream)
        await self.log.append(session, json_burst(session_json(identity)))
        return session

    async def write(self, session: SessionRecord, first: int) -> None:
        """Ten numbers."""
        for number in range(first, first + 10):
            await self.log.append(session, numbered_burst(number))

    async def has(self, identity: str, numbers: range) -> None:
        """Wait until it has recorded these, each once."""
        await until(lambda: len(numbers_in(self.archive, identity)) >= len(numbers), f"{numbers} of {identity}")
        assert numbers_in(self.archive, identity) == list(numbers)

    async def is_healthy(self, wanted: bool) -> None:
        await until(lambda: self.health.healthy is wanted, f"health to be {wanted}")


@asynccontextmanager
async def recording(url: str, mode: Literal["single", "cluster"] = "single") -> AsyncIterator[Recording]:
    options = RedisLogOptions(url=url, mode=mode, timeout=1.0)
    async with open_log(options, Context("tests", Path(), time.time_ns, Counts())) as log:
        recorded = Recording(log)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recorded.recorder.run)
            yield recorded
            nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object], what: str) -> None:
    with within(PATIENCE, what):
        while not condition():
            await trio.sleep(0.01)


async def restart(server: RedisServer, recorded: Recording) -> None:
    server.kill()
    await recorded.is_healthy(False)
    await trio.to_thread.run_sync(server.start)


async def test_a_redis_that_comes_back_with_its_data_is_recorded_on() -> None:
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        async with recording(server.url) as recorded:
            session = await recorded.open("a")
            await recorded.write(session, 0)
            await recorded.has("a", range(10))
            await recorded.write(session, 10)  # recorded before it goes, or when it is back
            await restart(server, recorded)
            await recorded.write(session, 20)
            await recorded.has("a", range(30))
            await recorded.is_healthy(True)
        found = await recorded.archive.find("a")
        assert found is not None
        [run] = found.runs
        assert run.holes == ()


async def test_a_redis_that_comes_back_with_nothing_gives_ids_again_that_are_other_sessions(
    own_redis: RedisServer,
) -> None:
    async with recording(own_redis.url) as recorded:
        first = await recorded.open("a")
        await recorded.write(first, 0)
        await recorded.has("a", range(10))
        await restart(own_redis, recorded)
        other = await recorded.open("b")
        assert (other.stream, other.stream_session_id) == (first.stream, first.stream_session_id)
        await recorded.write(other, 0)
        again = await recorded.open("a")
        await recorded.write(again, 10)
        await recorded.has("b", range(10))
        await recorded.has("a", range(20))
        await recorded.is_healthy(True)
    for identity in ("a", "b"):
        found = await recorded.archive.find(identity)
        assert found is not None
        assert [hole for run in found.runs for hole in run.holes] == []


async def test_an_identity_that_gets_its_old_id_and_place_again_is_recorded_on(own_redis: RedisServer) -> None:
    async with recording(own_redis.url) as recorded:
        first = await recorded.open("a")
        await recorded.write(first, 0)
        await recorded.has("a", range(10))
        await restart(own_redis, recorded)
        again = await recorded.open("a")
        assert (again.stream_session_id, again.stream_position) == (first.stream_session_id, first.stream_position)
        await recorded.write(again, 10)
        await recorded.has("a", range(20))


async def test_a_redis_that_does_not_answer_for_a_while_is_recorded_on(own_redis: RedisServer) -> None:
    async with recording(own_redis.url) as recorded:
        session = await recorded.open("a")
        await recorded.write(session, 0)
        await recorded.has("a", range(10))
        own_redis.pause()
        await recorded.is_healthy(False)
        own_redis.resume()
        await recorded.is_healthy(True)
        await recorded.write(session, 10)
        await recorded.has("a", range(20))


async def test_streams_of_a_cluster_are_recorded() -> None:
    with RedisCluster() as cluster:
        async with recording(cluster.url, "cluster") as recorded:
            streams = [f"stream {i}" for i in range(6)]
            for stream in streams:
                await recorded.write(await recorded.open(f"on {stream}", stream), 0)
            for stream in streams:
                await recorded.has(f"on {stream}", range(10))
            assert recorded.recorder.streams == len(streams)
            moved = await recorded.open("on stream 0", "stream 5")
            await recorded.write(moved, 10)
            await recorded.has("on stream 0", range(20))
