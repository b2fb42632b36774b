"""Opening an SQLite file of ours: made if it is not there, checked, set aside and begun anew if it is damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rta.errors import DamagedFileError
from rta.state_file import open_own_file, set_aside
from rta.store.database import SUFFIXES, FileLayout, beside, check_made, connect, create, damage_in, move
from rta.store.wal import WriteAheadLog

__all__ = ["Damaged", "check_pages", "open_or_begin", "take_over"]

_HEAD = 100  # bytes

Damaged = Callable[[str], None]
"""Is given a sentence for people."""

T = TypeVar("T")


def open_or_begin(
    path: Path,
    layout: FileLayout,
    fill: Callable[[sqlite3.Connection], object],
    read: Callable[[sqlite3.Connection, bool], T],
    damaged: Damaged,
    reason: str | None = None,
    end_known: bool = False,
) -> T:
    """What `read` makes of the file as it is, or of a new one.

    :param fill: writes what a new file has.
    :param read: is given a connection to a file with the right tables, and whether its write-ahead log was torn: the
        last commits are gone then. If it raises an error the connection is closed, and if that means damage the file is
        set aside.
    :param reason: why the file is to be set aside in any case.
    :param end_known: `read` knows by itself what the last commit was: a log that breaks off is not called torn.
    :raises sqlite3.Error, OSError: it cannot be read or written, and not because it is damaged.
    """
    if reason is None:
        try:
            if _is_there(path, layout):
                return _opened(path, layout, read, end_known)
        except Exception as e:
            reason = damage_in(e)
            if reason is None:
                raise
    if reason is not None:
        there = any(os.path.lexists(beside(path, suffix)) for suffix in SUFFIXES)
        then = f"it is set aside as {set_aside(path, SUFFIXES).name}, and " if there else ""
        damaged(f"{layout.what} was damaged ({reason}): {then}a new one is begun")
    create(beside(path, ".new"), layout, fill)
    move(beside(path, ".new"), path)
    return _opened(path, layout, read, end_known)


def _is_there(path: Path, layout: FileLayout) -> bool:
    """:raises DamagedFileError: something else is, or a log without its file, or a journal."""
    sizes = {}
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            descriptor = open_own_file(beside(path, suffix), os.O_RDWR)
            try:
                sizes[suffix] = os.fstat(descriptor).st_size
                if not suffix:
                    check_made(os.read(descriptor, _HEAD), layout)
            finally:
                os.close(descriptor)
    if "" not in sizes and sizes.get("-wal"):
        raise DamagedFileError("it is gone, and its write-ahead log is there")
    if sizes.get("-journal"):  # SQLite would take over what is in it, and shorten the file to what it says
        raise DamagedFileError("a rollback journal is beside it, and no file of ours has one")
    return "" in sizes


def _opened(path: Path, layout: FileLayout, read: Callable[[sqlite3.Connection, bool], T], end_known: bool) -> T:
    log = WriteAheadLog(path, layout.page)
    db = connect(path)
    try:
        torn = log.is_torn(take_over(db)) or (not end_known and log.breaks_off)
        _check_tables(db, layout)
        return read(db, torn)
    except BaseException:
        with suppress(sqlite3.Error, UnicodeDecodeError):
            db.close()
        raise


def take_over(db: sqlite3.Connection) -> int:
    """Bring the write-ahead log that is there into the file. How many pages it has, for SQLite."""
    try:
        db.execute("PRAGMA journal_mode = WAL").fetchone()  # it is not in a copy that `.backup` has made
        found: int = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    except sqlite3.Error as e:
        if damage_in(e) is not None:
            raise
        return 1 << 30  # no room for it now: it can be read all the same
    return found


def _check_tables(db: sqlite3.Connection, layout: FileLayout) -> None:
    """:raises DamagedFileError: they are not those that were made."""
    found = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type != 'trigger'"))
    if {name: found.get(name) for name in layout.made} != layout.made:
        raise DamagedFileError("its tables are not as they were made")


def check_pages(db: sqlite3.Connection) -> None:
    """Have SQLite read all of the file.

    :raises DamagedFileError: it finds a fault.
    """
    if (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise DamagedFileError(found.splitlines()[-1])
