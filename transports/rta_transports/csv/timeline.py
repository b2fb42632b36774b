"""When rows go out, and with which timestamps. Plain code: it is told when the replay started."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from rta.wire import TimeRange
from rta_transports.csv.rows import Row

__all__ = ["Due", "Timeline"]

_ROWS = 2048  # of one burst at most: an item cannot be split over bursts
_CELLS = 1 << 16


@frozen(slots=True)
class Due:
    """Rows that go out together, with their timestamps."""

    after: float
    """Seconds from the start of the replay."""
    rows: list[Row]
    span: TimeRange
    """What the session covers once they are out."""


class Timeline:
    """Cuts rows into what is due at the end of each tick.

    A row at `t` is played at `(t - t0) / speed`; the rows of `(k, k + 1]` ticks go out at `k + 1`. A row that
    is late for its tick, because the times went back, goes out with the rows before it.
    """

    def __init__(self, first: int, start: int, speed: float, tick: float) -> None:
        """The row at `first` (ns) gets the timestamp `start` (ns since the Unix epoch); `tick` in seconds."""
        self.first = first
        """ns, by the times of the rows."""
        self._shift = start - first
        self._tick = max(1, round(tick * 1e9))
        self._step = Fraction(str(speed)) * self._tick  # ns of the file in a tick, exactly
        self._now = 0
        self._rows: list[Row] = []
        self._span: TimeRange | None = None

    def add(self, rows: Sequence[Row]) -> list[Due]:
        """What is known to be whole now; the rest is kept."""
        out: list[Due] = []
        numerator, denominator = self._step.as_integer_ratio()
        for time, values, line, key in rows:
            tick = max(self._now, -(-(time - self.first) * denominator // numerator))
            if tick > self._now or len(self._rows) >= min(_ROWS, _CELLS // len(values) + 1):
                out += self.rest()
            self._now = tick
            self._rows.append(Row(time + self._shift, values, line, key))
        return out

    def rest(self) -> list[Due]:
        """What has been kept."""
        if not self._rows:
            return []
        rows, self._rows = self._rows, []
        times = [row.time for row in rows]
        self._span = TimeRange(min(times), max(times)).union(self._span)
        return [Due(self._now * self._tick / 1e9, rows, self._span)]
