"""The file of a history: an SQLite database, its tables, and what its errors mean.

Rows are only ever added at the end of `entries` and `runs`: that costs the same however much there is. Each row has a
check sum over all that is in it.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import frozen

from rta.errors import DamagedFileError, HistoryError
from rta.state_file import MODE, make_way, sync_folder

__all__ = [
    "INSERTED_AT_ONCE",
    "PAGE",
    "RUNS",
    "SCHEMA",
    "SUFFIXES",
    "State",
    "beside",
    "check_made",
    "check_sum",
    "connect",
    "create",
    "damage_in",
    "insert",
    "is_right",
    "is_right_run",
    "move",
    "places_id",
    "replace_runs",
    "spoken",
    "sum_of_entry",
    "transaction",
]

PAGE = 4096
SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Of the files that a database may consist of."""

_WAIT = 5.0  # s, for a lock that another program holds
_SCHEMA = """
CREATE TABLE state (id INTEGER PRIMARY KEY, last INTEGER, mark BLOB, sealed INTEGER, streams INTEGER,
                    segment INTEGER, sum INTEGER);
CREATE TABLE streams (id INTEGER PRIMARY KEY, code TEXT, name TEXT, floor INTEGER, sum INTEGER);
CREATE TABLE segments (number INTEGER PRIMARY KEY, entries INTEGER);
CREATE TABLE runs (id INTEGER PRIMARY KEY, first INTEGER, last INTEGER, count INTEGER, begins INTEGER,
                   oldest INTEGER, newest INTEGER, sum INTEGER, places BLOB);
CREATE TABLE entries (pos INTEGER PRIMARY KEY, stream INTEGER, ts INTEGER, seq INTEGER, sum INTEGER, data BLOB);
"""

SCHEMA = {text.split()[2]: text.strip() for text in _SCHEMA.split(";")[:-1]}
"""The statements that make the tables, by their names."""

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


def check_sum(*values: object) -> int:
    """The check sum of any other row."""
    return zlib.crc32(repr(values).encode("utf-8", "backslashreplace"))


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


def connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """A connection for any thread, but one at a time."""
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = lambda text: text.decode("utf-8", "replace")  # of a damaged row, for its check sum to tell
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 0")  # we do that between commits
        db.execute(f"PRAGMA journal_size_limit = {16 << 20}")
        db.execute(f"PRAGMA query_only = {int(reading)}")
    except BaseException:
        db.close()
        raise
    return db


def create(path: Path, state: State) -> None:
    """A file with nothing in it but this; one of this name is replaced."""
    for suffix in SUFFIXES:
        make_way(beside(path, suffix))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))  # SQLite's others are like it
    db = connect(path)
    try:
        db.execute(f"PRAGMA page_size = {PAGE}")
        db.execute("BEGIN")
        for statement in SCHEMA.values():
            db.execute(statement)
        state.write(db)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()


def beside(path: Path, suffix: str) -> Path:
    """A file of the same name with something at its end."""
    return path.with_name(path.name + suffix)


def move(path: Path, to: Path) -> None:
    """A database with its log, in place of what was there, which is as it was until then; lasting.

    :raises OSError: it cannot be.
    """
    for suffix in reversed(SUFFIXES):
        new, old = beside(path, suffix), beside(to, suffix)
        if old.is_dir() or not new.exists():
            make_way(old)
        if new.exists():
            os.replace(new, old)
    sync_folder(path.parent)


_HEAD = (  # where, and what is there in every file that we make; the numbers of versions are 1 in a copy by `.backup`
    (0, (b"SQLite format 3\0" + PAGE.to_bytes(2, "big"),)),
    (18, (b"\1\1\0@  ", b"\2\2\0@  ")),
    (44, (b"\0\0\0\4",)),
    (52, (b"\0\0\0\0\0\0\0\1" + bytes(32),)),
)


def check_made(head: bytes) -> None:
    """Whether a file begins as ours do: a wrong bit there makes SQLite say that it may not write, or read other texts.

    :raises DamagedFileError: it does not.
    """
    if not all(head.startswith(allowed, at) for at, allowed in _HEAD):
        raise DamagedFileError("its head is not as it was written")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it is kept, or nothing."""
    try:
        if db.in_transaction:  # one that could not be taken back
            db.execute("ROLLBACK")
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors have ended it already
            db.execute("ROLLBACK")
        raise


_NO_DAMAGE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
)
# A place on the disk that cannot be read, and a file that somebody has moved or removed under us.
_DAMAGE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_READONLY_DBMOVED)


def damage_in(error: Exception) -> str | None:
    """What is wrong with the file, if it is not what it was; None: it is, and out of reach.

    :param error: what reading or writing the file has raised. SQLite's texts quote what is in the file, so that they
        may be no texts.
    """
    if isinstance(error, sqlite3.ProgrammingError | OSError | MemoryError | HistoryError):
        return None
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & 0xFF in _NO_DAMAGE and code not in _DAMAGE:
            return None
    if isinstance(error, sqlite3.Error | DamagedFileError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return "what SQLite says of it is no text"
    return f"{type(error).__name__}: {error}"


_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another program holds it",
}


def spoken(path: Path, error: Exception) -> HistoryError:
    """What has happened, for people."""
    code = getattr(error, "sqlite_errorcode", 0)
    reason = _REASONS.get(code & 0xFF)
    return HistoryError(f"the history {path}: {reason} ({error})" if reason else f"the history {path}: {error}")
