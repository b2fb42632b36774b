"""A log that can be filled in advance, and whose readers wait for a sign and for the slowest client."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

import trio
from attrs import define
from rta_transports.memory import MemoryLog

from rta.background import in_background
from rta.ports import Batch, BurstLog, Context, Position, Size, Tail, Trim, load_transport, option
from scripts.bench.gate import Gate, Slot
from scripts.bench.parent import end_with_parent
from scripts.bench.shapes import Maker
from scripts.bench.source import POLL, WAIT, identity

__all__ = ["LogOptions", "open_log"]


@define
class LogOptions:
    """A log in memory, or on Redis, with a gate in front of its readers."""

    gate: Path = option("The file of the gate.")
    shape: str = option("Of the bursts to fill it with.", "A")
    fill: int = option("How many of them, once the gate says so.", 0)
    relayout: int = option("Bursts after which the channels come in another order; 0: never.", 0)
    window: int = option("Bursts the slowest client may be behind; 0: any number.", 0)
    hold: bool = option("Whether readers wait for the gate.", False)
    max_bytes: Size = option("As of the memory log.", Size(4 << 30))
    redis: str | None = option("The URL of a Redis that has the bursts; unset: memory.", None)


class GatedLog:
    """See `rta.ports.BurstLog`."""

    def __init__(self, options: LogOptions, inner: BurstLog) -> None:
        self._options = options
        self._inner = inner
        self._gate = Gate(options.gate)
        self._handed_out = 0
        self.opened = trio.Event()
        if not options.hold:
            self.opened.set()
        self.shared = inner.shared
        self.open_session = inner.open_session
        self.append = inner.append
        self.find = inner.find
        self.find_all = inner.find_all
        self.sessions = inner.sessions
        self.forget = inner.forget
        self.head = inner.head
        self.last_data = inner.last_data
        self.publish = inner.publish
        self.configuration = inner.configuration
        self.claim = inner.claim
        self.release = inner.release
        self.now = inner.now

    async def trim(self, keep: Trim) -> int:
        return await self._inner.trim(keep)

    async def watch(self) -> None:
        """Fill it when the gate says so, open it when the gate says that."""
        gate = self._gate
        if self._options.fill:
            while not (gate[Slot.LOAD] and gate[Slot.READY]):
                await trio.sleep(POLL)
            await self._fill()
            gate[Slot.LOADED] = 1
        while not gate[Slot.GO]:
            await trio.sleep(POLL)
        if self._options.hold:
            gate[Slot.BEGUN] = time.time_ns()
            self.opened.set()

    async def _fill(self) -> None:
        record = await self._inner.find(identity(1))
        assert record is not None
        for burst in Maker(self._options.shape, self._options.relayout).bursts(self._options.fill):
            await self._inner.append(record, burst)

    async def read(self, stream: str, after: Position, upto: Position, max_bytes: int) -> Batch:
        await self.opened.wait()
        return await self._inner.read(stream, after, upto, max_bytes)

    @asynccontextmanager
    async def follow(self, stream: str, after: Position) -> AsyncIterator[GatedTail]:
        async with self._inner.follow(stream, after) as tail:
            yield GatedTail(self, tail, self._options.window)

    async def until_taken(self, count: int, window: int) -> None:
        """Wait until handing out so many more leaves no client behind by more than the window."""
        self._handed_out += count
        while window and self._handed_out - self._gate[Slot.SLOWEST] > window:
            await trio.sleep(WAIT)


class GatedTail:
    """A tail that waits for the gate, and then for the slowest client."""

    def __init__(self, log: GatedLog, inner: Tail, window: int) -> None:
        self._log = log
        self._inner = inner
        self._window = window
        self._rest: Batch | None = None

    async def next(self) -> Batch:
        if self._rest is None:
            batch = await self._inner.next()
            await self._log.opened.wait()
        else:
            batch, self._rest = self._rest, None
        most = max(1, self._window // 4)
        if self._window and len(batch.entries) > most:
            self._rest = Batch(batch.entries[most:], batch.position)
            entries = batch.entries[:most]
            batch = Batch(entries, entries[-1].position, batch.lost)
        await self._log.until_taken(sum(e.burst.has_data for e in batch.entries), self._window)
        return batch


def _inner(options: LogOptions, context: Context) -> AbstractAsyncContextManager[BurstLog]:
    if options.redis is None:
        return nullcontext(MemoryLog(options.max_bytes, context.clock))
    offer = load_transport("redis").log
    assert offer is not None
    return offer.open(offer.options(url=options.redis), context)


@asynccontextmanager
async def open_log(options: LogOptions, context: Context) -> AsyncIterator[GatedLog]:
    async with _inner(options, context) as inner, in_background(end_with_parent):
        log = GatedLog(options, inner)
        async with in_background(log.watch):
            yield log
