"""The join once more, with the entries in a real Redis whose clock is the simulation's."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import outcome
import pytest
import redis
import trio
from examples import examples
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from real_servers import RedisServer
from rta_transports.redis import RedisLog, RedisLogOptions
from rta_transports.redis import log as redis_log
from rta_transports.redis.log import open_log

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Batch, Context, Position, SessionRecord, Trim
from rta.wire import Burst

from .test_join import Session

NOW = "test:now"


class LogInAThread:
    """A `RedisLog` whose calls are over when they return, as the simulation wants it."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._ready: SimpleQueue[tuple[RedisLog, trio.lowlevel.TrioToken]] = SimpleQueue()
        self._done = trio.Event()
        self._thread = Thread(target=trio.run, args=(self._run,), daemon=True)
        self._thread.start()
        self._log, self._token = self._ready.get()
        self._raw = redis.Redis(port=server.port)
        self.machine: Any = None

    async def _run(self) -> None:
        context = Context("buffer", Path(), time.time_ns, Metrics(HotCounters(), dict))
        async with open_log(RedisLogOptions(url=self._server.url), context) as log, trio.open_nursery() as nursery:
            log.now = self._now  # type: ignore[method-assign]
            self._nursery = nursery
            self._ready.put((log, trio.lowlevel.current_trio_token()))
            await self._done.wait()

    def close(self) -> None:
        self._token.run_sync_soon(self._done.set)
        self._thread.join()
        self._raw.close()

    def begin(self, machine: Any) -> None:
        self.machine = machine
        self._raw.flushall()

    def _do(self, call: Any, *args: Any) -> Any:
        # From one Trio thread to another: the caller has to block, as the simulation has no time to wait.
        self._raw.set(NOW, self.machine.ms)
        answers: SimpleQueue[outcome.Outcome[Any]] = SimpleQueue()

        async def answer() -> None:
            answers.put(await outcome.acapture(call, *args))

        self._token.run_sync_soon(self._nursery.start_soon, answer)
        return answers.get(timeout=120).unwrap()

    async def _now(self) -> int:
        return int(self.machine.ms)

    async def open_session(self, identity: str, stream: str) -> SessionRecord:
        return self._do(self._log.open_session, identity, stream)

    async def append(self, session: SessionRecord, burst: Burst) -> Position:
        return self._do(self._log.append, session, burst)

    async def find(self, identity: str) -> SessionRecord | None:
        return self._do(self._log.find, identity)

    async def find_all(self, identities: Collection[str]) -> dict[str, SessionRecord]:
        return self._do(self._log.find_all, identities)

    async def head(self, stream: str) -> Position:
        return self._do(self._log.head, stream)

    async def last_data(self, stream: str, session_id: int, after: Position, upto: Position) -> Position | None:
        return self._do(self._log.last_data, stream, session_id, after, upto)

    async def read(self, stream: str, after: Position, upto: Position, max_bytes: int) -> Batch:
        return self._do(self._log.read, stream, after, upto, max_bytes)

    async def trim(self, keep: Trim) -> int:
        return self._do(self._log.trim, keep)


@pytest.fixture
def log_in_a_thread(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogInAThread]:
    now = f"tonumber(redis.call('GET', '{NOW}'))"
    seconds = f"{{math.floor({now} / 1000), {now} % 1000 * 1000}}"
    for name in ("OPEN", "UPDATE"):
        monkeypatch.setattr(redis_log, name, getattr(redis_log, name).replace("redis.call('TIME')", seconds))
    at = f"string.format('%.0f-*', {now})"
    monkeypatch.setattr(redis_log, "APPEND", redis_log.APPEND.replace("'*'", at))
    log = LogInAThread(redis_server)
    yield log
    log.close()


async def test_every_item_comes_exactly_once_whatever_happens(log_in_a_thread: LogInAThread) -> None:
    class OnRedis(Session):
        def open_log(self) -> LogInAThread:
            log_in_a_thread.begin(self)
            return log_in_a_thread

    run_state_machine_as_test(
        OnRedis,
        settings=settings(
            max_examples=examples(30),
            stateful_step_count=50,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
