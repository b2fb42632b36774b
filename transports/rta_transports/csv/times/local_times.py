"""From what the clocks of a zone show to moments. The order of rows tells the two hours of an autumn night apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from rta_transports.csv.cells import excerpt

__all__ = ["LocalTimes", "Note"]

Note = Callable[[str, str], None]
"""Takes kind and detail of what is worth counting although nothing is left out."""

_EPOCH = datetime(1970, 1, 1)
_SECOND = 10**9
_QUARTER = 900 * _SECOND  # of an hour: no clock has been set twice within one
_KEPT = 4096


class LocalTimes:
    """Moments of one column, in the order of its rows."""

    def __init__(self, zone: tzinfo, note: Note) -> None:
        """What is noted: `ambiguous_time`, an hour that came twice where the order does not tell which it is, taken as
        the first; `skipped_time`, an hour that never was, taken as one later."""
        self._zone = zone
        self._note = note
        self._utc = zone is UTC
        self._last: int | None = None
        self._step = self._step_before = 0
        """ns between the last rows with different times."""
        self._twice = False
        """Whether rows have had the same time."""

    def fixed(self, moment: int) -> int:
        """A moment that is known already (ns): the next ones are compared with it."""
        self._last = moment
        return moment

    def moment(self, wall: int, text: str) -> int:
        """ns since the Unix epoch of what the clocks show, `wall`, counted as if they showed UTC."""
        if self._utc:
            return wall
        offset = _steady(self._zone, wall // _QUARTER)
        moment = wall - offset if offset is not None else self._changing(wall, text)
        last = self._last
        if moment == last:
            self._twice = True
        elif last is not None:
            self._step_before, self._step = self._step, moment - last
        self._last = moment
        return moment

    def _changing(self, wall: int, text: str) -> int:
        offset, other = _readings(self._zone, wall)
        first, second = wall - offset, wall - other
        if first > second:
            self._note("skipped_time", f"{excerpt(text)} never was in {self._zone}; taken as an hour later")
        elif first < second:
            return self._told(first, second, text)
        return first

    def _told(self, first: int, second: int, text: str) -> int:
        last, shift = self._last, second - first
        if last is not None:
            if first < last <= second or 0 < last - second <= shift:  # behind it: a late row of the second hour
                return second
            usual = self._usual_step
            if usual and not (first == last and self._twice):
                early, late = abs(first - last - usual), abs(second - last - usual)
                if min(early, late) * 10 <= shift:
                    return first if early <= late else second
        if last is None or first < last or first - last >= shift:
            self._note("ambiguous_time", f"{excerpt(text)} came twice in {self._zone}; taken as the first")
        return first

    @property
    def _usual_step(self) -> int:
        """ns between rows that come regularly; 0: they do not."""
        before = self._step_before or self._step
        return self._step if abs(self._step - before) * 10 <= self._step else 0


@lru_cache(_KEPT)
def _steady(zone: tzinfo, quarter: int) -> int | None:
    """The offset (ns) during a quarter of an hour in which nobody sets the clocks, nor shows it twice."""
    first, last = quarter * _QUARTER, (quarter + 1) * _QUARTER - _SECOND
    offsets = {*_readings(zone, first), *_readings(zone, last)}
    return offsets.pop() if len(offsets) == 1 else None


def _readings(zone: tzinfo, wall: int) -> tuple[int, int]:
    """The offsets (ns) of the first and of the second time the clocks show this."""
    shown = (_EPOCH + timedelta(seconds=wall // _SECOND)).replace(tzinfo=zone)
    first, second = shown.utcoffset(), shown.replace(fold=1).utcoffset()
    if first is None or second is None:
        return 0, 0
    return first // timedelta(microseconds=1) * 1000, second // timedelta(microseconds=1) * 1000
