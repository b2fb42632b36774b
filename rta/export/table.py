"""Samples of many parameters as one table: a row for each time, a column for each parameter. Plain code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

__all__ = ["SampleTable", "Series", "TableBatches", "merge_columns"]

Times = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Series = tuple[Times, npt.NDArray[Any]]
"""The samples of a column: times (ns since the Unix epoch, rising) and values, two arrays of the same shape (n,)."""


@frozen(slots=True, eq=False)
class SampleTable:
    """Some rows. What is not present in a row has no sample at its time."""

    times: Times
    """ns since the Unix epoch, rising; shape (rows,)."""
    values: Sequence[npt.NDArray[Any]]
    """Of each column, shape (rows,): float64, or object where the column has texts."""
    present: Sequence[npt.NDArray[np.bool_] | None]
    """Of each column, shape (rows,); None: all are present."""

    def __len__(self) -> int:
        return len(self.times)

    def part(self, begin: int, end: int) -> SampleTable:
        """These rows, as a view."""
        return SampleTable(
            self.times[begin:end],
            [v[begin:end] for v in self.values],
            [None if p is None else p[begin:end] for p in self.present],
        )


def merge_columns(columns: Sequence[Series | None], texts: Sequence[bool], most: int) -> Iterator[SampleTable]:
    """All samples, each in the row of its time; at most so many rows at once.

    Columns share rows. A time that a column has several times has as many rows, and its samples are in them in the
    order in which they come. `texts`: which columns hold objects; None in `columns`: the column has no samples.
    """
    groups: dict[bytes, tuple[Times, list[int]]] = {}
    """Columns with the same times."""
    for i, series in enumerate(columns):
        if series is not None and len(series[0]):
            groups.setdefault(series[0].tobytes(), (series[0], []))[1].append(i)
    times, rows_of = _rows([own for own, _ in groups.values()])
    for begin in range(0, len(times), most):
        end = min(begin + most, len(times))
        absent = np.zeros(end - begin, np.bool_)
        values = [np.full(end - begin, None, object) if t else np.full(end - begin, np.nan) for t in texts]
        present: list[npt.NDArray[np.bool_] | None] = [absent] * len(columns)
        for (_, members), rows in zip(groups.values(), rows_of, strict=True):
            first, last = np.searchsorted(rows, (begin, end))
            if first == last:
                continue
            inside = rows[first:last] - begin
            mask: npt.NDArray[np.bool_] | None = None
            if len(inside) < end - begin:
                mask = np.zeros(end - begin, np.bool_)
                mask[inside] = True
            for i in members:
                present[i] = mask
                values[i][inside] = columns[i][1][first:last]  # type: ignore[index]
        yield SampleTable(times[begin:end], values, present)


def _rows(all_times: Sequence[Times]) -> tuple[Times, list[Rows]]:
    """The times of all rows, and for each series the row of each of its samples."""
    if not all_times:
        return np.empty(0, np.int64), []
    if len(all_times) == 1:
        return all_times[0], [np.arange(len(all_times[0]))]
    distinct = np.unique(np.concatenate(all_times))
    places = [np.searchsorted(distinct, times) for times in all_times]
    counts = np.ones(len(distinct), np.intp)  # rows of each time
    ranks = []
    for times, place in zip(all_times, places, strict=True):
        begins = np.r_[True, times[1:] != times[:-1]]
        rank = np.arange(len(times)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]  # among those of its time
        again = rank > 0
        np.maximum.at(counts, place[again], rank[again] + 1)
        ranks.append(rank)
    begin = np.cumsum(counts) - counts
    return np.repeat(distinct, counts), [begin[place] + rank for place, rank in zip(places, ranks, strict=True)]


class TableBatches:
    """Cuts what comes into batches of so many rows, wherever it was cut before."""

    def __init__(self, rows: int) -> None:
        self._rows = max(1, rows)
        self._held: list[SampleTable] = []
        self._count = 0

    def add(self, table: SampleTable) -> Iterator[SampleTable]:
        """The batches that are full now."""
        at = 0
        while len(table) - at >= self._rows - self._count:
            end = at + self._rows - self._count
            self._held.append(table.part(at, end))
            yield self._joined()
            at = end
        if at < len(table):
            self._held.append(table.part(at, len(table)))
            self._count += len(table) - at

    def rest(self) -> Iterator[SampleTable]:
        """What has been held back."""
        if self._held:
            yield self._joined()

    def _joined(self) -> SampleTable:
        parts, self._held, self._count = self._held, [], 0
        if len(parts) == 1:
            return parts[0]
        return SampleTable(
            np.concatenate([p.times for p in parts]),
            [np.concatenate(column) for column in zip(*(p.values for p in parts), strict=True)],
            [_joined_mask(parts, i) for i in range(len(parts[0].present))],
        )


def _joined_mask(parts: Sequence[SampleTable], column: int) -> npt.NDArray[np.bool_] | None:
    masks = [p.present[column] for p in parts]
    if all(mask is None for mask in masks):
        return None
    return np.concatenate([np.ones(len(p), np.bool_) if m is None else m for p, m in zip(parts, masks, strict=True)])
