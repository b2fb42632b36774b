"""Reading a file for what it holds: each column with its count and range, and what is left out. Blocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from math import isfinite

from attrs import define

from rta.ports import Context, InspectedColumn, InspectedFault, Inspection, RtaError
from rta_transports.csv.channels import MARK
from rta_transports.csv.description import describe_in_a_line, list_detected, settings_of
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.opening import OpenedFile, open_file
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.rows import Row
from rta_transports.csv.table import RowBatch

__all__ = ["inspect_source"]


def inspect_source(
    options: CsvOptions, context: Context, most: int | None, progress: Callable[[float], None]
) -> Inspection:
    """What the file holds. `most`: so many rows are read, and no more.

    :raises RtaError: the file or an option is not fit; one line for each reason.
    """
    path = context.folder / options.path
    opened = open_file(path, options, context.clock(), most)
    counts = _Counts(opened, options)
    first = opened.understood.layout.first_line
    with closing(opened.table):
        try:
            while not opened.table.ended and (most is None or opened.table.line < first + most):
                counts.add(opened.table.read())
                progress(opened.table.share)
        except OSError as e:
            raise RtaError(f"{path}: cannot be read: {e.strerror or e}") from e
    return counts.inspection(whole=opened.table.whole)


@define
class _Range:
    """What has come of one column."""

    column: CsvColumn
    samples: int = 0
    events: int = 0
    low: float | None = None
    high: float | None = None
    first: int | None = None
    last: int | None = None

    def add(self, times: list[int], values: list[int | float], words: int) -> None:
        """`times`: of samples and words."""
        self.samples += len(values)
        self.events += words
        numbers = [v for v in values if isfinite(v)]
        if numbers:
            low, high = min(numbers), max(numbers)
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
        if times:
            first, last = min(times), max(times)
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)

    def inspected(self) -> InspectedColumn:
        c = self.column
        return InspectedColumn(c.name, c.unit, c.content.value, self.samples, self.events, self.low, self.high,
                               self.first, self.last)  # fmt: skip


class _Counts:
    """Adds up batches."""

    def __init__(self, opened: OpenedFile, options: CsvOptions) -> None:
        self._opened, self._options = opened, options
        self.rows = 0
        self._sessions = 0
        self._cells = self._lost = 0
        self._first: int | None = None
        self._last: int | None = None
        self._ranges: dict[int, list[_Range]] = {}
        self._faults: dict[tuple[str, str, bool], tuple[int, str]] = {}
        if opened.understood.long is None:
            self._of_key(0)

    def add(self, batch: RowBatch) -> None:
        rows = batch.rows
        self._cells += batch.cells
        self._sessions += sum(segment.begins for segment in batch.segments)
        for fault in batch.faults:
            place = (fault.kind, fault.column, fault.cells > 0)
            count, example = self._faults.get(place, (0, fault.detail))
            self._faults[place] = count + 1, example
            self._lost += fault.cells
        if not rows:
            return
        self.rows += len(rows)
        times = [row.time for row in rows]
        self._first = min(times) if self._first is None else min(self._first, *times)
        self._last = max(times) if self._last is None else max(self._last, *times)
        by_key: dict[int, list[Row]] = {}
        for row in rows:
            by_key.setdefault(row.key, []).append(row)
        for key, some in by_key.items():
            for i, kept in enumerate(self._of_key(key)):
                given = [(row.time, v) for row in some if (v := row.values[i]) is not None]
                numbers = [v for _, v in given if not isinstance(v, str)]
                kept.add([time for time, _ in given], numbers, len(given) - len(numbers))

    def _of_key(self, key: int) -> list[_Range]:
        if key not in self._ranges:
            self._ranges[key] = [_Range(c) for c in self._opened.table.channels.columns(key)]
        return self._ranges[key]

    def inspection(self, *, whole: bool) -> Inspection:
        found = self._opened.understood
        keys = sorted(self._ranges, key=lambda key: (key == MARK, key))
        return Inspection(
            line=describe_in_a_line(found, self._options),
            detected=list_detected(found, self._options),
            facts=dict(found.recording.details),
            columns=[kept.inspected() for key in keys for kept in self._ranges[key]],
            rows=self.rows,
            sessions=self._sessions + 1 if self.rows else 0,
            first=self._first,
            last=self._last,
            dated=found.dated,
            cells=self._cells,
            lost=self._lost,
            faults=[InspectedFault(k, c, n, e, lost) for (k, c, lost), (n, e) in self._faults.items()],
            whole=whole,
            settings=settings_of(found, self._options),
        )
