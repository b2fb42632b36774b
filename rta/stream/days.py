"""Moments that are aligned to the local clock: multiples of an interval, counted from each local midnight.

They are counted in elapsed time, so that a day of 25 hours has 25 windows of one hour. What is left at the end of a
day is a shorter one; an interval of a day or more is the local day, however long that is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from rta.stream.definition import Ns

__all__ = ["Boundaries", "LocalDays"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAY_NS = 86_400_000_000_000


class LocalDays:
    """The days of a time zone. Remembers the last one asked for."""

    __slots__ = ("_end", "_start", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._start = self._end = 0

    def day(self, ts: int) -> tuple[int, int]:
        """Start and end of the local day that `ts` is in; ns since the epoch."""
        if not self._start <= ts < self._end:
            day = (_EPOCH + timedelta(seconds=ts // 1_000_000_000)).astimezone(self._zone).date()
            while ts < self._midnight(day):
                day -= _DAY
            while ts >= self._midnight(day + _DAY):  # a clock put back over midnight shows the old date again
                day += _DAY
            self._start, self._end = self._midnight(day), self._midnight(day + _DAY)
        return self._start, self._end

    def _midnight(self, day: date) -> int:
        """The first, where there are two; where there is none, when the day begins."""
        moment = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000


class Boundaries:
    """Where the windows of one interval (ns) begin and end."""

    __slots__ = ("_days", "_interval")

    def __init__(self, interval: Ns, days: LocalDays) -> None:
        if interval <= 0:
            raise ValueError(f"an interval of {interval} ns has no boundaries")
        self._interval = interval
        self._days = days

    def window(self, ts: int) -> tuple[Ns, Ns]:
        """Start and end of the window [start, end) that `ts` is in."""
        midnight, end_of_day = self._days.day(ts)
        if self._interval >= _DAY_NS:
            return Ns(midnight), Ns(end_of_day)
        start = ts - (ts - midnight) % self._interval
        return Ns(start), Ns(min(start + self._interval, end_of_day))

    def after(self, ts: int) -> Ns:
        """The first behind `ts`."""
        return self.window(ts)[1]

    def not_before(self, ts: int) -> Ns:
        """`ts` itself if it is one, else the first behind it."""
        start, end = self.window(ts)
        return start if start == ts else end
