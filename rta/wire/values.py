"""The small values everything else speaks of."""

from __future__ import annotations

from typing import NewType, Self

from attrs import frozen

__all__ = ["ChannelId", "Ns", "TimeRange"]

ChannelId = NewType("ChannelId", int)
"""Number of a data channel in a session, 0 to 2^32 - 1."""

Ns = NewType("Ns", int)
"""Nanoseconds: since the Unix epoch for a moment, else a span. The name of a variable says whether it is stream time or
wall time."""


@frozen(slots=True)
class TimeRange:
    """What a session covers: both ends inclusive, ns since the Unix epoch."""

    start: int
    end: int

    def union(self, other: TimeRange | None) -> Self | TimeRange:
        """The smallest range that covers both."""
        if other is None or (self.start <= other.start and other.end <= self.end):
            return self
        return TimeRange(min(self.start, other.start), max(self.end, other.end))

    @staticmethod
    def union_of(*ranges: TimeRange | None) -> TimeRange | None:
        """The union of those that are known; None where none is."""
        out: TimeRange | None = None
        for r in ranges:
            out = r if out is None else out.union(r)
        return out
