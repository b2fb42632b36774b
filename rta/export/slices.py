"""Which stretch of time is read next, so that no more is in memory than is good. Plain code."""

from __future__ import annotations

from rta.wire.values import TimeRange

__all__ = ["TimeSlices"]

_FIRST = 16 * 10**9  # ns
_STEP = 8  # at most so many times as long, or short, as the one before


class TimeSlices:
    """Slices that follow each other without a gap, from the first sample that is wanted to the last."""

    def __init__(self, start: int | None, end: int | None, span: TimeRange | None, aim: int) -> None:
        """`start`, `end`: ns, inclusive; None: all there is. `span`: where most of the data are, as far as is known.
        `aim`: samples of a slice, about."""
        self._start = start
        self._end = end
        self._span = span
        self._aim = aim
        self._length = _FIRST
        self._over = start is not None and end is not None and start > end
        self._until = self._proposed()

    @property
    def over(self) -> bool:
        """There is no further slice."""
        return self._over

    @property
    def current(self) -> tuple[int | None, int | None]:
        """Start and end of the slice, inclusive; None: without a bound."""
        return self._start, self._until

    def split(self, lowest: int, highest: int) -> bool:
        """The slice holds too much, as far as it has been read: times from `lowest` to `highest`. It becomes shorter.

        False: it is a single moment, and stays as it is.
        """
        low = lowest if self._start is None else max(lowest, self._start)
        high = highest if self._until is None else min(highest, self._until)
        if low >= high:
            return False
        self._until = low + (high - low) // 2
        self._length = self._until - low + 1
        return True

    def end(self, samples: int) -> None:
        """All of the slice has been read. On to the next one."""
        if self._until == self._end:
            self._over = True
            return
        assert self._until is not None
        self._start = self._until + 1
        ratio = min(max(self._aim / samples, 1 / _STEP), _STEP) if samples else _STEP
        self._length = max(1, min(round(self._length * ratio), 1 << 62))
        self._until = self._proposed()

    def _proposed(self) -> int | None:
        begin = self._start
        if begin is None and self._span is not None:
            begin = self._span.start
        if begin is None or self._span is None or begin + self._length > self._span.end:
            return self._end
        until = begin + self._length - 1
        return until if self._end is None else min(until, self._end)
