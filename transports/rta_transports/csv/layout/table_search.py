"""The delimiter by which the lines of a file are most like a table, and where that table begins."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from rta.ports import RtaError
from rta_transports.csv.layout.head_lines import is_comment
from rta_transports.csv.layout.head_titles import TableHead
from rta_transports.csv.layout.table_head import find_head
from rta_transports.csv.layout.table_shape import TableShape, find_shape

__all__ = ["FoundTable", "LayoutOptions", "find_table"]

_DELIMITERS = (",", ";", "\t", "|", " ")
_COMMENTS = ("#", "%", "//", "!", ";")
_SCORED = 50  # lines from the first row on that show how good a delimiter is
_LINES = 200  # at the end of the head by which the delimiter is found
_CHARACTERS = 1 << 18

FoundTable = tuple[TableShape, TableHead, tuple[str, ...]]
"""With the marks of comments."""


@frozen
class LayoutOptions:
    """What is set by the user; None is to be found out."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    """Empty: none is used."""
    comment: str | None = None
    """What comment lines begin with; empty: there are none."""
    header: int | None = None
    """Number of the header line, from 1; 0: there is none."""
    units: int | None = None
    """Number of the line of units; 0: there is none."""


def find_table(head: Sequence[str], later: Sequence[str], delimiter: str | None, options: LayoutOptions) -> FoundTable:
    """The delimiter for which the lines are most like a table, where that begins, and the marks of comments."""
    found: list[FoundTable] = []
    some = [line for line in [*_last(head), *later[:_LINES], *_last(later)] if line.strip()]
    for narrowest in (2, 1):
        for candidate in (delimiter,) if delimiter else _DELIMITERS[: 3 + narrowest]:
            for marks in _marks(options.comment, candidate):
                shape = find_shape([x for x in some if not is_comment(x, candidate, marks)], candidate, narrowest)
                table = find_head(head, shape, marks, options.header, options.units) if shape else None
                if shape and table:
                    found.append((shape, table, marks))
                    break
        if found:
            most = max(shape.weight for shape, _, _ in found)
            return max(found, key=lambda one: _score(head, one[0], one[1], most))
    raise RtaError(_no_table(head, delimiter, options))


def _score(head: Sequence[str], shape: TableShape, table: TableHead, most: float) -> float:
    """How good a table is: by its first rows, by how many there are, and by its header."""
    rows = [line for line in head[table.first_line - 1 :][:_SCORED] if line.strip()]
    score = (shape.share(rows) + shape.weight / most) / 2
    if shape.delimiter == " ":  # is in texts and times as well
        score /= 2
    if table.is_certain:
        score += 0.5 if table.header.number else 0.25
    return score


def _last(lines: Sequence[str]) -> Sequence[str]:
    """Two at least, not more than enough."""
    size = number = 0
    while number < min(len(lines), _LINES) and (size < _CHARACTERS or number < 2):
        number += 1
        size += len(lines[-number])
    return lines[len(lines) - number :]


def _marks(comment: str | None, delimiter: str) -> tuple[tuple[str, ...], ...]:
    """Marks of comments to be tried: those that are usual, then none, if all lines begin with one."""
    if comment is not None:
        return ((comment,),) if comment else ((),)
    return tuple(mark for mark in _COMMENTS if mark != delimiter), ()


def _no_table(head: Sequence[str], delimiter: str | None, options: LayoutOptions) -> str:
    filled = [line for line in head if line.strip()]
    if len(filled) == 1 or (options.header and not any(map(str.strip, head[options.header :]))):
        return "has a header but no rows"
    tried = repr(delimiter) if delimiter else "a comma, semicolon, tab, bar or blanks"
    return (
        f"no row of values was found with {tried} between the cells; "
        'an option might help: delimiter = ";", header = the number of the header line, or encoding'
    )
