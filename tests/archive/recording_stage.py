"""A recorder between a memory log and a plain archive, on a clock that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import Factory, define, field
from rta_transports.memory import MemoryLog

from rta.actors.recorder import Recorder
from rta.errors import NotConnectedError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Batch, Hole, Position, SessionRecord, Tail
from rta.testing.bursts import json_burst, number_of, numbered_burst, session_json

from .plain_archive import PlainArchive

NOON = 1_800_000_000 * 10**9
PLENTY = 256 << 20


class Watch:
    """A wall clock that goes with Trio's, and can be set."""

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds."""

    def __call__(self) -> int:
        return NOON + round((trio.current_time() + self.offset) * 1e9)


def _may_be_out(name: str) -> Callable[..., Awaitable[object]]:
    """A method of the memory log, for a log that may be out of reach."""

    async def call(self: SharedLog, *arguments: object, **more: object) -> object:
        if self.out:
            await trio.lowlevel.checkpoint()
            raise NotConnectedError("it is out")
        return await getattr(MemoryLog, name)(self, *arguments, **more)

    return call


class SharedLog(MemoryLog):
    """As a log on another machine is: others see it, and it may be out of reach."""

    shared = True
    find, find_all, sessions = _may_be_out("find"), _may_be_out("find_all"), _may_be_out("sessions")
    head, read, last_data = _may_be_out("head"), _may_be_out("read"), _may_be_out("last_data")
    now, claim, release = _may_be_out("now"), _may_be_out("claim"), _may_be_out("release")
    configuration = _may_be_out("configuration")

    def __init__(self, clock: Watch, max_bytes: int = PLENTY) -> None:
        super().__init__(max_bytes, clock)
        self._out = trio.Event()

    @property
    def out(self) -> bool:
        """Whether nobody reaches it."""
        return self._out.is_set()

    def go_out(self) -> None:
        self._out.set()

    def come_back(self) -> None:
        self._out = trio.Event()

    def begin_anew(self) -> None:
        """It has forgotten everything."""
        fresh = MemoryLog(PLENTY, self._clock)
        for name in ("_streams", "_records", "_last", "_order", "_last_id", "_configurations", "bytes"):
            setattr(self, name, getattr(fresh, name))

    def _next_id(self) -> int:
        """As counters in Redis, which begin anew where their data are lost."""
        return self._last_id + 1

    @asynccontextmanager
    async def follow(self, stream: str, after: Position) -> AsyncIterator[Tail]:
        if self.out:
            raise NotConnectedError("it is out")
        async with super().follow(stream, after) as tail:
            yield _BrittleTail(tail, self._out)


class _BrittleTail:
    """Breaks off when the log goes out; a call that is cancelled loses nothing."""

    def __init__(self, tail: Tail, out: trio.Event) -> None:
        self._tail, self._out = tail, out
        self._batch: Batch | None = None

    async def next(self) -> Batch:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._break_off, nursery.cancel_scope)
            if self._batch is None:
                self._batch = await self._tail.next()
            nursery.cancel_scope.cancel()
        if self._out.is_set():
            raise NotConnectedError("it is out")
        batch, self._batch = self._batch, None
        assert batch is not None
        return batch

    async def _break_off(self, scope: trio.CancelScope) -> None:
        await self._out.wait()
        scope.cancel()


@define
class Stage:
    """What a test works with."""

    clock: Watch = Factory(Watch)
    log: MemoryLog = Factory(lambda self: SharedLog(self.clock), takes_self=True)
    archive: PlainArchive = Factory(PlainArchive)
    health: Health = Factory(Health)
    report: Metrics = field(factory=lambda: Metrics(HotCounters(), dict))
    details: Mapping[str, str] = Factory(dict)

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[Recorder]:
        """A recorder that is killed at the end."""
        recorder = Recorder(self.archive, self.log, self.details, self.health, self.report)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recorder.run)
            yield recorder
            nursery.cancel_scope.cancel()

    async def record(self, seconds: float = 5.0) -> None:
        """A recorder that is killed after so many seconds."""
        async with self.recording():
            await trio.sleep(seconds)

    async def open(self, identity: str, stream: str = "s", **more: object) -> SessionRecord:
        """A session whose first burst is its JSON."""
        session = await self.log.open_session(identity, stream)
        await self.log.append(session, json_burst(session_json(identity, **more)))
        return session

    async def write(self, session: SessionRecord, numbers: Sequence[int]) -> list[Position]:
        return [await self.log.append(session, numbered_burst(i)) for i in numbers]

    async def close(self, session: SessionRecord) -> Position:
        return await self.log.append(session, json_burst(session_json(session.identity, "closed")))

    def numbers(self, identity: str) -> list[int]:
        return numbers_in(self.archive, identity)

    def holes(self, identity: str) -> list[Hole]:
        return [hole for run in self.archive._sessions[identity].runs for hole in run.holes]

    def json(self, identity: str) -> str:
        return self.archive._sessions[identity].json

    def counted(self, metric: str) -> float:
        return self.report.registry.get_sample_value(metric) or 0.0


def numbers_in(archive: PlainArchive, identity: str) -> list[int]:
    """What an archive has of a session of numbered bursts, as they came."""
    session = archive._sessions.get(identity)
    runs = [] if session is None else session.runs
    return [number_of(e.burst) for run in runs for e in run.entries if e.burst.has_data]
