"""Which entries of a stream are new, which are doubles, and which are missing. Plain code.

Numbers rise by one within a run of the stream and begin anew with the next run, in the order of recording. An entry is
identified by its time and number. The last 512 are remembered one by one. Of older ones the numbers tell: all from the
first number of this run that we received up to the newest have been received, except those in gaps.

Source: docs/rsmp.md, "Sequence numbers".
"""

from __future__ import annotations

import zlib
from collections import deque
from enum import Enum

from attrs import frozen

from rta.consumer.events import StatusEntry
from rta.consumer.gaps import Gap
from rta.wire.values import Ns

__all__ = ["OPEN_GAPS", "Placement", "Received", "ReceivedEntry"]

REMEMBERED = 512
OPEN_GAPS = 16
_CLOSED_GAPS = 16


class Placement(Enum):
    """Where an entry belongs."""

    DOUBLE = "double"
    """It has been received before."""
    NEWEST = "newest"
    """It is behind all others."""
    FIRST = "first"
    """It is behind all others, and the first of a new run."""
    EARLIER = "earlier"
    """It is before the newest."""


@frozen
class ReceivedEntry:
    """Where an entry belongs, and the gap that it opens."""

    place: Placement
    opened: Gap | None = None
    """A gap before it."""


_DOUBLE, _NEWEST, _EARLIER = (
    ReceivedEntry(Placement.DOUBLE),
    ReceivedEntry(Placement.NEWEST),
    ReceivedEntry(Placement.EARLIER),
)

_Mark = tuple[Ns, int]


class Received:
    """What has been received of one stream."""

    def __init__(self) -> None:
        self.seq: int | None = None
        """The number of the newest entry; None: no entry had a number."""
        self.last_ts: Ns | None = None
        self.gaps: list[Gap] = []
        """The open gaps, those found first first. The caller closes them."""
        self._closed: deque[Gap] = deque(maxlen=_CLOSED_GAPS)
        self._memory: dict[_Mark, None] = {}
        self._forgotten: Ns | None = None  # the latest time of the entries that are not remembered any more
        self._run_seq = 0
        self._run_ts = self._top_ts = Ns(0)
        self._stopped = False
        self._counts_from_one = False  # a number 1 has come; other nodes may begin a run with another number
        self._repeated = False  # the newest number was that of the entry before
        self._out_of_order: int | None = None

    def stopped(self) -> None:
        """The stream has been stopped: the next entry is of another run."""
        self._stopped = True

    def close(self, gap: Gap) -> None:
        """Close a gap. Entries of it that still come are recognised as new."""
        self.gaps.remove(gap)
        self._closed.append(gap)

    def live(self, entry: StatusEntry, retained: bool) -> ReceivedEntry:
        """An entry of a status message."""
        if self._had(entry):
            return _DOUBLE
        if entry.seq is None:
            if retained and self.last_ts is not None and entry.ts < self.last_ts:
                return _DOUBLE
            self.last_ts = entry.ts
            self._remember(entry)
            return _NEWEST
        placed = self._live(entry.ts, entry.seq, retained)
        if placed.place is not Placement.DOUBLE:
            self._remember(entry)
        return placed

    def late(self, entry: StatusEntry, source: str) -> ReceivedEntry:
        """An entry that was replayed or fetched."""
        if self._had(entry):
            for gap in (*self.gaps, *self._closed):
                if entry.seq is not None and gap.spans(entry.ts) and gap.covers(entry.seq):
                    gap.heard(entry.ts, entry.seq, source)
            return _DOUBLE
        if entry.seq is not None:
            if self._extends(entry.ts, entry.seq):
                self._advance(entry.ts, entry.seq)
                self._remember(entry)
                return _NEWEST
            if self._is_double(entry.ts, entry.seq, source):
                return _DOUBLE
        self._remember(entry)
        return _EARLIER

    # ---- live

    def _live(self, ts: Ns, seq: int, retained: bool) -> ReceivedEntry:
        if self.seq is None or self.last_ts is None:
            self._begin(ts, seq)
            return ReceivedEntry(Placement.FIRST)
        if seq == self.seq + 1 and seq != 1:
            self._stopped = False
            self._advance(ts, seq)
            return _NEWEST
        if self._stopped:
            return self._anew(ts, seq)
        if seq > self.seq:
            return self._jump(ts, seq)
        if any(g.spans(ts) and g.covers(seq) and g.fill(ts, seq, "live") for g in (*self.gaps, *self._closed)):
            return _EARLIER
        if ts > self.last_ts:
            repeated = seq == self.seq
            if repeated and self._repeated:  # a node that repeats one number: only its first gap is opened
                self._begin(ts, seq)
                placed = _NEWEST
            else:
                placed = self._anew(ts, seq)
            self._repeated = repeated
            return placed
        return self._older(ts, seq, retained)

    def _older(self, ts: Ns, seq: int, retained: bool) -> ReceivedEntry:
        """A lower number and an older time: an old double, or a clock that was set back before a new run."""
        double = self._in_run(ts, seq)
        if not retained:
            before, self._out_of_order = self._out_of_order, seq
            if (seq == 1 and not (double and ts == self._run_ts)) or (before is not None and seq == before + 1):
                return self._anew(ts, seq)
        return _DOUBLE if double or (retained and not self._remembers(ts)) else _EARLIER

    def _jump(self, ts: Ns, seq: int) -> ReceivedEntry:
        assert self.seq is not None
        assert self.last_ts is not None
        opened = self._open(Gap(self.seq, seq, self.last_ts, ts))
        self._advance(ts, seq)
        return ReceivedEntry(Placement.NEWEST, opened)

    def _anew(self, ts: Ns, seq: int) -> ReceivedEntry:
        """The first of another run. What may be missing before it is known only of a stream that counts from 1; one
        that goes on counting over a stop has lost nothing by it."""
        assert self.seq is not None
        assert self.last_ts is not None
        opened = None
        goes_on = self._stopped and seq > self.seq
        if seq > 1 and ts > self.last_ts and self._counts_from_one and not goes_on:
            opened = self._open(Gap(0, seq, self.last_ts, ts))
        self._begin(ts, seq)
        return ReceivedEntry(Placement.FIRST, opened)

    def _open(self, gap: Gap) -> Gap | None:
        for ts, seq in self._memory:
            if gap.spans(ts) and gap.covers(seq):
                gap.fill(ts, seq, "memory")
        if not gap.missing:
            return None
        self.gaps.append(gap)
        return gap

    def _begin(self, ts: Ns, seq: int) -> None:
        self._run_seq, self._run_ts, self._top_ts = seq, ts, ts
        self._stopped = False
        self._advance(ts, seq)

    def _advance(self, ts: Ns, seq: int) -> None:
        self.seq, self.last_ts = seq, ts
        self._top_ts = max(self._top_ts, ts)
        self._repeated = False
        self._out_of_order = None

    # ---- late

    def _extends(self, ts: Ns, seq: int) -> bool:
        return (
            self.seq is not None
            and self.last_ts is not None
            and not self._stopped
            and seq == self.seq + 1
            and ts >= self.last_ts
        )

    def _is_double(self, ts: Ns, seq: int, source: str) -> bool:
        around = sorted((g for g in (*self.gaps, *self._closed) if g.spans(ts)), key=lambda g: g.backwards)
        for gap in around:
            if gap.covers(seq):
                return not gap.fill(ts, seq, source) and not gap.mixed and not self._remembers(ts)
        if around and not around[0].backwards:
            # Another run lies within the gap: its numbers say nothing about ours.
            return any(g.is_end(ts, seq) for g in around)
        return self._in_run(ts, seq)

    def _in_run(self, ts: Ns, seq: int) -> bool:
        """Whether the entry has been received in this run, as far as the numbers tell."""
        if self.seq is None or self._remembers(ts) or any(g.lacks(seq) for g in (*self.gaps, *self._closed)):
            return False
        return self._run_ts <= ts <= self._top_ts and self._run_seq <= seq <= self.seq

    # ---- memory

    def _had(self, entry: StatusEntry) -> bool:
        return _mark(entry) in self._memory

    def _remember(self, entry: StatusEntry) -> None:
        self._counts_from_one = self._counts_from_one or entry.seq == 1
        self._memory[_mark(entry)] = None
        if len(self._memory) > REMEMBERED:
            oldest = next(iter(self._memory))
            del self._memory[oldest]
            self._forgotten = oldest[0] if self._forgotten is None else max(self._forgotten, oldest[0])

    def _remembers(self, ts: Ns) -> bool:
        """Whether all received entries of that time and later are remembered."""
        return self._forgotten is None or ts > self._forgotten


def _mark(entry: StatusEntry) -> _Mark:
    """What identifies an entry; without a number, its time and values."""
    if entry.seq is not None:
        return entry.ts, entry.seq
    return entry.ts, -1 - zlib.crc32(repr(entry.values).encode(errors="replace"))
