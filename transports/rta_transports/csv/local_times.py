"""From what the clocks of a zone show to moments. The order of rows tells the two hours of an autumn night apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

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
        self._offsets: dict[int, int] = {}
        self._last: int | None = None

    def fixed(self, moment: int) -> int:
        """A moment that is known already (ns): the next ones are compared with it."""
        self._last = moment
        return moment

    def moment(self, wall: int, text: str) -> int:
        """ns since the Unix epoch of what the clocks show, `wall`, counted as if they showed UTC."""
        if self._utc:
            return wall
        quarter = wall // _QUARTER
        offset = self._offsets.get(quarter)
        if offset is None:
            offset = self._steady(quarter)
        self._last = wall - offset if offset is not None else self._changing(wall, text)
        return self._last

    def _steady(self, quarter: int) -> int | None:
        """The offset (ns) during a quarter of an hour in which nobody sets the clocks, nor shows it twice."""
        first, last = quarter * _QUARTER, (quarter + 1) * _QUARTER - _SECOND
        offsets = {*self._readings(first), *self._readings(last)}
        if len(offsets) != 1:
            return None
        if len(self._offsets) >= _KEPT:
            self._offsets.clear()
        self._offsets[quarter] = offset = offsets.pop()
        return offset

    def _readings(self, wall: int) -> tuple[int, int]:
        """The offsets (ns) of the first and of the second time the clocks show this."""
        shown = (_EPOCH + timedelta(seconds=wall // _SECOND)).replace(tzinfo=self._zone)
        first, second = shown.utcoffset(), shown.replace(fold=1).utcoffset()
        if first is None or second is None:
            return 0, 0
        return first // timedelta(microseconds=1) * 1000, second // timedelta(microseconds=1) * 1000

    def _changing(self, wall: int, text: str) -> int:
        offset, other = self._readings(wall)
        first, second = wall - offset, wall - other
        if first > second:
            self._note("skipped_time", f"{excerpt(text)} never was in {self._zone}; taken as an hour later")
        elif first < second:
            return self._told(first, second, text)
        return first

    def _told(self, first: int, second: int, text: str) -> int:
        last = self._last
        if last is not None and first < last <= second:
            return second
        if last is not None and last > second and last - second <= second - first:
            return second  # a late row of the second hour
        if last is None or first < last or first - last >= second - first:
            self._note("ambiguous_time", f"{excerpt(text)} came twice in {self._zone}; taken as the first")
        return first
