"""The catalogue: what the store knows in memory of all streams, and which segments are worth a cleaning. Plain code.

New entries are found here at once; when a segment is full, its runs wait here until they have been written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from rta.history.entry import Key
from rta.history.segment import Segment
from rta.history.stream_index import FOR_EVER, Excess, Load, StreamIndex

__all__ = ["HistoryIndex"]


class HistoryIndex:
    """Of one file."""

    def __init__(self, segment: int, sealed: int) -> None:
        self.segment = segment
        """How many positions a segment has."""
        self.sealed = sealed
        """The newest segment of which all runs are in the file."""
        self.tracks: dict[Key, StreamIndex] = {}
        self.waiting: deque[tuple[StreamIndex, int]] = deque()
        """Tracks with a segment that is full, whose runs are not yet in the file."""
        self.open = sealed + 1
        """The segment of the newest entries."""
        self.entries: dict[int, int] = {}
        """By segment, how many entries are in the file, whether they are gone or not."""
        self.live: dict[int, int] = {}
        """By segment, how many of them are not gone."""
        self._writing: dict[StreamIndex, None] = {}  # those with entries in the open segment

    def add(self, track: StreamIndex, pos: int, ts: int, seq: int) -> None:
        """One more entry."""
        segment = pos // self.segment
        if segment != self.open:
            self.waiting.extend((writing, self.open) for writing in self._writing)
            self._writing = {}
            self.open = segment
        track.add(segment, pos, ts, seq)
        self._writing[track] = None
        self.entries[segment] = self.entries.get(segment, 0) + 1
        self.live[segment] = self.live.get(segment, 0) + 1

    def remains(self, pos: int) -> None:
        """An entry is in the file, though it is gone."""
        segment = pos // self.segment
        self.entries[segment] = self.entries.get(segment, 0) + 1

    def to_seal(self, at_most: int) -> list[tuple[StreamIndex, Segment | None]]:
        """The first of those that wait; None: all of the run is gone."""
        return [(track, track.run_in(segment)) for track, segment in islice(self.waiting, at_most)]

    def has_sealed(self, written: Sequence[tuple[StreamIndex, Segment | None]]) -> None:
        """These are in the file now."""
        self.sealed = self.sealed_then(len(written))
        for _, run in written:
            self.waiting.popleft()
            if run is not None:
                run.places = None

    def sealed_then(self, count: int) -> int:
        """What `sealed` will be when so many more runs have been written."""
        return self.waiting[count][1] - 1 if len(self.waiting) > count else self.open - 1

    def full(self, sealed: int) -> list[int]:
        """Segments with entries that will be sealed when `sealed` is that."""
        found = []
        for segment in reversed(self.entries):
            if segment <= self.sealed:
                break
            if segment <= sealed:
                found.append(segment)
        return found

    def cut(self, cuts: Mapping[StreamIndex, Excess]) -> None:
        """Take out what is over the limits."""
        for track, cut in cuts.items():
            track.apply(cut)
            self._went(cut.gone)

    def forget(self, key: Key, load: Load) -> None:
        """A stream is no more."""
        track = self.tracks.pop(key)
        self._went(track.live(load))
        track.floor = track.doomed = FOR_EVER
        track.runs = []

    def lose(self, track: StreamIndex, lost: set[int], load: Load) -> None:
        """Some entries cannot be read."""
        self._went(track.lose(lost, load))

    def _went(self, gone: Mapping[int, int]) -> None:
        for segment, count in gone.items():
            self.live[segment] = max(0, self.live.get(segment, 0) - count)

    def worth_cleaning(self) -> Iterable[int]:
        """Full segments of which at least half is gone, from the oldest on."""
        for segment, entries in self.entries.items():
            if segment > self.sealed:
                break
            if entries >= 2 * self.live.get(segment, 0):
                yield segment

    def cleaned(self, segment: int) -> None:
        """What is gone is no longer in the file."""
        self.entries[segment] = self.live.get(segment, 0)
        if not self.entries[segment]:
            self.entries.pop(segment)
            self.live.pop(segment, None)
