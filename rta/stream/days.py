"""Boundaries of windows: the moments at which the local clock shows a multiple of an interval, counted from midnight.

Where the clock is put back, it shows times twice. If the interval fits into the repeated time, each showing is a
boundary, so that a repeated hour is two windows of an hour; otherwise only the first is. Where the clock jumps over a
boundary, the jump is the boundary. An interval of a day or more is the local day, however long that is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from rta.wire.values import Ns

__all__ = ["Boundaries", "LocalDays"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAY_NS = 86_400_000_000_000
_SECOND = 1_000_000_000


class _Stretch(NamedTuple):
    """A part of a local day in which the clock is not changed; ns since the epoch."""

    begin: int
    end: int
    shown: int
    """What the clock shows at its beginning, ns since midnight."""
    repeated: int = 0
    """For how long the clock shows times that it has shown before; ns."""
    skipped: int = 0
    """How much the clock has jumped over at its beginning; ns."""


class LocalDays:
    """The days of a time zone. Remembers the last day."""

    __slots__ = ("_stretches", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._stretches = [_Stretch(0, 0, 0)]

    def day(self, ts: int) -> tuple[int, int]:
        """Start and end of the local day that `ts` is in; ns since the epoch."""
        stretches = self.stretches(ts)
        return stretches[0].begin, stretches[-1].end

    def stretches(self, ts: int) -> list[_Stretch]:
        """The parts of the local day that `ts` is in, in order."""
        if not self._stretches[0].begin <= ts < self._stretches[-1].end:
            day = self._local(ts).date()
            while ts < self._midnight(day):
                day -= _DAY
            while ts >= self._midnight(day + _DAY):  # a clock put back over midnight shows the old date again
                day += _DAY
            self._stretches = self._parts(self._midnight(day), self._midnight(day + _DAY))
        return self._stretches

    def _parts(self, begin: int, end: int) -> list[_Stretch]:
        shown = self._shown(begin)
        before, after = self._offset(begin), self._offset(end - _SECOND)
        if before == after:
            return [_Stretch(begin, end, shown)]
        low, high = begin, end - _SECOND  # the change is in between
        while high - low > _SECOND:
            middle = low + (high - low) // _SECOND // 2 * _SECOND
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        change = after - before
        now_shown = shown + (high - begin) + change
        return [
            _Stretch(begin, high, shown),
            _Stretch(high, end, now_shown, repeated=max(-change, 0), skipped=max(change, 0)),
        ]

    def _local(self, ts: int) -> datetime:
        return (_EPOCH + timedelta(seconds=ts // _SECOND)).astimezone(self._zone)

    def _offset(self, ts: int) -> int:
        offset = self._local(ts).utcoffset()
        return 0 if offset is None else offset // timedelta(seconds=1) * _SECOND

    def _shown(self, ts: int) -> int:
        local = self._local(ts)
        return (local.hour * 3600 + local.minute * 60 + local.second) * _SECOND

    def _midnight(self, day: date) -> int:
        """The first midnight where there are two; where there is none, the beginning of the day."""
        moment = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return (moment - _EPOCH) // timedelta(seconds=1) * _SECOND


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
        day = self._days.stretches(ts)
        if self._interval >= _DAY_NS:
            return Ns(day[0].begin), Ns(day[-1].end)
        start = end = None
        for stretch in day:
            if stretch.begin <= ts:
                start = self._last(stretch, min(ts, stretch.end - 1), start)
            if end is None and ts < stretch.end:
                end = self._next(stretch, ts)
        assert start is not None, "a day begins with a boundary"
        return Ns(start), Ns(day[-1].end if end is None else end)

    def _last(self, stretch: _Stretch, ts: int, before: int | None) -> int | None:
        """The last boundary up to `ts`; `before` if there is none in the stretch."""
        candidate = ts - (stretch.shown + ts - stretch.begin) % self._interval
        if candidate >= self._first_counting(stretch):
            return candidate
        return stretch.begin if self._begins_with_one(stretch) else before

    def _next(self, stretch: _Stretch, ts: int) -> int | None:
        """The first boundary behind `ts`; None if there is none in the stretch."""
        if ts < stretch.begin and self._begins_with_one(stretch):
            return stretch.begin
        least = max(ts + 1, self._first_counting(stretch))
        candidate = least + -(stretch.shown + least - stretch.begin) % self._interval
        return candidate if candidate < stretch.end else None

    def _first_counting(self, stretch: _Stretch) -> int:
        return stretch.begin + (stretch.repeated if self._interval > stretch.repeated else 0)

    def _begins_with_one(self, stretch: _Stretch) -> bool:
        """Whether the stretch begins with midnight, or with a boundary that was jumped over."""
        midnight = not stretch.repeated and not stretch.skipped
        return midnight or 0 < stretch.skipped > (stretch.shown - 1) % self._interval

    def after(self, ts: int) -> Ns:
        """The first boundary behind `ts`."""
        return self.window(ts)[1]

    def not_before(self, ts: int) -> Ns:
        """`ts` itself if it is a boundary, else the first boundary behind it."""
        start, end = self.window(ts)
        return start if start == ts else end
