"""Rows turned into columns, for whoever wants all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rta.ports import LoadedColumn
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.rows import Row

__all__ = ["loaded_columns", "worded_cells"]


def loaded_columns(
    rows: Sequence[Row], times: npt.NDArray[np.int64], columns: Sequence[CsvColumn], interval: int | None
) -> list[LoadedColumn]:
    """The samples of each column that has some. `times`: those of the rows."""
    out: list[LoadedColumn] = []
    if any(c.content.may_have_words for c in columns):
        table = None
    else:
        table = np.array([row.values for row in rows], np.float64)  # None becomes NaN, which numbers may be too
    for i, column in enumerate(columns):
        if table is not None and not np.isnan(values := table[:, i]).any():
            out.append(LoadedColumn(column.channel, column.type, times, values, interval))
            continue
        cells = [row.values[i] for row in rows]
        which = [k for k, value in enumerate(cells) if value is not None and not isinstance(value, str)]
        if which:
            samples = np.array([cells[k] for k in which], np.float64)
            out.append(LoadedColumn(column.channel, column.type, times[which], samples, interval))
    return out


def worded_cells(
    rows: Sequence[Row], times: npt.NDArray[np.int64], columns: Sequence[CsvColumn]
) -> list[tuple[int, int, str]]:
    """The words among the cells: column, time, text."""
    may = [i for i, column in enumerate(columns) if column.content.may_have_words]
    return [
        (i, time, text)
        for row, time in zip(rows if may else (), times.tolist(), strict=False)
        for i in may
        if isinstance(text := row.values[i], str)
    ]
