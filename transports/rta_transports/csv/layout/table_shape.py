"""What the rows of a table have in common, for one delimiter, and which lines are like them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from attrs import frozen

from rta.ports import MalformedError
from rta_transports.csv.layout.cell_kinds import CellKind, kind_of
from rta_transports.csv.layout.lines import split_line

__all__ = ["TableShape", "begin_of", "cells_of", "filled_width", "find_shape", "text_share"]

_CELLS = 64  # of a line that are looked at
_TITLES = 256  # cells of a header that are looked at
_KNOWN = 0.9  # of the cells of a column are values: then it has no texts

_NUMBERS = frozenset({CellKind.NUMBER, CellKind.FLAG})  # `on` and 1 are of one kind
_NOTHING = frozenset({CellKind.MISSING})


@frozen
class TableShape:
    """How wide the rows of a table are, and where their values are."""

    delimiter: str
    width: int
    """Cells of a row."""
    core: int
    """The same without the last columns that are always blank."""
    kinds: tuple[frozenset[CellKind], ...]
    """Of the first columns: the kinds of value that their cells are; none where they may be texts, `MISSING` where
    nothing stands."""
    weight: float
    """How many lines the values of such rows explain."""

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether a line is as wide as the rows; blank cells at the end do not matter."""
        return len(cells) >= self.core and filled_width(cells) <= self.width

    def share(self, lines: Sequence[str]) -> float:
        """Which share of the lines the values in them explain, from 0 to 1."""
        fitting = [cells for line in lines if self.fits(cells := cells_of(line, self.delimiter))]
        return sum(_share([kind_of(c) for c in cells[:_CELLS]]) for cells in fitting) / max(1, len(lines))

    def is_row(self, cells: Sequence[str]) -> bool:
        """Whether a line has a value in the first column of values that says something, or mostly values."""
        if not self.fits(cells) or not _share([kind_of(cell) for cell in cells[:_CELLS]]):
            return False
        for cell, kinds in zip(cells, self.kinds, strict=False):
            kind = kind_of(cell)
            if kind is CellKind.MISSING or not kinds:
                continue
            if kinds != _NOTHING:
                return kind in kinds
            if not kind.is_value:
                return False
        return text_share(cells) < 0.5


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line; none of a line with wrong quotes."""
    try:
        return split_line(line, delimiter)
    except MalformedError:
        return []


def filled_width(cells: Sequence[str]) -> int:
    """How many cells there are up to the last that is not blank."""
    width = len(cells)
    while width and (not cells[width - 1] or cells[width - 1].isspace()):
        width -= 1
    return width


def begin_of(cells: Sequence[str]) -> Sequence[str]:
    """As many as tell what kind of line it is: a line may have a hundred thousand cells."""
    return cells[:_TITLES]


def text_share(cells: Sequence[str]) -> float:
    """Which share of the cells that say something are texts."""
    kinds = [kind for cell in begin_of(cells) if (kind := kind_of(cell)) is not CellKind.MISSING]
    return sum(kind is CellKind.TEXT for kind in kinds) / len(kinds) if kinds else 0.0


def find_shape(lines: Sequence[str], delimiter: str, narrowest: int = 2) -> TableShape | None:
    """The shape of the rows among the lines; None if there are no lines of values.

    Lines count by the values that they are made of. Those that begin with a value count more, so that pairs of a
    key and a value before a table are not taken for the table.
    """
    by_width: dict[int, list[tuple[float, list[str], list[CellKind]]]] = defaultdict(list)
    for line in lines:
        cells = cells_of(line, delimiter)
        kinds = [kind_of(cell) for cell in cells[:_CELLS]]
        weight = _weight(kinds)
        if len(cells) >= narrowest and weight:
            by_width[len(cells)].append((weight, cells, kinds))
    if not by_width:
        return None
    width = max(by_width, key=lambda w: (sum(weight**3 for weight, _, _ in by_width[w]) * min(w, 8) ** 0.5, w))
    best = max(weight for weight, _, _ in by_width[width])
    rows = [(cells, kinds) for weight, cells, kinds in by_width[width] if weight >= 0.8 * best]
    # The first of them may be a header all the same, if its titles are numbers and the rows have many texts.
    return TableShape(
        delimiter,
        width,
        max(narrowest, max(filled_width(cells) for cells, _ in rows)),
        tuple(
            _kinds_of_column(Counter(column))
            for column in zip(*(kinds for _, kinds in rows[len(rows) > 1 :]), strict=True)
        ),
        sum(_share(kinds) for _, _, kinds in by_width[width]),
    )


def _weight(kinds: Sequence[CellKind]) -> float:
    """The share of values, and a half more if the line begins with one."""
    first = next((kind for kind in kinds if kind is not CellKind.MISSING), CellKind.TEXT)
    share = _share(kinds)
    return share + 0.5 if share and first.is_value else share


def _share(kinds: Sequence[CellKind]) -> float:
    """Which share of the cells that say something are values; a line of nothing but words has none, `no` or not."""
    filled = [kind for kind in kinds if kind is not CellKind.MISSING]
    if CellKind.NUMBER not in filled and CellKind.TIME not in filled:
        return 0.0
    return sum(kind.is_value for kind in filled) / len(filled)


def _kinds_of_column(counts: Counter[CellKind]) -> frozenset[CellKind]:
    del counts[CellKind.MISSING]
    total = counts.total()
    if not total:
        return _NOTHING
    if counts[CellKind.TEXT] > (1 - _KNOWN) * total:
        return frozenset()
    kinds = frozenset(kind for kind, count in counts.items() if kind.is_value and count >= 0.02 * total)
    return kinds | _NUMBERS if kinds & _NUMBERS else kinds
