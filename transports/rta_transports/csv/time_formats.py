"""How a file writes its times: told from some cells of a column, or said by an option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from enum import Enum
from itertools import pairwise
from statistics import median

from attrs import field, frozen

from rta.ports import MalformedError, RtaError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.clock_times import clock_times, durations, excel_days, six_digit_times
from rta_transports.csv.local_times import LocalTimes, Note
from rta_transports.csv.time_layouts import layouts_of
from rta_transports.csv.time_patterns import compile_pattern
from rta_transports.csv.time_units import UnitHint, hint_of, px4_logged
from rta_transports.csv.times import NS_OF, NumberUnit, ParseTime, bounded, iso_times, numeric_times

__all__ = ["JOINT", "TimeFormat", "TimeScale", "format_of", "joined", "recognise"]

JOINT = "\n"
"""Between the two cells of a time that stands in two columns; no cell has it, as a row is one line."""

Build = Callable[[tzinfo, Note], ParseTime]

_SECOND = 10**9
_DAY = 86400 * _SECOND
_SINCE_1990, _UNTIL_2100 = 631_152_000 * _SECOND, 4_102_444_800 * _SECOND
_SAMPLE = 400  # cells that are tried
_WRONG = 10  # one cell of so many may be no time: a repeated header, a mark
_ABSURD = 1000  # s from row to row, in whole numbers without a unit
_COUNTED: tuple[NumberUnit, ...] = ("s", "ms", "us", "ns")  # since 1970
_OTHER_MARK = {".": ",", ",": "."}


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
    cells = [cell for cell in cells if cell.strip()][:_SAMPLE]
    if "%" in name:
        pattern = compile_pattern(name)
        scale = TimeScale.EPOCH if pattern.dated else TimeScale.DAY
        return TimeFormat(name, scale, pattern.dated and not pattern.zoned, build=pattern.parser)
    if name in NS_OF:
        return _numbers(name, cells, _mark_of(cells, decimal) or decimal)
    if name == "excel":
        return TimeFormat(name, TimeScale.EPOCH, True, build=lambda zone, note: excel_days(zone, note, decimal))
    formats = {
        "iso": TimeFormat("iso", TimeScale.EPOCH, _zoneless(cells), build=iso_times),
        "h:mm:ss": _clock("h:mm:ss", cells, ""),
        "h:mm": _clock("h:mm", cells, ""),
        "m:ss": TimeFormat("m:ss", TimeScale.ELAPSED, False, build=lambda zone, note: clock_times("m:ss")),
        "duration": TimeFormat("duration", TimeScale.ELAPSED, False, build=lambda zone, note: durations),
        "hhmmss": TimeFormat("hhmmss", TimeScale.DAY, False, build=lambda zone, note: six_digit_times),
    }
    if name not in formats:
        known = ", ".join([*NS_OF, *formats, "excel"])
        raise RtaError(f"time_format: there is no format {name!r}; one of {known}, or one like %d/%m/%Y %H:%M:%S")
    return formats[name]


def recognise(
    cells: Sequence[str],
    unit: str = "",
    title: str = "",
    titles: Sequence[str] = (),
    decimal: str = ".",
    now: int | None = None,
) -> TimeFormat | None:
    """The format of a column, from some of its cells; None: they are no times, nor numbers.

    `unit` is the content of its brackets or of a row of units, `titles` are all columns. Numbers without any unit are
    seconds. Give cells from all over the file: a date is only told when a day over 12 is among them. What would lie
    after `now` (ns since 1970) is no reading of a year of two digits.

    :raises RtaError: they may be read in two ways, and which one makes a difference.
    """
    cells = [cell.strip() for cell in cells if cell.strip()][:_SAMPLE]
    if not cells:
        return None
    hint = hint_of(title, unit)
    mark = _mark_of(cells, decimal)
    if mark is not None:
        return _recognise_numbers(cells, hint, title, titles, mark)
    if _reads(iso_times(UTC, _ignore), cells):
        return format_of("iso", cells)
    if _reads(clock_times("m:ss"), cells) or _reads(clock_times("h:mm"), cells):
        return _clock(_clock_name(cells, hint, title), cells, title)
    if _reads(durations, cells):
        return format_of("duration")
    return _recognise_layout(cells, title, now)


def joined(date: TimeFormat, clock: TimeFormat) -> TimeFormat:
    """A date and a time in two columns as one moment: the parser is given both cells with `JOINT` between them."""

    def build(zone: tzinfo, note: Note) -> ParseTime:
        local = LocalTimes(zone, note)
        day_of, time_of = date.parser(UTC, _ignore), clock.parser(UTC, _ignore)
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
    scale = TimeScale.EPOCH if cells and _since_1970(parse, cells) else TimeScale.ELAPSED
    return TimeFormat(unit, scale, False, NS_OF[unit], build=lambda zone, note: numeric_times(unit, decimal))


def _since_1970(parse: ParseTime, cells: Sequence[str]) -> bool:
    """Whether these are moments of the years 1990 to 2100."""
    read = _read(parse, cells)
    return _enough(len(read), len(cells)) and all(_SINCE_1990 <= ns <= _UNTIL_2100 for ns in _usual(read))


def _usual(values: list[int]) -> list[int]:
    """Without a few at both ends, which may be wrong."""
    cut = len(values) // 20
    return sorted(values)[cut : len(values) - cut]


def _mark_of(cells: Sequence[str], decimal: str) -> str | None:
    """The decimal mark with which the cells are numbers; None: they are none."""
    for mark in (decimal, _OTHER_MARK[decimal]):
        if _reads(numeric_times("ns", mark), cells):
            return mark
    return None


def _recognise_numbers(
    cells: Sequence[str], hint: UnitHint, title: str, titles: Sequence[str], decimal: str
) -> TimeFormat | None:
    if hint.shape == "hhmmss" or (hint.unit is None and _is_hhmmss(cells, decimal)):
        return format_of("hhmmss")
    if hint.unit is not None:
        _check_size(hint.unit, cells, title, decimal)
        return _numbers(hint.unit, cells, decimal)
    for unit in _COUNTED:
        if _since_1970(numeric_times(unit, decimal), cells):
            return _numbers(unit, cells, decimal)
    compact = _compact(cells)
    if compact is not None:
        return compact
    whole = all(cell.lstrip("+-").isdigit() for cell in cells)
    if whole and px4_logged(title, titles):
        return _numbers("us", cells, decimal)
    if whole:
        _ask_for_unit([int(cell) for cell in cells], title)
    return _numbers("s", cells, decimal)


def _check_size(unit: NumberUnit, cells: Sequence[str], title: str, decimal: str) -> None:
    if _reads(numeric_times(unit, decimal), cells):
        return
    likely = [other for other in _COUNTED if _since_1970(numeric_times(other, decimal), cells)]
    hint = f'; likely is time_unit = "{likely[0]}"' if likely else ""
    raise RtaError(f"the times of column {title!r} are too large for {unit} ({excerpt(cells[0])}): say time_unit{hint}")


def _ask_for_unit(counts: Sequence[int], title: str) -> None:
    steps = [b - a for a, b in pairwise(counts) if b > a]
    if not steps or median(steps) < _ABSURD or all(step % 900 == 0 for step in steps):
        return
    step = int(median(steps))
    if step >= 10**6 and step % 10**6:
        likely = "ns"
    elif step in (1000, 2000, 5000, 10_000, 60_000):
        likely = "ms"
    else:
        likely = "us"
    raise RtaError(
        f"the times of column {title!r} go up by {step} from row to row and name no unit: say time_unit; "
        f'likely is time_unit = "{likely}"'
    )


def _is_hhmmss(cells: Sequence[str], decimal: str) -> bool:
    """Whether the numbers behave like hhmmss.ss: zeros in front, or steady steps where 60 seconds become a minute."""
    read = _read(six_digit_times, cells)
    whole = [cell.partition(decimal)[0] for cell in cells]
    if len(read) < len(cells) or any(not digits.isdigit() for digits in whole):
        return False
    if all(len(digits) == 6 for digits in whole):
        if any(digits[0] == "0" for digits in whole):
            return True
    elif not all(len(digits) == 5 for digits in whole if len(digits) != 6) or any(d[0] == "0" for d in whole):
        return False
    plain = _read(numeric_times("s", decimal), cells)
    as_clock = [b - a for a, b in pairwise(read)]
    as_number = [b - a for a, b in pairwise(plain)]
    usual = median(as_clock) if as_clock else 0
    jumps = [(clock, number) for clock, number in zip(as_clock, as_number, strict=True) if clock != number]
    return bool(jumps) and usual < 30 * _SECOND and all(0 <= clock <= 3 * usual < number for clock, number in jumps)


def _compact(cells: Sequence[str]) -> TimeFormat | None:
    """20240131101500 and 202401311015, which are too large for anything else."""
    for size, name in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (17, "%Y%m%d%H%M%S%f"), (8, "%Y%m%d")):
        if all(len(cell.partition(".")[0]) == size for cell in cells):
            found = format_of(name)
            read = _read(found.parser(UTC, _ignore), cells)
            likely = all(_SINCE_1990 <= ns <= _UNTIL_2100 for ns in read)
            return found if len(read) == len(cells) and likely else None
    return None


def _zoneless(cells: Sequence[str]) -> bool:
    """Whether any of the cells, in ISO 8601, names no zone."""
    zones = 0
    for cell in cells:
        try:
            zones += datetime.fromisoformat(cell.strip()).tzinfo is not None
        except ValueError:
            zones += cell.strip()[-1:] in "Zz"
    return not cells or zones < len(cells)


def _clock(name: str, cells: Sequence[str], title: str) -> TimeFormat:
    """Clock times are of a day unless they are negative, pass 24 h, or are said to be something that has elapsed."""
    read = _read(clock_times(name), cells)
    elapsed = name == "m:ss" or any(not 0 <= ns <= _DAY for ns in read) or _says_elapsed(title)
    scale = TimeScale.ELAPSED if elapsed else TimeScale.DAY
    return TimeFormat(name, scale, False, build=lambda zone, note: clock_times(name))


def _says_elapsed(title: str) -> bool:
    return any(word in title.lower() for word in ("elapsed", "duration", "lap", "session", "dauer", "duree", "durée"))


def _clock_name(cells: Sequence[str], hint: UnitHint, title: str) -> str:
    short = [cell for cell in cells if cell.count(":") == 1]
    if 2 * len(short) < len(cells):
        return "m:ss" if short and any(mark in cell for cell in short for mark in ".,") else "h:mm:ss"
    if hint.shape in ("m:ss", "h:mm"):
        return hint.shape
    fraction = any(mark in cell for cell in short for mark in ".,")
    beyond = any(int("".join(filter(str.isdigit, cell.partition(":")[0]))) > 24 for cell in short)
    return "m:ss" if fraction or beyond or _says_elapsed(title) else "h:mm"


def _recognise_layout(cells: Sequence[str], title: str, now: int | None) -> TimeFormat | None:
    """Dates and times in words and numbers."""
    counts: Counter[tuple[str, ...]] = Counter()
    for cell in cells:
        counts[tuple(layouts_of(cell))] += 1
    counts.pop((), None)
    if not counts:
        return None
    layouts = counts.most_common(1)[0][0]
    fitting = [(layout, count) for layout in layouts if (count := _fits(layout, cells))]
    best = max((count for _, count in fitting), default=0)
    likely = [layout for layout, count in fitting if count == best and _enough(count, len(cells))]
    if "%y" in "".join(likely) and len(likely) > 1:
        likely = _in_order(likely, cells, now)
    if len(likely) == 1:
        return format_of(likely[0])
    shown = next((cell for cell in cells if layouts_of(cell)), cells[0])
    if not likely:
        _refuse_layout(layouts, shown, title)
        return None
    choice = " or ".join(f'"{layout}"' for layout in likely)
    raise RtaError(
        f"the dates of column {title!r} may be day first or month first ({shown}): say time_format = {choice}"
    )


def _refuse_layout(layouts: Sequence[str], shown: str, title: str) -> None:
    """Says why no cell could be read, where it can be said."""
    for layout in layouts:
        try:
            compile_pattern(layout).parser(UTC, _ignore)(shown)
        except MalformedError as e:
            if "%z" in layout and "zone" in str(e):
                word = shown[shown.rfind(":") :].split()[1:2]
                named = layout.replace("%z", word[0]) if word else layout
                raise RtaError(
                    f'the times of column {title!r}: {e} ({shown}): say timezone, and time_format = "{named}"'
                ) from None
    if len(layouts) > 1:
        raise RtaError(
            f"the dates of column {title!r} are neither all day first nor all month first ({excerpt(shown)}): "
            "say time_format"
        )


def _in_order(layouts: list[str], cells: Sequence[str], now: int | None) -> list[str]:
    """Two digits in front are a year only when nothing else gives times that are past and in order."""
    likely = [layout for layout in layouts if _plausible(layout, cells, now)] or layouts
    return [layout for layout in likely if not layout.startswith("%y")] or likely


def _plausible(layout: str, cells: Sequence[str], now: int | None) -> bool:
    read = _read(format_of(layout).parser(UTC, _ignore), cells)
    past = now is None or max(read) <= now + 2 * _DAY
    return past and (_ordered(read) or _ordered(read[::-1]))


def _ordered(times: list[int]) -> bool:
    return all(a <= b for a, b in pairwise(times))


def _fits(layout: str, cells: Sequence[str]) -> int:
    return len(_read(format_of(layout).parser(UTC, _ignore), cells))


def _reads(parse: ParseTime, cells: Sequence[str]) -> bool:
    return _enough(len(_read(parse, cells)), len(cells))


def _enough(read: int, cells: int) -> bool:
    """Whether so many of the cells are right that the others are mistakes."""
    return read >= cells - max(cells // _WRONG, cells >= 4)


def _read(parse: ParseTime, cells: Sequence[str]) -> list[int]:
    """The times of the cells that can be read."""
    out: list[int] = []
    for cell in cells:
        try:
            out.append(parse(cell))
        except MalformedError:
            pass
    return out


def _ignore(kind: str, detail: str) -> None:
    """For trials, of which nothing is worth counting."""
