"""Columns as rows: against a merge that is as plain as can be."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rta.export.table import TableBatches, merge_columns

COLUMNS = st.lists(st.lists(st.integers(0, 6), max_size=12).map(sorted), min_size=1, max_size=4)


def series(times: list[int], column: int):
    values = np.array([column * 100 + i for i in range(len(times))], float)
    return (np.array(times, np.int64), values) if times else None


def rows_of(tables) -> list[tuple[int, list[float | None]]]:
    return [
        (
            int(time),
            [
                None if mask is not None and not mask[i] else float(values[i])
                for values, mask in zip(table.values, table.present, strict=True)
            ],
        )
        for table in tables
        for i, time in enumerate(table.times)
    ]


def plain_rows(columns: list[list[int]]) -> list[tuple[int, list[float | None]]]:
    counts = [Counter(times) for times in columns]
    rows = []
    for time in sorted({t for times in columns for t in times}):
        for k in range(max(count[time] for count in counts)):
            rows.append(
                (
                    time,
                    [
                        float(c * 100 + times.index(time) + k) if k < counts[c][time] else None
                        for c, times in enumerate(columns)
                    ],
                )
            )
    return rows


@given(COLUMNS, st.integers(1, 5), st.integers(1, 5))
def test_every_sample_is_in_the_row_of_its_time_however_the_rows_are_cut(columns, most, batch):
    tables = list(merge_columns([series(times, c) for c, times in enumerate(columns)], [False] * len(columns), most))
    assert all(len(table) <= most for table in tables)
    assert rows_of(tables) == plain_rows(columns)
    batches = TableBatches(batch)
    cut = [b for table in tables for b in batches.add(table)]
    assert all(len(b) == batch for b in cut)
    assert rows_of([*cut, *batches.rest()]) == plain_rows(columns)
