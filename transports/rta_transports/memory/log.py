"""A burst log in memory, bounded in bytes at every moment and in age by the pruner.

No method has a checkpoint between looking and changing, so every call is atomic; each has one at its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import attrs
import trio
from attrs import define
from attrs.validators import ge

from rta.ports import (
    START,
    Batch,
    Context,
    Duration,
    Entry,
    Position,
    SessionRecord,
    Size,
    StreamSessionId,
    Trim,
    option,
)
from rta.wakeup import Wakeup
from rta.wire import Burst, TimeRange
from rta_transports.memory.configurations import Configurations

__all__ = ["MemoryLog", "MemoryLogOptions", "open_log"]

_OVERHEAD = 400  # bytes of bookkeeping per entry
_BATCH_ENTRIES = 256
_BATCH_BYTES = 1 << 20


@define
class MemoryLogOptions:
    """The buffer, in the memory of the process."""

    max_bytes: Size = option(
        "Bytes of packed bursts kept, over all sessions; the oldest go first.", Size(256 << 20), validator=ge(1 << 16)
    )
    max_age: Duration | None = option("How long bursts are kept; unset: as long as there is room.", None)


class _Stream:
    """Entries of one stream in order; dropped ones leave the front."""

    __slots__ = ("changed", "entries", "followers", "gone", "head", "held", "positions", "trimmed")

    def __init__(self) -> None:
        self.positions: list[Position] = []
        self.entries: list[Entry | None] = []
        self.gone = 0
        self.head = START
        self.trimmed = START
        self.changed = Wakeup()
        self.followers = 0
        self.held: Counter[int] = Counter()
        """How many entries of each session there are."""

    def append(self, entry: Entry) -> None:
        self.held[entry.session_id] += 1
        self.positions.append(entry.position)
        self.entries.append(entry)
        self.head = entry.position
        self.changed.set()

    def drop_oldest(self) -> int:
        """Bytes freed."""
        entry = self.entries[self.gone]
        assert entry is not None
        self.entries[self.gone] = None
        self.trimmed = entry.position
        self.gone += 1
        self.held[entry.session_id] -= 1
        if not self.held[entry.session_id]:
            del self.held[entry.session_id]
        if self.gone == len(self.positions) or (self.gone > 4096 and self.gone * 2 > len(self.positions)):
            del self.positions[: self.gone], self.entries[: self.gone]
            self.gone = 0
        return _cost(entry.burst)

    def last_data(self, session_id: StreamSessionId, after: Position, upto: Position) -> Position | None:
        first = max(bisect_right(self.positions, after), self.gone)
        left = self.held[session_id]
        for i in range(bisect_right(self.positions, upto) - 1, first - 1, -1):
            if not left:
                break
            entry = self.entries[i]
            assert entry is not None
            if entry.session_id == session_id:
                if entry.burst.has_data or entry.burst.has_events:
                    return entry.position
                left -= 1
        return None

    def read(self, after: Position, upto: Position | None, max_bytes: int, max_entries: int) -> Batch:
        first = max(bisect_right(self.positions, after), self.gone)
        last = len(self.positions) if upto is None else bisect_right(self.positions, upto)
        size, stop = 0, first
        end = min(last, first + max_entries)
        entries: list[Entry] = []
        while stop < end:
            entry = self.entries[stop]
            assert entry is not None
            size += entry.burst.raw_size
            if entries and size > max_bytes:
                break
            entries.append(entry)
            stop += 1
        if stop < last:
            position = self.positions[stop - 1]
        else:
            position = self.head if upto is None else max(after, upto)
        asked = upto is None or after < upto
        return Batch(entries, position, lost=asked and after < self.trimmed)


def _cost(burst: Burst) -> int:
    return len(burst.packed) + _OVERHEAD


class MemoryLog:
    """The log of one process."""

    shared = False

    def __init__(self, max_bytes: int, clock: Callable[[], int], max_age_ms: int | None = None) -> None:
        """`clock` gives ns since the Unix epoch; positions never go back even where it does."""
        self._max_bytes = max_bytes
        self._max_age_ms = max_age_ms
        self._clock = clock
        self._last_id = 0
        self._last = START
        self._streams: dict[str, _Stream] = {}
        self._order: deque[tuple[Position, _Stream]] = deque()
        self._records: dict[str, SessionRecord] = {}
        self._configurations = Configurations()
        self._claims: dict[str, tuple[str, float]] = {}
        """Who acts for a stream, and until when, Trio time."""
        self.bytes = 0

    def _now_ms(self) -> int:
        return self._clock() // 1_000_000

    async def open_session(self, identity: str, stream: str) -> SessionRecord:
        self._last_id = self._next_id()
        position = self._head(stream)
        record = SessionRecord(identity, stream, self._last_id, position, self._now_ms())
        self._records[identity] = record
        await trio.lowlevel.checkpoint()
        return record

    def _next_id(self) -> StreamSessionId:
        """Not one that an earlier process gave: archives would take its sessions for these."""
        return max(self._last_id + 1, self._now_ms())

    async def append(self, session: SessionRecord, burst: Burst) -> Position:
        ms = max(self._now_ms(), self._last.ms)
        position = Position(ms, self._last.seq + 1 if ms == self._last.ms else 0)
        self._last = position
        stream = self._streams.get(session.stream)
        if stream is None:
            stream = self._streams[session.stream] = _Stream()
        stream.append(Entry(position, session.stream_session_id, burst))
        self._order.append((position, stream))
        self.bytes += _cost(burst)
        while self.bytes > self._max_bytes and self._order:
            self._drop_oldest()
        self._update(session, burst)
        await trio.lowlevel.checkpoint()
        return position

    def _update(self, session: SessionRecord, burst: Burst) -> None:
        record = self._records.get(session.identity)
        if record is None or record.stream_session_id != session.stream_session_id:
            return
        self._records[session.identity] = attrs.evolve(
            record,
            last_updated=self._now_ms(),
            json=burst.session_json[-1] if burst.session_json else record.json,
            time_range=TimeRange.union_of(record.time_range, burst.time_range),
        )

    def _drop_oldest(self) -> None:
        _, stream = self._order.popleft()
        self.bytes -= stream.drop_oldest()

    async def find(self, identity: str) -> SessionRecord | None:
        await trio.lowlevel.checkpoint()
        return self._records.get(identity)

    async def find_all(self, identities: Collection[str]) -> dict[str, SessionRecord]:
        await trio.lowlevel.checkpoint()
        return {identity: self._records[identity] for identity in identities if identity in self._records}

    async def sessions(self) -> list[SessionRecord]:
        await trio.lowlevel.checkpoint()
        return list(self._records.values())

    async def forget(self, record: SessionRecord) -> bool:
        await trio.lowlevel.checkpoint()
        known = self._records.get(record.identity)
        if known is None or known != record:
            return False
        del self._records[record.identity]
        return True

    async def head(self, stream: str) -> Position:
        await trio.lowlevel.checkpoint()
        return self._head(stream)

    def _head(self, stream: str) -> Position:
        found = self._streams.get(stream)
        return START if found is None else found.head

    async def last_data(
        self, stream: str, session_id: StreamSessionId, after: Position, upto: Position
    ) -> Position | None:
        await trio.lowlevel.checkpoint()
        found = self._streams.get(stream)
        return None if found is None else found.last_data(session_id, after, upto)

    async def read(self, stream: str, after: Position, upto: Position, max_bytes: int) -> Batch:
        await trio.lowlevel.checkpoint()
        if stream not in self._streams:
            return Batch([], max(after, upto))
        return self._streams[stream].read(after, upto, max_bytes, 1 << 20)

    @asynccontextmanager
    async def follow(self, stream: str, after: Position) -> AsyncIterator[MemoryTail]:
        found = self._streams.setdefault(stream, _Stream())
        found.followers += 1
        try:
            yield MemoryTail(found, after)
        finally:
            found.followers -= 1

    async def publish(self, identifier: str, text: str) -> None:
        self._configurations.add(identifier, text)
        await trio.lowlevel.checkpoint()

    async def configuration(self, identifier: str) -> str | None:
        await trio.lowlevel.checkpoint()
        return self._configurations.get(identifier)

    async def claim(self, stream: str, owner: str, ttl: float) -> bool:
        await trio.lowlevel.checkpoint()
        now = trio.current_time()
        holder, until = self._claims.pop(stream, (owner, now))
        free = holder == owner or now >= until
        self._claims[stream] = (owner, now + ttl) if free else (holder, until)
        while (
            self._claims and self._claims[oldest := next(iter(self._claims))][1] <= now
        ):  # nobody may ask for it again
            del self._claims[oldest]
        return free

    async def release(self, stream: str, owner: str) -> None:
        await trio.lowlevel.checkpoint()
        if self._claims.get(stream, ("", 0.0))[0] == owner:
            del self._claims[stream]

    async def now(self) -> int:
        await trio.lowlevel.checkpoint()
        return self._now_ms()

    async def trim(self, keep: Trim) -> int:
        now, count = self._now_ms(), 0
        ages = [a for a in (keep.max_age_ms, self._max_age_ms) if a is not None]
        if ages:
            oldest = now - min(ages)
            while self._order and self._order[0][0].ms < oldest:
                self._drop_oldest()
                count += 1
        if keep.max_entries is not None:
            count += self._trim_entries(keep.max_entries)
        if keep.session_ttl_ms is not None:
            self._forget(now - keep.session_ttl_ms)
        await trio.lowlevel.checkpoint()
        return count

    def _trim_entries(self, bound: int) -> int:
        excess = {s: len(s.positions) - s.gone - bound for s in self._streams.values()}
        kept: deque[tuple[Position, _Stream]] = deque()
        count = 0
        if all(n <= 0 for n in excess.values()):
            return 0
        for position, stream in self._order:
            if excess[stream] > 0:
                excess[stream] -= 1
                count += 1
                self.bytes -= stream.drop_oldest()
            else:
                kept.append((position, stream))
        self._order = kept
        return count

    def _forget(self, before: int) -> None:
        for identity, record in list(self._records.items()):
            stream = self._streams.get(record.stream)
            if record.last_updated < before and (stream is None or record.stream_session_id not in stream.held):
                del self._records[identity]
        named = {r.stream for r in self._records.values()}
        for name, stream in list(self._streams.items()):
            if name not in named and not stream.held and not stream.followers:
                del self._streams[name]  # positions never go back, so it may begin again


class MemoryTail:
    """Follows one stream."""

    def __init__(self, stream: _Stream, after: Position) -> None:
        self._stream = stream
        self._after = after

    async def next(self) -> Batch:
        await trio.lowlevel.checkpoint()
        while self._stream.head <= self._after:
            await self._stream.changed.wait()
        batch = self._stream.read(self._after, None, _BATCH_BYTES, _BATCH_ENTRIES)
        self._after = batch.position
        return batch


@asynccontextmanager
async def open_log(options: MemoryLogOptions, context: Context) -> AsyncIterator[MemoryLog]:
    """A log with nothing in it."""
    age = None if options.max_age is None else int(options.max_age * 1000)
    yield MemoryLog(options.max_bytes, context.clock, age)
