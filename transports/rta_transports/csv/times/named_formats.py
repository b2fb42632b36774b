"""The formats that a file's times may have, by the names that options have for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from enum import Enum

from attrs import evolve, field, frozen

from rta.ports import RtaError
from rta_transports.csv.times.clock_times import clock_times, durations, excel_days, six_digit_times
from rta_transports.csv.times.local_times import LocalTimes, Note
from rta_transports.csv.times.time_patterns import compile_pattern
from rta_transports.csv.times.time_trials import decimal_mark, ignore, read_times, since_1970, with_text
from rta_transports.csv.times.times import NS_OF, NumberUnit, ParseTime, bounded, iso_times, numeric_times

__all__ = ["JOINT", "TimeFormat", "TimeScale", "clock_format", "format_of", "in_zone", "joined", "says_elapsed"]

JOINT = "\n"
"""Between the two cells of a time that stands in two columns; no cell has it, as a row is one line."""

Build = Callable[[tzinfo, Note], ParseTime]

_DAY = 86400 * 10**9
_SAMPLE = 400  # cells that are tried


class TimeScale(Enum):
    """What the times of a file count from."""

    EPOCH = "since 1970"
    DAY = "of a day"
    ELAPSED = "since a moment of the file's own"


@frozen
class TimeFormat:
    """A way to write times."""

    name: str
    """What the option would be: a unit of numbers, "iso", "h:mm:ss", "h:mm", "m:ss", "duration", "hhmmss", "excel",
    or a format in the words of `strptime`."""
    scale: TimeScale
    local: bool
    """Whether it needs a time zone: it has dates, and names none."""
    unit_ns: int = 0
    """ns of one count of a number; 0: it is no number."""
    as_float: bool = False
    """Whether they are numbers as `float` reads them, counted from 0."""
    build: Build = field(eq=False, repr=False, kw_only=True)

    def parser(self, zone: tzinfo, note: Note) -> ParseTime:
        """From a cell to ns, or from two with `JOINT` between them; for the rows of one file in their order.

        The parser raises `MalformedError` of kind `time`.
        """
        return self.build(zone, note)


def format_of(name: str, cells: Sequence[str] = (), decimal: str = ".") -> TimeFormat:
    """What the option says. Some cells of the column tell whether numbers count since 1970, and how long a day is.

    :raises RtaError: there is no such format.
    """
    cells = with_text(cells)[:_SAMPLE]
    if "%" in name:
        pattern = compile_pattern(name)
        scale = TimeScale.EPOCH if pattern.dated else TimeScale.DAY
        return TimeFormat(name, scale, pattern.dated and not pattern.zoned, build=pattern.parser)
    if name in NS_OF:
        return _numbers(name, cells, decimal_mark(cells, decimal) or decimal)
    if name == "excel":
        return TimeFormat(name, TimeScale.EPOCH, True, build=lambda zone, note: excel_days(zone, note, decimal))
    formats = {
        "iso": TimeFormat("iso", TimeScale.EPOCH, _zoneless(cells), build=iso_times),
        "h:mm:ss": clock_format("h:mm:ss", cells, ""),
        "h:mm": clock_format("h:mm", cells, ""),
        "m:ss": TimeFormat("m:ss", TimeScale.ELAPSED, False, build=lambda zone, note: clock_times("m:ss")),
        "duration": TimeFormat("duration", TimeScale.ELAPSED, False, build=lambda zone, note: durations),
        "hhmmss": TimeFormat("hhmmss", TimeScale.DAY, False, build=lambda zone, note: six_digit_times),
    }
    if name not in formats:
        known = ", ".join([*NS_OF, *formats, "excel"])
        raise RtaError(f"time_format: there is no format {name!r}; one of {known}, or one like %d/%m/%Y %H:%M:%S")
    return formats[name]


def in_zone(found: TimeFormat, own: tzinfo) -> TimeFormat:
    """The format for a column that names its zone: no other is needed, and none is used."""
    return evolve(found, local=False, build=lambda zone, note: found.build(own, note))


def joined(date: TimeFormat, clock: TimeFormat) -> TimeFormat:
    """A date and a time in two columns as one moment: the parser is given both cells with `JOINT` between them."""

    def build(zone: tzinfo, note: Note) -> ParseTime:
        local = LocalTimes(zone, note)
        day_of, time_of = date.parser(UTC, ignore), clock.parser(UTC, ignore)
        known = ("", 0)

        def parse(text: str) -> int:
            nonlocal known
            day, _, time = text.partition(JOINT)
            if day != known[0]:
                known = (day, day_of(day))
            wall = bounded(known[1] + time_of(time), text)
            return local.moment(wall, text) if date.local else local.fixed(wall)

        return parse

    return TimeFormat(f"{date.name} {clock.name}", TimeScale.EPOCH, date.local, build=build)


def _numbers(unit: NumberUnit, cells: Sequence[str], decimal: str) -> TimeFormat:
    parse = numeric_times(unit, decimal)
    scale = TimeScale.EPOCH if cells and since_1970(parse, cells) else TimeScale.ELAPSED
    plain = decimal == "."
    return TimeFormat(unit, scale, False, NS_OF[unit], plain, build=lambda zone, note: numeric_times(unit, decimal))


def clock_format(name: str, cells: Sequence[str], title: str) -> TimeFormat:
    """Clock times are of a day unless they are negative, pass 24 h, or are said to be something that has elapsed."""
    read = read_times(clock_times(name), cells)
    elapsed = name == "m:ss" or any(not 0 <= ns <= _DAY for ns in read) or says_elapsed(title)
    scale = TimeScale.ELAPSED if elapsed else TimeScale.DAY
    return TimeFormat(name, scale, False, build=lambda zone, note: clock_times(name))


def says_elapsed(title: str) -> bool:
    return any(word in title.lower() for word in ("elapsed", "duration", "lap", "session", "dauer", "duree", "durée"))


def _zoneless(cells: Sequence[str]) -> bool:
    """Whether any of the cells, in ISO 8601, names no zone."""
    zones = 0
    for cell in cells:
        try:
            zones += datetime.fromisoformat(cell.strip()).tzinfo is not None
        except ValueError:
            zones += cell.strip()[-1:] in "Zz"
    return not cells or zones < len(cells)
