"""From the samples of slices to the bytes of a table, in pieces behind which an export can be taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from rta.export.columns import ExportColumn
from rta.export.events import ToldEvent
from rta.export.table import SampleTable, Series, TableBatches, merge_columns

__all__ = ["ExportPiece", "RowPlace", "TableForm", "TableWriter"]

_MERGED = 1 << 20  # cells that are merged at once


class RowPlace(NamedTuple):
    """Behind a row of a table."""

    time: int
    """ns since the Unix epoch: of the row."""
    rows: int
    """How many rows of this time are at or before the place."""


class ExportPiece(NamedTuple):
    """Some of the bytes of an export."""

    data: bytes
    place: RowPlace | None = None
    """An export can go on behind this piece, from here; None: it cannot."""


class TableForm(Protocol):
    """How a table is written. All that it writes of a batch is in what `write` returns, or it cannot be taken up."""

    cells: int
    """Of a batch, about."""
    resumable: bool
    """Whether what is written of a batch does not depend on those before it."""

    def begin(self) -> bytes: ...

    def write(self, table: SampleTable) -> bytes: ...

    def end(self) -> bytes: ...


class TableWriter:
    """Merges columns to rows, and writes these in batches that do not depend on the slices in which they come."""

    def __init__(self, form: TableForm, columns: Sequence[ExportColumn], after: RowPlace | None = None) -> None:
        """`after`: everything up to here has been written already; only rows from its time on are added then."""
        self.rows = 0
        """Written by now."""
        self._form = form
        self._texts = [c.is_text for c in columns]
        self._most = max(1, _MERGED // (len(columns) + 1))
        self._batches = TableBatches(form.cells // (len(columns) + 1))
        self._after = after
        self._skip = 0 if after is None else after.rows

    def begin(self) -> ExportPiece:
        """What comes before the rows."""
        return ExportPiece(self._form.begin())

    def add(self, columns: Sequence[Series | None], events: Sequence[ToldEvent]) -> Iterator[ExportPiece]:
        """The samples of the next slice, for each column. Events have no place in a table of samples."""
        for table in merge_columns(columns, self._texts, self._most):
            for batch in self._batches.add(self._unwritten(table)):
                yield self._written(batch)

    def end(self) -> Iterator[ExportPiece]:
        """There are no more samples."""
        for batch in self._batches.rest():
            yield self._written(batch)
        yield ExportPiece(self._form.end())

    def _unwritten(self, table: SampleTable) -> SampleTable:
        if not self._skip or self._after is None:
            return table
        known = min(self._skip, int(np.searchsorted(table.times, self._after.time, "right")))
        self._skip -= known
        return table.part(known, len(table))

    def _written(self, batch: SampleTable) -> ExportPiece:
        time = int(batch.times[-1])
        rows = len(batch) - int(np.searchsorted(batch.times, time))
        if rows == len(batch) and self._after is not None and self._after.time == time:
            rows += self._after.rows
        self._after = RowPlace(time, rows)
        self.rows += len(batch)
        return ExportPiece(self._form.write(batch), self._after if self._form.resumable else None)
