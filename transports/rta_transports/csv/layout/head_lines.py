"""The lines at the head of a file, as cells, and which of them are comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from rta_transports.csv.layout.cell_kinds import CellKind, kind_of
from rta_transports.csv.layout.table_shape import TableShape, begin_of, cells_of
from rta_transports.csv.times.time_names import rank_of

__all__ = ["NO_LINE", "HeadLines", "TableLine", "has_time_title", "is_comment"]


def has_time_title(cells: Sequence[str]) -> bool:
    """Whether one of the cells is what the column of times is called."""
    return any(rank_of(cell) >= 2 for cell in begin_of(cells))


def is_comment(line: str, delimiter: str, marks: tuple[str, ...]) -> bool:
    """Whether a line begins with a mark of comments; one that is a cell of its own is a title, such as HOBO's `#`."""
    begun = line.lstrip(" \ufeff")
    if not begun.startswith(marks):
        return False
    mark = next(mark for mark in marks if begun.startswith(mark))
    first = begun.partition(delimiter)[0] if delimiter != " " else ""
    return delimiter == " " or (first != mark and kind_of(first) is not CellKind.MISSING)


@frozen
class TableLine:
    """A line of the head."""

    number: int
    """From 1; 0: there is no such line."""
    cells: tuple[str, ...]
    is_comment: bool = False


NO_LINE = TableLine(0, ())


class HeadLines:
    """The lines of the head as cells, split when they are asked for."""

    def __init__(self, lines: Sequence[str], shape: TableShape, marks: tuple[str, ...]) -> None:
        self._lines = lines
        self._shape = shape
        self._delimiter = shape.delimiter
        self._marks = marks
        self._known: dict[int, TableLine] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> TableLine:
        """The line of a number, counted from 1; a comment without its mark."""
        if number not in self._known:
            text = self._lines[number - 1]
            comment = is_comment(text, self._delimiter, self._marks)
            if comment:
                text = text.lstrip(" \ufeff")
                text = text.removeprefix(next(m for m in self._marks if text.startswith(m))).lstrip()
            cells = tuple(cell.strip() for cell in cells_of(text, self._delimiter))
            if self._delimiter == " " and len(cells) > self._shape.width:  # titles of several words, in columns
                columns = tuple(re.split(r"\s{2,}", text.strip()))
                cells = columns if self._shape.fits(columns) else cells
            self._known[number] = TableLine(number, cells, comment)
        return self._known[number]

    def behind(self, number: int) -> Iterator[TableLine]:
        """What is no comment and not blank, from the line after this one on."""
        return (line for n in range(number + 1, len(self) + 1) if not (line := self[n]).is_comment and any(line.cells))
