"""The numbers of rows at once, where all their cells are read as `float` does. Plain code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from rta_transports.csv.header import CsvColumn
from rta_transports.csv.layout.layout import TableLayout

__all__ = ["PlainLines", "PlainRows"]

_INFINITE = float("inf")
_CERTAIN = 1 << 49  # ns, six days: a double is off by less than 0.1 there, and so is the product with the unit


@frozen
class PlainLines:
    """Lines that have been read at once."""

    values: Sequence[list[float]]
    """Of each line; they may be arrays."""
    times: list[int] | None
    """ns; None: they are to be read line by line."""


@frozen
class PlainRows:
    """What is wanted of each row. None instead of the numbers: something needs a closer look, cell by cell."""

    layout: TableLayout
    columns: Sequence[CsvColumn]
    time: int | None
    """The column of the times, where they are numbers that count from 0; else None."""
    unit: int
    """ns of one count of these numbers."""
    arrays: bool
    """Whether the values of lines are wanted as arrays: lists take as long as all the rest of whoever needs none."""
    _pick: Callable[[list[str]], Sequence[str]] = field(init=False)

    @_pick.default
    def _picking(self) -> Callable[[list[str]], Sequence[str]]:
        places = [c.index for c in self.columns]
        whole = places[-1] - places[0] + 1 == len(places)
        if whole:
            return itemgetter(slice(places[0], places[-1] + 1))
        return itemgetter(*places)

    def of_lines(self, lines: Sequence[str]) -> PlainLines | None:
        """The numbers of each line. Three times as fast as one line after the other."""
        delimiter, comment = self.layout.delimiter, self.layout.comment
        if delimiter == " ":
            return None
        width = len(self.layout.titles)
        if any(line.count(delimiter) != width - 1 for line in lines):
            return None
        text = "".join(lines)
        if not text.isascii() or any(mark in text for mark in ('"', "\0", "_", comment) if mark):
            return None
        columns = [c.index for c in self.columns]
        if self.time is not None:
            columns.append(self.time)
        try:
            table = np.loadtxt(lines, comments=None, delimiter=delimiter, usecols=columns, ndmin=2)
        except ValueError:
            return None
        if not np.isfinite(table).all():
            return None
        values = table[:, : len(self.columns)]
        times = None if self.time is None else _exact(table[:, -1] * self.unit)
        return PlainLines([*values] if self.arrays else values.tolist(), times)

    def of_cells(self, cells: list[str]) -> list[float] | None:
        """The numbers of the cells of one line. Twice as fast as one cell after the other."""
        picked = self._pick(cells)
        try:
            values = [*map(float, picked)]
        except ValueError:
            return None
        # float() reads more than people take for a number, and what is too large as infinite.
        if not -_INFINITE < min(values) <= max(values) < _INFINITE:
            return None
        text = "".join(picked)
        return values if text.isascii() and "_" not in text else None


def _exact(times: npt.NDArray[np.float64]) -> list[int] | None:
    """Times whose nearest ns is certain, although they have been rounded twice; None: it is not."""
    nearest = np.rint(times)
    certain = (abs(times) < _CERTAIN) & (abs(times - nearest) < 0.25)
    return nearest.astype(np.int64).tolist() if certain.all() else None
