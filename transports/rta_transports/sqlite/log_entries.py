"""Bursts in the archive's log: a row of `entries` each, with a check sum."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rta.ports import Position
from rta.wire import Burst
from rta.wire.block import unpack
from rta.wire.burst import digest

__all__ = [
    "LogRow",
    "burst_of",
    "count_damaged",
    "insert_rows",
    "position_key",
    "position_of_key",
    "rows_behind",
    "rows_of_runs",
]

_ROWS = "SELECT number, run, position, raw, sum, packed FROM entries"
_SLACK = 64  # see rta.wire.burst

_place = struct.Struct(">QQ")
_head = struct.Struct("<3q16s").pack


def position_key(position: Position) -> bytes:
    """A position as the file has it: bytes that are in the same order."""
    return _place.pack(*position)


def position_of_key(key: bytes) -> Position:
    return Position(*_place.unpack(key))


class LogRow(NamedTuple):
    """One burst."""

    number: int
    run: int
    position: Position
    raw_size: int
    packed: bytes


def burst_of(row: LogRow) -> Burst:
    """The burst of a row."""
    return digest(row.packed, unpack(row.packed, row.raw_size + _SLACK))


def insert_rows(db: sqlite3.Connection, rows: Iterable[LogRow]) -> None:
    db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", map(_values, rows))


def rows_of_runs(db: sqlite3.Connection, runs: Sequence[int], after: int, upto: int) -> Iterator[LogRow | None]:
    """Rows of some runs with `after < number <= upto`, in order; None for one that is not as it was written."""
    marks = ", ".join("?" * len(runs))
    query = f"{_ROWS} WHERE number > ? AND number <= ? AND run IN ({marks}) ORDER BY number"
    return map(_row, db.execute(query, (after, upto, *runs)))


def rows_behind(db: sqlite3.Connection, run: int, after: Position, upto: Position) -> Iterator[LogRow | None]:
    """Rows of a run with `after < position <= upto`, in order; None for one that is not as it was written."""
    query = f"{_ROWS} WHERE run = ? AND position > ? AND position <= ? ORDER BY position"
    return map(_row, db.execute(query, (run, position_key(after), position_key(upto))))


def count_damaged(db: sqlite3.Connection) -> int:
    """How many rows are not as they were written."""
    return sum(_row(values) is None for values in db.execute(_ROWS))


def _values(row: LogRow) -> tuple[object, ...]:
    place = position_key(row.position)
    summed = _sum(row.number, row.run, place, row.raw_size, row.packed)
    return row.number, row.run, place, row.raw_size, summed, row.packed


def _sum(number: int, run: int, place: bytes, raw: int, packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(_head(number, run, raw, place)))


def _row(values: tuple[Any, ...]) -> LogRow | None:
    number, run, place, raw, found, packed = values
    try:
        if _sum(number, run, place, raw, packed) == found:
            return LogRow(number, run, position_of_key(place), raw, packed)
    except (TypeError, struct.error):
        pass
    return None
