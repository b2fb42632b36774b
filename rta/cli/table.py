"""Tables as lines, and what is cut or left out of them where a terminal is narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen
from rich.text import Text

from rta.cli.shortening import cut_end

__all__ = ["Cut", "TableColumn", "cut_ends", "draw", "in_one_line"]

Cut = Callable[[tuple[str, ...], int], Sequence[str]]
"""Cells of one column, in at most so many columns of the terminal."""

_GAP = 2


def cut_ends(texts: Sequence[str], width: int) -> list[str]:
    """Each text without its end, if that has no room."""
    return [cut_end(text, width) for text in texts]


@frozen
class TableColumn:
    """A column of a table, with its cells."""

    head: str
    cells: Sequence[Text]
    right: bool = False
    cut: Cut | None = None
    """Makes its cells shorter; None: they cannot be."""
    least: int = 0
    """Columns of the terminal that it needs, if it can be cut."""
    leaves: int = 0
    """Where there is too little room, the column with the highest number is left out first; 0: it stays."""

    @property
    def natural(self) -> int:
        return max([len(self.head), *(text.cell_len for text in self.cells)])

    @property
    def needed(self) -> int:
        return self.natural if self.cut is None else min(max(self.least, len(self.head)), self.natural)


def draw(columns: Sequence[TableColumn], width: int | None = None, page: slice = slice(None)) -> list[Text]:
    """The heads, and the rows of a page. `width`: of the terminal; None: as wide as it gets."""
    shown = list(columns)
    if width is not None:
        while sum(c.needed + _GAP for c in shown) - _GAP > width and any(c.leaves for c in shown):
            shown.remove(max(shown, key=lambda c: c.leaves))
    widths = _widths(shown, width)
    heads = [Text(cut_end(column.head, wide), "bold") for column, wide in zip(shown, widths, strict=True)]
    bodies = [_cells(column, wide)[page] for column, wide in zip(shown, widths, strict=True)]
    lines = []
    for row in (heads, *zip(*bodies, strict=True)):
        line = Text()
        for number, (column, text, wide) in enumerate(zip(shown, row, widths, strict=True)):
            blanks = " " * (wide - text.cell_len)
            line.append(" " * _GAP if number else "")
            line.append(blanks if column.right else "")
            line.append_text(text)
            line.append("" if column.right else blanks)
        line.rstrip()
        lines.append(line)
    return lines


def _widths(columns: Sequence[TableColumn], width: int | None) -> list[int]:
    """What is left beyond what is needed goes to the columns from the left, and what lacks is taken from them so."""
    if width is None:
        return [column.natural for column in columns]
    widths = [column.needed for column in columns]
    spare = width - sum(widths) - _GAP * (len(columns) - 1)
    for number, column in enumerate(columns):
        least, most = (widths[number],) * 2 if column.cut is None else (1, column.natural)
        wide = min(max(widths[number] + spare, least), most)
        spare -= wide - widths[number]
        widths[number] = wide
    return widths


def _cells(column: TableColumn, width: int) -> list[Text]:
    if column.cut is None or all(text.cell_len <= width for text in column.cells):
        return list(column.cells)
    cut = column.cut(tuple(text.plain for text in column.cells), width)
    return [
        text if short == text.plain else Text(short, text.style) for short, text in zip(cut, column.cells, strict=True)
    ]


def in_one_line(line: Text, width: int | None) -> Text:
    """A line that a terminal of this width does not break."""
    if width is not None and line.cell_len > width:
        line.truncate(width, overflow="ellipsis")
    line.no_wrap, line.overflow = True, "ignore"
    return line
