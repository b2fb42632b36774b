"""What a column of numbers is: since 1970 or not, in which unit, or a clock or a date without its marks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import pairwise
from statistics import median

from rta.ports import RtaError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.times.clock_times import six_digit_times
from rta_transports.csv.times.named_formats import TimeFormat, format_of
from rta_transports.csv.times.time_trials import SINCE_1990, UNTIL_2100, ignore, read_times, reads, since_1970
from rta_transports.csv.times.time_units import UnitHint, gps_logged, px4_logged
from rta_transports.csv.times.times import NumberUnit, numeric_times

__all__ = ["recognise_numbers"]

_SECOND = 10**9
_ABSURD = 1000  # s from row to row, in whole numbers without a unit
_EXCEL_1970, _MATLAB_1970 = 25_569, 719_529
_DAYS = 3  # cells at least
_DIGITS = 5
_COUNTED: tuple[NumberUnit, ...] = ("s", "ms", "us", "ns")  # since 1970


def recognise_numbers(
    cells: Sequence[str], hint: UnitHint, title: str, titles: Sequence[str], decimal: str
) -> TimeFormat | None:
    if hint.shape == "hhmmss" or (hint.unit is None and _is_hhmmss(cells, decimal, gps_logged(title, titles))):
        return format_of("hhmmss")
    if hint.unit is not None:
        _check_size(hint.unit, cells, title, decimal)
        return format_of(hint.unit, cells, decimal)
    compact = _compact(cells)
    if compact is not None:
        return compact
    for unit in _COUNTED:
        if since_1970(numeric_times(unit, decimal), cells):
            return format_of(unit, cells, decimal)
    if _are_days(cells, decimal, _EXCEL_1970):
        return format_of("excel", cells, decimal)
    if _are_days(cells, decimal, _MATLAB_1970):
        raise RtaError(
            f"the times of column {title!r} look like MATLAB's days: write them as dates, or say time_format"
        )
    whole = all(cell.lstrip("+-").isdigit() for cell in cells)
    if whole and px4_logged(title, titles):
        return format_of("us", cells, decimal)
    if whole:
        _ask_for_unit([int(cell) for cell in cells], title)
    return format_of("s", cells, decimal)


def _check_size(unit: NumberUnit, cells: Sequence[str], title: str, decimal: str) -> None:
    if reads(numeric_times(unit, decimal), cells):
        return
    likely = [other for other in _COUNTED if since_1970(numeric_times(other, decimal), cells)]
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


def _are_days(cells: Sequence[str], decimal: str, since: int) -> bool:
    """Whether the numbers are days, of which `since` is 1970-01-01: all are whole seconds then, or ms, with many
    digits."""
    days = read_times(numeric_times("d", decimal, since), cells)
    if len(days) < max(_DAYS, len(cells)) or not all(SINCE_1990 <= day <= UNTIL_2100 for day in days):
        return False
    digits = [len(cell.partition(decimal)[2].rstrip("0")) for cell in cells]
    if sorted(digits)[len(digits) // 2] < _DIGITS:
        return False
    seconds = all(_off(day, _SECOND) < _SECOND // 100 for day in days)
    return seconds or (len(days) > 4 * _DAYS and all(_off(day, 10**6) < 50_000 for day in days))


def _off(ns: int, unit: int) -> int:
    """ns to the nearest whole number of a unit."""
    return abs((ns + unit // 2) % unit - unit // 2)


def _is_hhmmss(cells: Sequence[str], decimal: str, expected: bool) -> bool:
    """Whether the numbers behave like hhmmss.ss: zeros in front, or steady steps where 60 seconds become a minute.

    Where it is expected, five or six digits are enough.
    """
    read = read_times(six_digit_times, cells)
    whole = [cell.partition(decimal)[0] for cell in cells]
    if len(read) < len(cells) or any(not digits.isdigit() for digits in whole):
        return False
    if all(len(digits) == 6 for digits in whole):
        if any(digits[0] == "0" for digits in whole):
            return True
    elif not all(len(digits) == 5 for digits in whole if len(digits) != 6) or any(d[0] == "0" for d in whole):
        return False
    if expected:
        return True
    plain = read_times(numeric_times("s", decimal), cells)
    as_clock = [b - a for a, b in pairwise(read)]
    as_number = [b - a for a, b in pairwise(plain)]
    usual = median(as_clock) if as_clock else 0
    jumps = [(clock, number) for clock, number in zip(as_clock, as_number, strict=True) if clock != number]
    return bool(jumps) and usual < 30 * _SECOND and all(0 <= clock <= 3 * usual < number for clock, number in jumps)


def _compact(cells: Sequence[str]) -> TimeFormat | None:
    """20240131101500 and shorter ones. As numbers since 1970 they would be of the years 2033 to 2036, or none."""
    for size, name in (
        (10, "%Y%m%d%H"),
        (14, "%Y%m%d%H%M%S"),
        (12, "%Y%m%d%H%M"),
        (17, "%Y%m%d%H%M%S%f"),
        (8, "%Y%m%d"),
    ):
        if all(len(cell.partition(".")[0]) == size for cell in cells):
            found = format_of(name)
            read = read_times(found.parser(UTC, ignore), cells)
            likely = all(SINCE_1990 <= ns <= UNTIL_2100 for ns in read)
            return found if len(read) == len(cells) and likely else None
    return None
