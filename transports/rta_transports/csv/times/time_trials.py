"""Trying a way to read on some cells of a column."""

from __future__ import annotations

from collections.abc import Sequence

from rta.ports import MalformedError
from rta_transports.csv.layout.cell_words import is_missing
from rta_transports.csv.times.times import ParseTime, numeric_times

__all__ = [
    "SINCE_1990",
    "UNTIL_2100",
    "decimal_mark",
    "enough",
    "ignore",
    "read_times",
    "reads",
    "since_1970",
    "with_text",
]

SINCE_1990, UNTIL_2100 = 631_152_000 * 10**9, 4_102_444_800 * 10**9
"""ns; numbers between them are taken as counted since 1970."""

_WRONG = 10  # one cell of so many may be no time: a repeated header, a mark
_MOST = 0.75
_OTHER_MARK = {".": ",", ",": "."}


def with_text(cells: Sequence[str]) -> list[str]:
    """The cells that are not gaps, without blanks around them."""
    return [text for cell in cells if not is_missing(text := cell.strip())]


def read_times(parse: ParseTime, cells: Sequence[str]) -> list[int]:
    """The times of the cells that can be read."""
    out: list[int] = []
    for cell in cells:
        try:
            out.append(parse(cell))
        except MalformedError:
            pass
    return out


def reads(parse: ParseTime, cells: Sequence[str]) -> bool:
    return enough(len(read_times(parse, cells)), len(cells))


def enough(read: int, cells: int) -> bool:
    """Whether so many of the cells are right that the others are mistakes."""
    return read >= cells - max(cells // _WRONG, cells >= 3)


def since_1970(parse: ParseTime, cells: Sequence[str]) -> bool:
    """Whether these are moments of the years 1990 to 2100, but for some that are wrong, or of a clock not yet set."""
    read = read_times(parse, cells)
    likely = sum(SINCE_1990 <= ns <= UNTIL_2100 for ns in read)
    return enough(len(read), len(cells)) and likely >= _MOST * len(read)


def decimal_mark(cells: Sequence[str], decimal: str) -> str | None:
    """The decimal mark with which the cells are numbers; None: they are none."""
    for mark in (decimal, _OTHER_MARK[decimal]):
        if reads(numeric_times("ns", mark), cells):
            return mark
    return None


def ignore(kind: str, detail: str) -> None:
    """For trials, of which nothing is worth counting."""
