"""What has been received of a stream: which entries are new, which are doubles, and what is missing. Plain code.

Numbers rise by one within a run of the stream and begin anew with the next run; order is that of recording. An entry
is known by its time and number. Remembered one by one are 512; of what is older than these it is known from the
numbers: all from the first of this run that we saw up to the newest, but for the gaps.

Source: protocol notes, "seq".
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
    """We have had it."""
    NEWEST = "newest"
    """Behind all others."""
    FIRST = "first"
    """The same, and the first of a new run."""
    EARLIER = "earlier"
    """Somewhere before the newest."""


@frozen
class ReceivedEntry:
    """What an entry turned out to be."""

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
    """Of one stream."""

    def __init__(self) -> None:
        self.seq: int | None = None
        """The newest entry's number; None: it never had one."""
        self.last_ts: Ns | None = None
        self.gaps: list[Gap] = []
        """The open ones, those found first first; whoever feeds entries closes them."""
        self._closed: deque[Gap] = deque(maxlen=_CLOSED_GAPS)
        self._memory: dict[_Mark, None] = {}
        self._forgotten: Ns | None = None  # the latest time of what is not remembered any more
        self._run_seq = 0
        self._run_ts = self._top_ts = Ns(0)
        self._stopped = False
        self._repeated = False  # the newest number was that of the entry before
        self._out_of_order: int | None = None

    def stopped(self) -> None:
        """The stream has been stopped: what comes next is of another run."""
        self._stopped = True

    def close(self, gap: Gap) -> None:
        """Nothing more is done for a gap; what still comes of it is known to be missing all the same."""
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
        taken = self._live(entry.ts, entry.seq, retained)
        if taken.place is not Placement.DOUBLE:
            self._remember(entry)
        return taken

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
            if repeated and self._repeated:  # it always says the same: what it never had is asked for only once
                self._begin(ts, seq)
                taken = _NEWEST
            else:
                taken = self._anew(ts, seq)
            self._repeated = repeated
            return taken
        return self._older(ts, seq, retained)

    def _older(self, ts: Ns, seq: int, retained: bool) -> ReceivedEntry:
        """A lower number and an older time: a double from long ago, or a clock that was set back before a new run."""
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
        assert self.last_ts is not None
        opened = None
        if seq > 1 and ts > self.last_ts:
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
        """Whether we have had it, as far as the numbers tell."""
        if self.seq is None or self._remembers(ts) or any(g.lacks(seq) for g in (*self.gaps, *self._closed)):
            return False
        return self._run_ts <= ts <= self._top_ts and self._run_seq <= seq <= self.seq

    # ---- memory

    def _had(self, entry: StatusEntry) -> bool:
        return _mark(entry) in self._memory

    def _remember(self, entry: StatusEntry) -> None:
        self._memory[_mark(entry)] = None
        if len(self._memory) > REMEMBERED:
            oldest = next(iter(self._memory))
            del self._memory[oldest]
            self._forgotten = oldest[0] if self._forgotten is None else max(self._forgotten, oldest[0])

    def _remembers(self, ts: Ns) -> bool:
        """Whether everything of that time, and later, that we have had is remembered."""
        return self._forgotten is None or ts > self._forgotten


def _mark(entry: StatusEntry) -> _Mark:
    """What an entry is known by; without a number it is its values."""
    if entry.seq is not None:
        return entry.ts, entry.seq
    return entry.ts, -1 - zlib.crc32(repr(entry.values).encode(errors="replace"))
