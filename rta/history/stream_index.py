"""A track: what the store knows in memory of one stream's entries. Plain code.

A track's floor is the position up to which its entries are gone, whether or not they still are in the file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from attrs import frozen

from rta.history.entry import Bounds, Key, Retention
from rta.history.segment import Places, Segment
from rta.wire.values import Ns

__all__ = ["FOR_EVER", "Excess", "StreamIndex"]

FOR_EVER = (1 << 63) - 1
"""Behind every position."""

Load = Callable[["StreamIndex", Segment], Places]
"""Reads the places of a run that are not in memory."""


@frozen
class Excess:
    """What a limit takes from a track."""

    floor: int
    gone: dict[int, int]
    """By segment, how many entries."""
    oldest: tuple[int, int] | None
    """Position and time of the first entry that stays."""


class StreamIndex:
    """The entries of one stream."""

    __slots__ = ("count", "doomed", "first", "floor", "id", "key", "newest", "oldest", "runs", "seq")

    def __init__(self, id_: int, key: Key, floor: int) -> None:
        self.id = id_
        """Its number in the file, never used again."""
        self.key = key
        self.floor = floor
        self.doomed = floor
        """Up to here entries may be missing from the file, and nothing is wrong."""
        self.runs: list[Segment] = []
        self.count = 0
        self.first = 0
        self.oldest = 0
        self.newest = 0
        self.seq = 0

    @property
    def last(self) -> int:
        """The position of the newest entry; 0: there is none."""
        return self.runs[-1].last if self.runs else 0

    def bounds(self) -> Bounds | None:
        """None: there are no entries."""
        if not self.runs:
            return None
        return Bounds(self.first, self.last, self.count, Ns(self.oldest), Ns(self.newest), self.seq)

    def add(self, segment: int, pos: int, ts: int, seq: int) -> None:
        """One more entry."""
        if self.runs and self.runs[-1].segment == segment:
            self.runs[-1].add(pos, ts)
        else:
            self.runs.append(Segment.of(segment, Places((pos,), (ts,))))
        if not self.count:
            self.first, self.oldest = pos, ts
        self.count += 1
        self.newest, self.seq = ts, seq

    def run_in(self, segment: int) -> Segment | None:
        """None: there are no entries in it, or they are gone."""
        i = bisect_left(self.runs, segment, key=_segment)
        return self.runs[i] if i < len(self.runs) and self.runs[i].segment == segment else None

    def behind(self, pos: int) -> list[Segment]:
        """Copies of the runs that have something behind a position."""
        pos = max(pos, self.floor)
        first = bisect_right(self.runs, pos, key=_last)
        return [run.copy(pos) if run.places is not None else run for run in self.runs[first:]]

    def cut(self, limit: Retention, load: Load) -> Excess | None:
        """What is over a limit: from the oldest entry on, as long as there are too many or the oldest is too old."""
        over = max(0, self.count - limit.entries)
        if not self.runs or (not over and self.oldest >= limit.before):
            return None
        gone: dict[int, int] = {}
        floor = self.floor
        for run in self.runs:
            whole = run.count if run.first > self.floor else 0
            if whole and (whole <= over or run.newest < limit.before):
                taken = whole
            else:
                rest = load(self, run).behind(self.floor)
                taken = min(over, len(rest.times))
                while taken < len(rest.times) and rest.times[taken] < limit.before:
                    taken += 1
                if taken < len(rest.times):
                    if taken:
                        gone[run.segment], floor = taken, rest.positions[taken - 1]
                    return Excess(floor, gone, (rest.positions[taken], rest.times[taken]))
            gone[run.segment], floor = taken, run.last
            over = max(0, over - taken)
        return Excess(floor, gone, None)

    def apply(self, cut: Excess) -> None:
        """Take it out."""
        self.floor = cut.floor
        self.doomed = max(self.doomed, cut.floor)
        self.count -= sum(cut.gone.values())
        del self.runs[: bisect_right(self.runs, cut.floor, key=_last)]
        if cut.oldest is not None:
            self.first, self.oldest = cut.oldest

    def live(self, load: Load) -> dict[int, int]:
        """By segment, how many entries there are."""
        return {
            run.segment: run.count if run.first > self.floor else len(load(self, run).behind(self.floor).positions)
            for run in self.runs
        }

    def lose(self, lost: set[int], load: Load) -> dict[int, int]:
        """Some positions cannot be read: they are not counted on any more. By segment, how many."""
        went: dict[int, int] = {}
        runs = []
        for run in self.runs:
            if any(run.first <= pos <= run.last for pos in lost):
                places = load(self, run).behind(self.floor)
                left = places.without(lost)
                went[run.segment] = len(places.positions) - len(left.positions)
                if left.positions:
                    runs.append(Segment.of(run.segment, left))
            else:
                runs.append(run)
        self.runs = runs
        self.measure(load)
        return went

    def measure(self, load: Load) -> None:
        """Count anew, and see where the oldest entry is."""
        self.count = 0
        for run in list(self.runs):
            if self.count and run.first > self.floor:
                self.count += run.count
                continue
            places = load(self, run).behind(self.floor)
            if not places.positions:
                self.runs.remove(run)
                continue
            if not self.count:
                self.first, self.oldest = places.positions[0], places.times[0]
            self.count += len(places.positions)


def _last(run: Segment) -> int:
    return run.last


def _segment(run: Segment) -> int:
    return run.segment
