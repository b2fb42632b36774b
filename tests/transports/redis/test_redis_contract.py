"""The log on Redis keeps the contract of every log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from real_servers import RedisCluster, RedisServer, Sentinel
from rta_transports.redis import TRANSPORT, RedisLogOptions

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import BurstLog, Context
from rta.testing import BurstLogContract, numbered_burst
from rta.testing.log_under_test import LogUnderTest, numbers

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def sentinel() -> Iterator[Sentinel]:
    with Sentinel() as sentinel:
        yield sentinel


def context() -> Context:
    return Context("buffer", Path("."), time.time_ns, Metrics(HotCounters(), dict))


class LogOnRedis(LogUnderTest):
    """How the kit gets at a log on Redis."""

    @pytest.fixture(autouse=True)
    def _server(self, redis_server: RedisServer) -> None:
        self.server = redis_server

    def options(self) -> RedisLogOptions:
        return RedisLogOptions(url=self.server.url)

    @asynccontextmanager
    async def open_log(self) -> AsyncIterator[BurstLog]:
        assert TRANSPORT.log is not None
        async with TRANSPORT.log.open(self.options(), context()) as log:
            yield log

    @asynccontextmanager
    async def open_again(self, log: BurstLog) -> AsyncIterator[BurstLog]:
        async with self.open_log() as another:
            yield another

    def outage(self, log: BurstLog):
        return self._outage()

    @asynccontextmanager
    async def _outage(self) -> AsyncIterator[None]:
        """Nobody gets in, and who is in is thrown out."""
        self.server.ask("CONFIG", "SET", "requirepass", "shut")
        self.server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", password="shut")
        try:
            yield
        finally:
            self.server.ask("CONFIG", "SET", "requirepass", "", password="shut")


class OnRedis(LogOnRedis, BurstLogContract):
    pass


class TestOnRedis(OnRedis):
    pass


class TestOnACluster(OnRedis):
    """Without the odd outage, which is a single server's."""

    @pytest.fixture(autouse=True)
    def _server(self, cluster: RedisCluster) -> None:
        cluster.ask_all("FLUSHALL")
        self.cluster = cluster

    def options(self) -> RedisLogOptions:
        return RedisLogOptions(url=self.cluster.url, mode="cluster")

    def outage(self, log: BurstLog) -> None:
        return None


class TestBehindASentinel(OnRedis):
    """The same, with the primary found by asking."""

    @pytest.fixture(autouse=True)
    def _server(self, sentinel: Sentinel) -> None:
        sentinel.primary.ask("FLUSHALL")
        self.sentinel = sentinel

    def options(self) -> RedisLogOptions:
        return RedisLogOptions(
            mode="sentinel", sentinels=[f"127.0.0.1:{self.sentinel.sentinel.port}"], service=Sentinel.service
        )

    def outage(self, log: BurstLog) -> None:
        return None


class TestWritingManySessions(LogOnRedis):
    """A process that opens sessions for years."""

    async def test_sessions_that_are_not_remembered_any_more_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rta_transports.redis.log._WRITING", 4)
        async with self.open_log() as log:
            sessions = [await log.open_session(f"s{i}", "s") for i in range(10)]
            for round_ in range(3):
                for i, session in enumerate(sessions):
                    await log.append(session, numbered_burst(100 * round_ + i))
            assert numbers(await self.everything(log, "s")) == [100 * r + i for r in range(3) for i in range(10)]
