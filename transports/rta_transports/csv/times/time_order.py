"""Time that goes back: what it means, and what becomes of the rows. Plain code; some rows are held back to see."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import pairwise
from operator import itemgetter
from statistics import median_low

from attrs import frozen

from rta_transports.csv.options import OnTimeBack
from rta_transports.csv.rows import Row
from rta_transports.csv.times.roll_over import rolled_over
from rta_transports.csv.times.time_formats import TimeScale

__all__ = ["LEFT_OUT", "ReportOrder", "RowSegment", "TimeOrder"]

ReportOrder = Callable[[str, int, str], None]
"""Takes kind, line and detail of each row that time goes back at."""

LEFT_OUT = "time_order"
"""The kind of rows that are left out; the others are taken: `late`, `midnight`, `roll_over`, `new_session`,
`time_back`."""

_AHEAD = 32  # rows that are held back
_FEW = 8  # wrong rows in a row at most; more of them are what the file says
_FAR = 32  # usual steps: nobody is late by more
_A_LITTLE = 7  # usual steps: less than any round of a counter
_SHORTEST_RUN = 3
_SECOND = 10**9
_DAY = 86400 * _SECOND
_YEARS = 5 * 366 * _DAY
_LONGEST = 50 * 366 * _DAY  # that midnights and roll-overs may add up to: int64 ns end 292 years from 1970
_TIME = itemgetter(0)


@frozen(slots=True)
class RowSegment:
    """Rows in the order they are to be sent."""

    rows: list[Row]
    begins: bool
    """A new session begins with them. Not said of the first one of a file."""


class _Turn(Enum):
    """What it means that time goes back."""

    LATE = "late"
    WRONG = LEFT_OUT
    MIDNIGHT = "midnight"
    ROLLED = "roll_over"
    ANEW = "new_session"


class TimeOrder:
    """The rows of one file, in the order of its lines."""

    def __init__(
        self, scale: TimeScale, unit_ns: int, on_back: OnTimeBack, report: ReportOrder, *, long: bool = False
    ) -> None:
        """`unit_ns` is one count of a number in ns, 0 when times are no numbers. `long`: the rows are about several
        things, whose clocks may differ a little."""
        self._long = long
        self._highs: dict[int, int] = {}
        """Of each thing of a long table: its latest time that was taken, shifted."""
        self._scale = scale
        self._unit = unit_ns
        self._on_back = on_back
        self._report = report
        self._held: deque[Row] = deque()
        self._headers: set[int] = set()
        """Lines of held rows before which the header stood again."""
        self._shift = 0
        """ns that are added to the file's times, since midnight or a roll-over."""
        self._width = 0
        """ns that the last of these was worth."""
        self._first: int | None = None
        """Time of the first row of the session."""
        self._count = 0
        self._high = 0
        """The latest time that was taken, shifted."""
        self._recent: deque[int] = deque(maxlen=_AHEAD)
        self._step = 0
        """The usual step in ns, and the count of rows from which it is found anew."""
        self._stale = 0
        self._late = 0
        """ns that a row may come late."""
        self._out: list[RowSegment] = []

    def feed(self, rows: Sequence[Row], after_header: bool = False) -> list[RowSegment]:
        """What is decided now; the last rows are held back. `after_header`: the header line stood again before them."""
        if after_header and rows:
            self._headers.add(rows[0].line)
        if self._on_back == "keep":
            return self._kept(rows)
        held = [*self._held, *rows]
        if len(held) > _AHEAD and not self._headers and self._in_order(held):
            self._held = deque(held[-_AHEAD:])
            self._accept_all(held[:-_AHEAD])
            return self._drained()
        self._held = deque(held)
        while len(self._held) > _AHEAD:
            self._decide()
        return self._drained()

    def end(self) -> list[RowSegment]:
        """What has been held back; the file has ended."""
        while self._held:
            self._decide()
        return self._drained()

    def _in_order(self, rows: Sequence[Row]) -> bool:
        times = list(map(_TIME, rows))
        if self._first is None:
            begin = times[0]
        else:
            begin = self._high - self._shift
        steady = self._scale is not TimeScale.DAY or times[-1] - begin < _DAY // 2 or not self._shift
        usual = times[-1] - begin < _YEARS
        return times[0] >= begin and steady and usual and sorted(times) == times

    def _accept_all(self, rows: list[Row]) -> None:
        if self._shift:
            shift = self._shift
            rows = [*map(Row._make, [(time + shift, values, line, key) for time, values, line, key in rows])]
        if self._first is None:
            self._first = rows[0].time
        self._count += len(rows)
        self._high = rows[-1].time
        if self._long:
            self._highs.update({key: time for time, _, _, key in rows})
        self._recent.extend(map(_TIME, rows[-_AHEAD:]))
        self._append(rows)

    def _append(self, rows: list[Row]) -> None:
        if self._out:
            self._out[-1].rows.extend(rows)
        else:
            self._out.append(RowSegment(rows, False))

    def _drained(self) -> list[RowSegment]:
        out, self._out = self._out, []
        return out

    def _kept(self, rows: Sequence[Row]) -> list[RowSegment]:
        for row in rows:
            if self._first is not None and row.time < self._high:
                self._report("time_back", row.line, f"the time goes back by {_shown(self._high - row.time)}")
            self._first = self._high = row.time
        return [RowSegment(list(rows), False)] if rows else []

    def _decide(self) -> None:
        """What becomes of the row that has been held back longest."""
        row = self._held.popleft()
        anew = row.line in self._headers
        self._headers.discard(row.line)
        if self._first is not None and not anew:
            after = row.time + self._shift - self._high
            if 0 <= after <= _FAR * self._step:
                self._accept(row, self._shift)
                return
            little = min(_A_LITTLE * self._step, _DAY // 2 - 1)
            if -little <= after < 0 and row.time + self._shift > self._first + self._step:
                self._handle(_Turn.LATE, row)
                return
        ahead = [r.time for r in self._held]
        if self._first is None:
            self._decide_first(row, ahead)
            return
        self._late = _FAR * self._usual_step(ahead)
        if row.time + self._shift >= self._high:
            self._decide_forward(row, ahead)
        elif anew:
            self._handle(_Turn.ANEW, row)
        else:
            self._handle(self._meaning(row, ahead), row)

    def _decide_first(self, row: Row, ahead: Sequence[int]) -> None:
        """The first row of all, which nothing but the next ones can tell to be wrong."""
        self._step = _usual_step(ahead)
        self._late = _FAR * self._step
        alone = len(ahead) >= 2 and row.time - max(ahead) > self._late
        if (alone and not self._rolls_at_once(row.time, ahead[0])) or _unset(row.time, ahead):
            by = max(abs(row.time - t) for t in ahead)
            self._report(LEFT_OUT, row.line, f"the first time is {_shown(by)} off the next ones")
        else:
            self._accept(row, 0)

    def _decide_forward(self, row: Row, ahead: Sequence[int]) -> None:
        """A row that is after the latest one, by much."""
        time, here = row.time + self._shift, self._high - self._shift
        back = next((t for t in ahead[:_FEW] if t < row.time and abs(t - here) <= self._late), None)
        if back is not None and self._width and self._high - self._late <= time - self._width < self._high:
            self._width, width = 0, self._width
            self._handle(_Turn.LATE, row, self._shift - width)  # from before midnight, and behind it
            self._width = width
        elif back is not None and not self._rolls_at_once(row.time, back):
            self._handle(_Turn.WRONG, row)
        elif time - self._high > _YEARS and self._on_back in ("auto", "session"):
            self._handle(_Turn.ANEW if len(ahead) >= _FEW else _Turn.WRONG, row)
        else:
            self._accept(row, self._shift)

    def _meaning(self, row: Row, ahead: Sequence[int]) -> _Turn:
        """Why the time is before the latest one."""
        time, here = row.time, self._high - self._shift
        width = self._rolls(here, time)
        wrong = self._goes_on(ahead)
        small = here - time <= self._late or time + self._shift >= min(self._recent)
        if width and (not wrong or time + width - here <= 2 * self._step):
            self._width = width
            return _Turn.MIDNIGHT if self._scale is TimeScale.DAY else _Turn.ROLLED
        if self._revisits(time, ahead):
            return _Turn.ANEW
        if small:
            return _Turn.LATE
        alone = len(ahead) < _SHORTEST_RUN - 1
        return _Turn.WRONG if wrong or alone or not _nearly_ordered([time, *ahead]) else _Turn.ANEW

    def _usual_step(self, ahead: Sequence[int]) -> int:
        if not self._step or self._count >= self._stale:
            self._stale = self._count + _AHEAD
            self._step = _usual_step([*self._recent, *(t + self._shift for t in ahead)])
        return self._step

    def _rolls(self, before: int, after: int) -> int:
        """ns of a round, when the clock or counter has begun a new one between these times of the file."""
        if self._scale is TimeScale.EPOCH:
            return 0
        if self._scale is TimeScale.DAY:
            return _DAY if before - after >= _DAY // 2 else 0
        return rolled_over(before, after, self._step, self._unit)

    def _rolls_at_once(self, before: int, after: int) -> bool:
        """Whether it does so with a step that is no long one."""
        width = self._rolls(before, after)
        return bool(width) and after + width - before <= self._late

    def _goes_on(self, ahead: Sequence[int]) -> bool:
        """Whether the rows go on where they were, and stay there, after a few wrong ones."""
        here = self._high - self._shift
        back = next((i for i, t in enumerate(ahead[:_FEW]) if t >= here), None)
        if back is None or ahead[back] - here > max(self._late, self._step):
            return False
        return all(t >= here - self._step // 2 for t in ahead[back : back + _FEW])

    def _revisits(self, time: int, ahead: Sequence[int]) -> bool:
        """Whether the rows begin where the session began, and go the same way again."""
        first, here = (self._first or 0) - self._shift, self._high - self._shift
        if time > first + self._step or self._count < _SHORTEST_RUN:
            return False
        again = [time]
        for t in ahead:
            if not again[-1] <= t <= here:
                break
            again.append(t)
        seen = sum(time <= t - self._shift <= again[-1] for t in self._recent)
        return seen >= 2 and (len(again) >= _SHORTEST_RUN or len(again) == len(ahead) + 1)

    def _handle(self, turn: _Turn, row: Row, shift: int | None = None) -> None:
        """What the setting makes of it."""
        by = _shown(abs(self._high - row.time - self._shift))
        if self._long and turn is _Turn.LATE and row.time + self._shift >= self._highs.get(row.key, self._high):
            self._accept(row, self._shift)  # its own clock has not gone back
        elif turn is _Turn.WRONG:
            self._report(LEFT_OUT, row.line, f"the time is {by} off the rows around it")
        elif self._on_back == "skip":
            self._report(LEFT_OUT, row.line, f"the time goes back by {by}")
        elif turn is _Turn.LATE:
            self._report("late", row.line, f"the time is {by} before the latest one; taken as it is")
            self._accept(row, self._shift if shift is None else shift)
        elif self._shift > _LONGEST:
            self._report("new_session", row.line, "the session is 50 years long; a new one begins")
            self._begin(row)
        elif turn is _Turn.ANEW and self._on_back == "continue":
            self._report("time_back", row.line, f"the time goes back by {by}; carried on")
            self._accept(row, self._high + self._step - row.time)
        elif turn is _Turn.ANEW or self._on_back == "session":
            self._report("new_session", row.line, f"the time is {by} away from the latest one; a new session begins")
            self._begin(row)
        else:
            self._report(turn.value, row.line, f"the time goes back by {by}; carried on {_WORDS[turn]}")
            self._accept(row, self._shift + self._width)

    def _begin(self, row: Row) -> None:
        self._first, self._count, self._width, self._stale = None, 0, 0, 0
        self._recent.clear()
        self._highs.clear()
        self._out.append(RowSegment([], True))
        self._accept(row, 0)

    def _accept(self, row: Row, shift: int) -> None:
        time = row.time + shift
        if self._first is None:
            self._first = self._high = time
        if time >= self._high:  # a late row does not change how the next ones are read
            self._high, self._shift = time, shift
        if self._long:
            self._highs[row.key] = max(time, self._highs.get(row.key, time))
        self._count += 1
        self._recent.append(time)
        self._append([row if not shift else row._replace(time=time)])


_WORDS = {_Turn.MIDNIGHT: "over midnight", _Turn.ROLLED: "over the roll-over"}


def _unset(time: int, ahead: Sequence[int]) -> bool:
    """Whether a clock was set by years soon after this row, and stayed so."""
    jump = next((i for i, (a, b) in enumerate(pairwise([time, *ahead])) if b - a > _YEARS), _FEW)
    return jump < _FEW and len(ahead) > 2 * jump and all(t - time > _YEARS for t in ahead[jump:])


def _nearly_ordered(times: Sequence[int]) -> bool:
    """Whether the times go up, save for some that are a little late."""
    ranks = sorted(range(len(times)), key=times.__getitem__)
    return sum(abs(i - rank) for i, rank in enumerate(ranks)) <= len(times) * len(times) / 6


def _usual_step(times: Sequence[int]) -> int:
    """ns from one time to the next, whatever order they are in; 0 when they are all the same."""
    steps = [b - a for a, b in pairwise(sorted(times)) if b > a]
    return median_low(steps) if steps else 0


def _shown(ns: int) -> str:
    return f"{ns / 1e9:.9g} s"
