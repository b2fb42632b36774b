"""The file of a history: an SQLite database, and its tables.

Rows are only ever added at the end of `entries` and `runs`: that costs the same however much there is. Each row has a
check sum over all that is in it.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from functools import lru_cache
from typing import Any

from attrs import frozen

from rta.errors import HistoryError
from rta.store.database import FileLayout, check_sum
from rta.store.kind import StoreKind

__all__ = [
    "HISTORY",
    "HISTORY_FILE",
    "INSERTED_AT_ONCE",
    "RUNS",
    "HistoryWorkerLost",
    "State",
    "insert",
    "is_right",
    "is_right_run",
    "places_id",
    "replace_runs",
    "sum_of_entry",
]


class HistoryWorkerLost(HistoryError):
    """The process is gone. Nobody knows whether it has done what was asked last."""


HISTORY = StoreKind("history", HistoryError, HistoryWorkerLost, "rta.history.process")

HISTORY_FILE = FileLayout(
    "the history",
    4096,
    """
CREATE TABLE state (id INTEGER PRIMARY KEY, last INTEGER, mark BLOB, sealed INTEGER, streams INTEGER,
                    segment INTEGER, sum INTEGER);
CREATE TABLE streams (id INTEGER PRIMARY KEY, code TEXT, name TEXT, floor INTEGER, sum INTEGER);
CREATE TABLE segments (number INTEGER PRIMARY KEY, entries INTEGER);
CREATE TABLE runs (id INTEGER PRIMARY KEY, first INTEGER, last INTEGER, count INTEGER, begins INTEGER,
                   oldest INTEGER, newest INTEGER, sum INTEGER, places BLOB);
CREATE TABLE entries (pos INTEGER PRIMARY KEY, stream INTEGER, ts INTEGER, seq INTEGER, sum INTEGER, data BLOB);
""",
)

INSERTED_AT_ONCE = 1000
"""Rows that one statement adds."""

RUNS = "SELECT id, first, last, count, begins, oldest, newest, sum, places FROM runs"

_entry = struct.Struct("<4q").pack


@lru_cache(maxsize=INSERTED_AT_ONCE)
def insert(rows: int) -> str:
    """A statement that adds so many rows, in one step: after each the interpreter has to be had back from who reads."""
    return "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)" + ", (?, ?, ?, ?, ?, ?)" * (rows - 1)


def replace_runs(rows: int) -> str:
    """A statement that writes so many runs."""
    return "REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)" + ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" * (rows - 1)


def sum_of_entry(pos: int, stream: int, ts: int, seq: int, data: bytes) -> int:
    """The check sum of a row of `entries`."""
    return zlib.crc32(data, zlib.crc32(_entry(pos, stream, ts, seq)))


def is_right(row: tuple[int, int, int, int, int, bytes]) -> bool:
    """Whether a row of `entries` is as it was written."""
    try:
        return sum_of_entry(*row[:4], row[5]) == row[4]
    except (TypeError, struct.error):
        return False


def is_right_run(row: tuple[Any, ...]) -> bool:
    """Whether a row of `RUNS` is as it was written."""
    return bool(check_sum(*row[:7], row[8]) == row[7])


def places_id(segment: int, stream: int) -> int:
    """The key of a row of `runs`: rises with the segment, then the stream."""
    return segment << 32 | stream


@frozen
class State:
    """The only row of `state`."""

    last: int = 0
    """The greatest position ever used; in the file, unless there is an entry with a greater one."""
    mark: bytes = b""
    sealed: int = -1
    """The newest segment of which all runs are in the file."""
    streams: int = 0
    """The greatest number that a stream ever had."""
    segment: int = 1
    """How many positions a segment has."""

    def write(self, db: sqlite3.Connection) -> None:
        """Within a transaction."""
        row = (self.last, self.mark, self.sealed, self.streams, self.segment)
        db.execute("REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, ?)", (*row, check_sum(*row)))

    @staticmethod
    def read(db: sqlite3.Connection) -> State | None:
        """None: it is not as it was written."""
        found = db.execute("SELECT last, mark, sealed, streams, segment, sum FROM state WHERE id = 1").fetchone()
        return State(*found[:5]) if found and check_sum(*found[:5]) == found[5] else None
