"""Runs: where the entries of a stream are, segment by segment. Plain code.

The positions of a node's history are cut into segments of equal length. The entries of one stream in one segment are
a run: their positions and times, in recording order. So the store needs no index that grows with what is in it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from attrs import define

__all__ = ["LONGEST", "Places", "Segment", "chosen"]

LONGEST = 1 << 16
"""Positions that a segment may have at the most: within one, they are two bytes long in the file."""


class Places:
    """Positions, which rise, and the times of the entries there (ns), which may not."""

    __slots__ = ("positions", "times")

    def __init__(self, positions: Sequence[int] = (), times: Sequence[int] = ()) -> None:
        self.positions = array("q", positions)
        self.times = array("q", times)

    def pack(self, start: int) -> bytes:
        """As it is kept in the file; `start` is the first position of the segment."""
        return array("H", [pos - start for pos in self.positions]).tobytes() + self.times.tobytes()

    @staticmethod
    def unpack(packed: bytes, start: int) -> Places:
        """:raises ValueError: these are no places."""
        count, rest = divmod(len(packed), 10)
        if rest:
            raise ValueError(f"{len(packed)} bytes of places")
        offsets = array("H", packed[: count * 2])
        return Places([start + offset for offset in offsets], array("q", packed[count * 2 :]))

    def behind(self, pos: int) -> Places:
        """A copy of those behind a position."""
        first = bisect_right(self.positions, pos)
        return Places(self.positions[first:], self.times[first:])

    def without(self, lost: set[int]) -> Places:
        """A copy, but for some."""
        kept = [(pos, ts) for pos, ts in zip(self.positions, self.times, strict=True) if pos not in lost]
        return Places([pos for pos, _ in kept], [ts for _, ts in kept])


@define(slots=True)
class Segment:
    """What is known of a run without reading it."""

    segment: int
    first: int
    """Its first position."""
    last: int
    count: int
    begins: int
    """ns: the time of its first entry."""
    oldest: int
    """ns: the least of its times, which need not be that of the first: clocks are set."""
    newest: int
    """ns: the greatest of its times."""
    places: Places | None = None
    """None: they are in the file only."""

    @staticmethod
    def of(segment: int, places: Places) -> Segment:
        """A run that has these places, at least one."""
        positions, times = places.positions, places.times
        return Segment(segment, positions[0], positions[-1], len(positions), times[0], min(times), max(times), places)

    def add(self, pos: int, ts: int) -> None:
        """One more entry; its places must be here."""
        assert self.places is not None
        self.places.positions.append(pos)
        self.places.times.append(ts)
        self.last = pos
        self.count += 1
        if ts < self.oldest:
            self.oldest = ts
        elif ts > self.newest:
            self.newest = ts

    def copy(self, after: int) -> Segment:
        """What the run is now, of the places those behind a position: it may go on meanwhile."""
        places = None if self.places is None else self.places.behind(after)
        return Segment(self.segment, self.first, self.last, self.count, self.begins, self.oldest, self.newest, places)

    def within(self, since: int | None, until: int | None) -> bool:
        """Whether some of its times may be in this range."""
        return (since is None or self.newest >= since) and (until is None or self.oldest < until)


def chosen(
    places: Places, begins: int | None, after: int, upto: int, since: int | None, until: int | None
) -> Iterator[tuple[int, int | None]]:
    """Positions in the ranges, each with the time of the next entry.

    :param begins: the time of the stream's first entry behind these places, if there is one.
    """
    positions, times = places.positions, places.times
    last = len(times) - 1
    for i in range(bisect_right(positions, after), bisect_right(positions, upto)):
        ts = times[i]
        if (since is None or ts >= since) and (until is None or ts < until):
            yield positions[i], times[i + 1] if i < last else begins
