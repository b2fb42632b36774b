"""Which column is the time, or which two: by name, unit and behaviour. A running row number is no time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import pairwise

from attrs import evolve, frozen

from rta.ports import RtaError
from rta_transports.csv.times.time_formats import JOINT, TimeFormat, TimeScale, format_of, in_zone, joined, recognise
from rta_transports.csv.times.time_names import CALENDAR, NUMBERED, PLAIN, WEAK, rank_of, says_hour
from rta_transports.csv.times.time_patterns import compile_pattern
from rta_transports.csv.times.time_trials import read_times, with_text
from rta_transports.csv.times.time_units import UnitHint, hint_of, zone_said
from rta_transports.csv.times.times import NS_OF, NumberUnit

__all__ = ["TimeChoice", "find_time"]

_DAY = 86400 * 10**9
_FILLED = 0.5  # of the cells; a time column has few gaps
_RISING = 0.6  # of the steps that are any
_UNNAMED = 200  # columns without a name of a time that are looked at
_GLANCE = 5  # cells of columns without a name of a time
_CANDIDATES = 40
_FINER = 1.5  # times as many different times as in another column: that one is too coarse
_SHOWN = 20  # names in a message
_BELOW_SECONDS: dict[NumberUnit, frozenset[str]] = {
    "ms": frozenset(["m", "milli", "ms", "msec", "millis", "millisecond", "milliseconds"]),
    "us": frozenset(["u", "micro", "us", "usec", "micros", "microsecond", "microseconds"]),
    "ns": frozenset(["n", "nano", "ns", "nsec", "nanosec", "nanos", "nanosecond", "nanoseconds"]),
}
_SECOND = 10**9


@frozen
class TimeChoice:
    """Where the times are, and how they are written."""

    columns: tuple[int, ...]
    """Which cells of a row: one, or the date and the time of day. The parser takes them with `JOINT` between them."""
    format: TimeFormat
    reason: str
    """Why, for people."""


@frozen
class _Candidate:
    columns: tuple[int, ...]
    rank: int
    format: TimeFormat | None
    times: tuple[int, ...] = ()
    unclear: RtaError | None = None

    @property
    def absolute(self) -> bool:
        return self.format is None or self.format.scale is TimeScale.EPOCH

    @property
    def numeric(self) -> bool:
        return self.format is not None and self.format.unit_ns > 0

    @property
    def moments(self) -> int:
        """How many different times there are."""
        return len(set(self.times))

    @property
    def dates_only(self) -> bool:
        whole = self.absolute and not self.numeric and len(self.columns) == 1
        return whole and self.unclear is None and all(t % _DAY == 0 for t in self.times)


def find_time(
    titles: Sequence[str],
    units: Sequence[str],
    columns: Sequence[Sequence[str]],
    given: Sequence[int] = (),
    time_format: str | None = None,
    decimal: str = ".",
    now: int | None = None,
) -> TimeChoice:
    """The time column of a table, of which some rows are known.

    `units` are the cells of a row of units, or none, or what the names have in brackets. `columns` are the sample
    cells of each column; gaps are "". `given` is what the option `time_column` says: one column, or date and time.
    `now` is for years of two digits, as in `recognise`.

    :raises RtaError: there is none, or its times may be read in two ways.
    """
    search = _Search(titles, units, columns, time_format, decimal, now)
    return search.given(given) if given else search.best()


class _Search:
    """What the columns look like."""

    def __init__(
        self,
        titles: Sequence[str],
        units: Sequence[str],
        columns: Sequence[Sequence[str]],
        time_format: str | None,
        decimal: str,
        now: int | None,
    ) -> None:
        self._titles = titles
        self._units = [units[i].strip() if i < len(units) else "" for i in range(len(titles))]
        self._columns = columns
        self._format = time_format
        self._decimal = decimal
        self._now = now
        self._said: dict[int, int] = {}

    def given(self, columns: Sequence[int]) -> TimeChoice:
        reason = "time_column says so"
        if len(columns) == 2:
            found = self._pair(columns[0], columns[1])
            if found is None or found.format is None:
                names = " and ".join(repr(self._titles[i]) for i in columns)
                raise RtaError(f"time_column: {names} are not a date and a time of day; say time_format")
            return TimeChoice(tuple(columns), found.format, reason)
        (column,) = columns
        cells = self._cells(column)
        if self._format is not None:
            return TimeChoice((column,), format_of(self._format, cells, self._decimal), reason)
        found_format = self._recognised(column, cells)
        if found_format is None:
            raise RtaError(
                f"the times of column {self._titles[column]!r} are in no format that is known "
                f"({_first(cells)!r}): say time_format"
            )
        return TimeChoice((column,), found_format, reason)

    def best(self) -> TimeChoice:
        found = [c for i in self._likely() if (c := self._candidate(i)) is not None]
        if self._format is None and (first := self._first_as_ever(found)) is not None:
            return first
        found += self._pairs(found)
        found += [pair for c in found if (pair := self._with_fraction(c)) is not None]
        found = [c for c in found if self._moves(c)] or [c for c in found if c.rank >= 2]
        most = max((c.moments for c in found if c.rank >= 2), default=0)
        found.sort(key=lambda c: self._preference(c, most), reverse=True)
        if not found:
            raise RtaError(self._none())
        winner = found[0]
        if winner.unclear is not None:
            raise winner.unclear
        self._check_days(winner, found)
        assert winner.format is not None
        return TimeChoice(winner.columns, winner.format, self._reason(winner))

    def _cells(self, column: int) -> list[str]:
        return with_text(self._columns[column])

    def _recognised(self, column: int, cells: Sequence[str]) -> TimeFormat | None:
        return recognise(cells, self._units[column], self._titles[column], self._titles, self._decimal, self._now)

    def _likely(self) -> list[int]:
        """The columns that are looked into: the best by name, so that it does not take long in any table."""
        columns = sorted(range(len(self._titles)), key=self._named, reverse=True)
        named = [i for i in columns if self._named(i)]
        return sorted({0, *named[:_CANDIDATES], *[i for i in columns if not self._named(i)][:_UNNAMED]})

    def _named(self, column: int) -> int:
        """How much the name and the unit say; 0: nothing."""
        if column not in self._said:
            hint = hint_of(self._titles[column], self._units[column])
            said = hint.unit is not None or hint.epoch or bool(hint.shape)
            self._said[column] = max(2 * rank_of(self._titles[column]), int(said))
        return self._said[column]

    def _candidate(self, column: int) -> _Candidate | None:
        """The column, when it may be a time."""
        cells = self._cells(column)
        if not cells or len(cells) < _FILLED * len(self._columns[column]):
            return None
        title, unit = self._titles[column], self._units[column]
        hint, rank = hint_of(title, unit), rank_of(title)
        if column > 0 and not self._named(column) and (_is_number(cells[0]) or self._glance(cells) is None):
            return None
        try:
            found = format_of(self._format, cells, self._decimal) if self._format else self._recognised(column, cells)
        except RtaError as e:
            if self._format is not None:
                raise
            return _Candidate((column,), rank, None, unclear=e)
        if found is None or (found.unit_ns and self._format is None and title.strip().lower() in CALENDAR):
            return None
        times = _times(found, cells)
        if len(times) < _FILLED * len(cells):
            return None
        if found.unit_ns and (_other_unit(title, unit, hint) or title.strip().lower() in WEAK):
            rank = 0
            if column > 0 or _other_unit(title, unit, hint):
                return None
        if hint.epoch:
            rank = 3
        elif rank == 0 and hint.unit is not None:
            rank = 1
        return _Candidate((column,), rank, found, times)

    def _glance(self, cells: Sequence[str]) -> TimeFormat | bool | None:
        try:
            return recognise(cells[:_GLANCE], decimal=self._decimal)
        except RtaError:
            return True

    def _first_as_ever(self, found: Sequence[_Candidate]) -> TimeChoice | None:
        """A first column of numbers that is called `t`, `time` or `x` is the time, whatever there is besides."""
        for c in found[:1]:
            name = _bare(self._titles[0])
            if c.columns == (0,) and name in PLAIN and _rising(c.times):
                if c.unclear is not None:
                    raise c.unclear
                if c.numeric and c.format is not None:
                    return TimeChoice((0,), c.format, f"the first column, {self._titles[0]!r}, is numbers that rise")
        return None

    def _pairs(self, found: list[_Candidate]) -> list[_Candidate]:
        """A column of dates and a column of clock times are one moment; neither is a time alone then."""
        dates = [c for c in found if c.dates_only]
        unclear = [c for c in found if c.unclear is not None and c.rank >= 2]
        clocks = [c for c in found if c.format is not None and c.format.scale is TimeScale.DAY]
        if self._format is not None and all(c.dates_only for c in found) and (pairs := self._pairs_by_format()):
            found.clear()
            return pairs
        clocks.sort(key=lambda c: (c.rank, -c.columns[0]), reverse=True)
        if dates and not clocks and (pair := self._with_hours(dates)) is not None:
            found.remove(dates[0])
            return [pair]
        if not clocks or not (dates or unclear):
            return []
        clock = clocks[0]
        if not dates:
            found.remove(clock)
            return []
        date = max(dates, key=lambda c: (c.rank, -abs(c.columns[0] - clock.columns[0])))
        pair = self._pair(date.columns[0], clock.columns[0])
        if pair is None:
            return []
        for c in (date, clock):
            found.remove(c)
        return [pair]

    def _with_hours(self, dates: Sequence[_Candidate]) -> _Candidate | None:
        """A date and a number of hours beside it, 0 to 23 or 1 to 24."""
        hours = [i for i, title in enumerate(self._titles) if says_hour(title) and _are_hours(self._cells(i))]
        if len(hours) != 1:
            return None
        return self._pair(dates[0].columns[0], hours[0])

    def _with_fraction(self, whole: _Candidate) -> _Candidate | None:
        """Whole seconds, and the rest of them in a column beside: `stamp.sec` and `stamp.nanosec`, `Time` and `ms`."""
        form = whole.format
        if len(whole.columns) > 1 or self._format or form is None or form.unit_ns not in (0, _SECOND):
            return None
        if (form.name not in ("s", "iso") and form.scale is TimeScale.ELAPSED) or any(t % _SECOND for t in whole.times):
            return None
        titles = [title.strip().lower() for title in self._titles]
        before, found, after = titles[whole.columns[0]].rpartition("sec")
        if whole.rank < 2 and not found:
            return None
        for unit, names in _BELOW_SECONDS.items():
            beside = {
                f"{before}{name}{found}{after}" for name in names if found and not name.endswith(("s", "sec", "second"))
            }
            limit = _SECOND // NS_OF[unit]
            for i, title in enumerate(titles):
                cells = self._cells(i) if title in beside or title in names else []
                if len(set(cells)) > 1 and all(cell.isdecimal() and int(cell) < limit for cell in cells):
                    both = evolve(joined(form, format_of(unit)), scale=form.scale)
                    texts = [
                        JOINT.join(p) for p in zip(self._columns[whole.columns[0]], self._columns[i], strict=False)
                    ]
                    times = _times(both, texts)
                    repeats = whole.moments * _FINER <= len(times)  # else `ms` may be anything that takes so long
                    if title in beside or (repeats and 10 * sum(a > b for a, b in pairwise(times)) <= len(times)):
                        return _Candidate((whole.columns[0], i), 3, both, times)
        return None

    def _check_days(self, winner: _Candidate, found: Sequence[_Candidate]) -> None:
        """Days alone are no times of rows where a column that is not understood says the time of day.

        :raises RtaError: it is so.
        """
        if not winner.dates_only or 2 * winner.moments > len(winner.times):
            return
        known = {i for c in found for i in c.columns}
        for i, title in enumerate(self._titles):
            cells = self._cells(i)
            said = says_hour(title) or rank_of(title) >= 2
            if said and i not in known and len(set(cells)) > 1:
                raise RtaError(
                    f"column {self._titles[winner.columns[0]]!r} has days alone, and {title!r} no times of day that "
                    f"are known ({_first(cells)!r}): say time_format, or time_column to take the days alone"
                )

    def _pairs_by_format(self) -> list[_Candidate]:
        named = [i for i in range(len(self._titles)) if rank_of(self._titles[i]) >= 2]
        tried = [self._pair(a, b) for a in named for b in named if a != b]
        return [pair for pair in tried if pair is not None and pair.times][:1]

    def _pair(self, date: int, clock: int) -> _Candidate | None:
        """Both as one; by the option, or as they are recognised."""
        if self._format is not None and "%" in self._format:
            pattern = compile_pattern(self._format)
            if pattern.dated and pattern.timed:
                both = format_of(self._format)
            else:
                one, other = (date, clock) if pattern.dated else (clock, date)
                said = format_of(self._format, self._cells(one))
                rest = self._clock(other) if _times(said, self._cells(one)) else None
                if rest is None or rest.scale is not (TimeScale.DAY if pattern.dated else TimeScale.EPOCH):
                    return None
                both = joined(said, rest) if pattern.dated else joined(rest, said)
        else:
            day, time = self._recognised(date, self._cells(date)), self._clock(clock)
            if day is None or time is None:
                return None
            below = 0 < time.unit_ns < _SECOND
            if not below and (day.scale is not TimeScale.EPOCH or time.scale is TimeScale.EPOCH):
                return None
            both = joined(day, time)
            if below:
                both = evolve(both, scale=day.scale)
            elif day.name == "iso" and time.name == "%H":
                both = evolve(both, name="%Y-%m-%d %H")
        zone = zone_said(*(text for i in (date, clock) for text in (self._titles[i], self._units[i])))
        if both.local and zone is not None:
            both = in_zone(both, zone)
        texts = [JOINT.join(p) for p in zip(self._columns[date], self._columns[clock], strict=False) if all(p)]
        rank = max(rank_of(self._titles[date]), rank_of(self._titles[clock]))
        return _Candidate((date, clock), rank, both, _times(both, texts))

    def _clock(self, column: int) -> TimeFormat | None:
        """The format of a time of day, which may be hours alone."""
        cells = self._cells(column)
        if says_hour(self._titles[column]) and _are_hours(cells):
            return format_of("%H")
        return self._recognised(column, cells)

    def _moves(self, c: _Candidate) -> bool:
        """Whether it behaves like a time: it is no constant, no row number, and numbers go up."""
        if c.unclear is not None:
            return True
        if len(c.times) >= 3 and len(set(c.times)) == 1:
            return False
        if not c.numeric or len(c.times) < 2:
            return True
        title = self._titles[c.columns[0]].strip().lower()
        if _counts(c, title):
            return False
        return _rising(c.times) or (c.absolute and c.rank >= 2)

    def _preference(self, c: _Candidate, most: int) -> tuple[bool, bool, bool, bool, bool, int, int]:
        """`most`: different times of the column that has most of them."""
        strong = c.rank >= 2 or (c.absolute and not c.numeric and c.rank != 1)
        named = c.rank >= 2
        fine = named and (c.unclear is not None or c.moments * _FINER >= most)
        zoned = named and c.format is not None and not c.format.local
        return strong, fine, strong and c.absolute, c.unclear is None, zoned, c.rank, -c.columns[0]

    def _reason(self, c: _Candidate) -> str:
        names = " and ".join(repr(self._titles[i]) for i in c.columns)
        if len(c.columns) == 2:
            split = c.format is not None and c.format.name.endswith((" ms", " us", " ns"))
            return f"{names} are {'seconds and the rest of them' if split else 'a date and a time of day'}"
        if c.rank:
            return f"{names} is a time by its name or unit"
        return (
            f"{names} is a date by its cells" if not c.numeric else f"the first column, {names}, is numbers that rise"
        )

    def _none(self) -> str:
        shown = ", ".join(repr(title) for title in self._titles[:_SHOWN])
        more = f" and {len(self._titles) - _SHOWN} more" if len(self._titles) > _SHOWN else ""
        wanted = f" in the format {self._format!r}" if self._format else ""
        return f"no column is a time{wanted}: say time_column; there are: {shown}{more}"


def _are_hours(cells: Sequence[str]) -> bool:
    """Whether the cells are hours of a day, and not all the same."""
    return len(set(cells)) > 1 and all(cell.isdecimal() and int(cell) <= 24 for cell in cells)


def _bare(title: str) -> str:
    """The name without its unit, in lower case."""
    return title.partition("(")[0].partition("[")[0].strip().lower()


def _counts(c: _Candidate, title: str) -> bool:
    """Whether it numbers the rows: 0, 1, 2 … under a name that says so, or none."""
    if title not in NUMBERED or c.format is None or len(c.times) < 2:
        return False
    counts = [t / c.format.unit_ns for t in c.times]
    return all(b - a == 1 for a, b in pairwise(counts)) or counts[0] in (0, 1)


def _other_unit(title: str, unit: str, hint: UnitHint) -> bool:
    """Whether the numbers are said to be in a unit of something else: `T (°C)`."""
    inside = unit or title.partition("(")[2].partition(")")[0] or title.partition("[")[2].partition("]")[0]
    told = inside.strip().lower()
    known = hint.unit is not None or hint.epoch or bool(hint.shape)
    return bool(told) and not known and rank_of(told) == 0


def _times(found: TimeFormat, cells: Sequence[str]) -> tuple[int, ...]:
    return tuple(read_times(found.parser(UTC, lambda kind, detail: None), cells))


def _rising(times: Sequence[int]) -> bool:
    rises = sum(a < b for a, b in pairwise(times))
    falls = sum(a > b for a, b in pairwise(times))
    return rises >= _RISING * (rises + falls)


def _is_number(cell: str) -> bool:
    return bool(cell) and all(c in "0123456789.,+-eE" for c in cell) and cell.lstrip("+-")[:1] in "0123456789.,"


def _first(cells: Sequence[str]) -> str:
    return cells[0] if cells else ""
