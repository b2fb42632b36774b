"""The log on Redis keeps the contract of every log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from real_servers import RedisServer

from rta.metrics import Metrics
from rta.ports import BurstLog, Context
from rta.session.tally import Tally
from rta.testing import BurstLogContract
from transports.redis import TRANSPORT, RedisLogOptions


def context() -> Context:
    return Context("buffer", Path("."), time.time_ns, Metrics(Tally(), dict))


class OnRedis(BurstLogContract):
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


class TestOnRedis(OnRedis):
    pass
