"""The time range of a session, as it is told: what ranges say that cannot be right does not stretch it.

Who writes a session may have it from a node whose clock was never set. Nothing of what comes is changed; but a range
that lies far from when it came does not count beside those that do not, nor does an end of a range that does. A session
that is played in a time of its own, of which every range lies far away, has them all.
"""

from __future__ import annotations

from rta.clock_bounds import ClockBounds
from rta.wire.values import TimeRange

__all__ = ["SessionRange"]

_MS = 1_000_000


class SessionRange:
    """`told`: the range; None: there is none yet."""

    def __init__(self, bounds: ClockBounds) -> None:
        self.told: TimeRange | None = None
        self.odd: TimeRange | None = None
        """The first that could not be right."""
        self._bounds = bounds
        self._right: bool | None = None
        """Whether `told` is of ranges that can be right; None: nobody knows when they came."""

    def expand(self, span: TimeRange, arrived_ms: int) -> bool:
        """The session covers this too; False where something of it cannot be right.

        `arrived_ms`: when it came, by the log's clock, ms since the Unix epoch; 0: nobody knows.
        """
        told = self.told
        if told is not None and self._right is not False and told.union(span) is told:
            return True
        if not arrived_ms:
            self.told = TimeRange.union_of(told, span)
            return True
        arrived = arrived_ms * _MS
        start_right, end_right = self._bounds.allow(span.start, arrived), self._bounds.allow(span.end, arrived)
        if start_right and end_right and self._right:
            self.told = TimeRange.union_of(told, span)
            return True
        right = [t for t, is_right in ((span.start, start_right), (span.end, end_right)) if is_right]
        kept = TimeRange(right[0], right[-1]) if right else span
        good = kept == span
        if not right and self._right:
            kept, good = self.told or span, False
        elif right and self._right is False:
            self.odd = self.odd or self.told
            self.told = None
        self.told = TimeRange.union_of(self.told, kept)
        self._right = bool(right) or bool(self._right)
        if not good:
            self.odd = self.odd or span
        return good
