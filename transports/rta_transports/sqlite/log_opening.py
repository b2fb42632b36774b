"""Opening the archive's log: as it is, as a new one, or only to be read beside the process that has it."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from rta.store.connections import ReadConnections
from rta.store.database import connect_beside
from rta.store.hold import FIRST_ABSURD, Hold
from rta.store.opening import Damaged, open_or_begin
from rta_transports.sqlite.log_file import ArchiveLog
from rta_transports.sqlite.log_tables import (
    LOG_FILE,
    name_log,
    read_deletions,
    read_name,
    read_runs,
    read_sessions,
    read_streams,
)

__all__ = ["open_log_file", "read_log_beside"]

_NUMBERS_EACH_MS = 16


def open_log_file(path: Path, hold: Hold, damaged: Damaged, reason: str | None = None) -> ArchiveLog:
    """The log as it is, or a new one.

    :param reason: why it is to be set aside in any case.
    :raises sqlite3.Error, OSError: it cannot be read or written, and not because it is damaged.
    """
    known = hold.noted is not None
    return open_or_begin(
        path, LOG_FILE, name_log, lambda db, torn: _read(path, db, hold.noted, damaged, torn), damaged, reason, known
    )


def read_log_beside(path: Path) -> ArchiveLog:
    """The log, which a process may have open, only to be read.

    :raises sqlite3.Error, DamagedFileError: it cannot be read.
    """
    db = connect_beside(path)
    try:
        return _read(path, db, None, lambda sentence: None, False, ReadConnections(path, connect_beside))
    except BaseException:
        db.close()
        raise


def _read(
    path: Path,
    db: sqlite3.Connection,
    noted: int | None,
    damaged: Damaged,
    torn: bool,
    connections: ReadConnections | None = None,
) -> ArchiveLog:
    name = read_name(db)
    found = db.execute("SELECT max(number), min(number) FROM entries").fetchone()
    last, first = found[0] or 0, found[1] or 0
    lost = max(0, (noted or 0) - last)
    log = ArchiveLog(
        db=db,
        connections=connections or ReadConnections(path),
        name=name,
        streams=read_streams(db),
        sessions=read_sessions(db),
        runs=read_runs(db),
        marks=db.execute("SELECT number, time FROM marks ORDER BY number").fetchall(),
        last=max(last, noted or 0) or _first_number(),
        first=first,
        bytes_held=db.execute("SELECT sum(length(packed)) FROM entries").fetchone()[0] or 0,
        deletions=read_deletions(db),
        path=path,
        inode=os.lstat(path).st_ino,
    )
    if last and lost:
        damaged(f"{lost} entries at the end of the archive's log are gone: its write-ahead log was cut off")
    elif torn:
        damaged("the write-ahead log of the archive's log was torn: the last entries before the end are missing")
    return log


def _first_number() -> int:
    """Behind those of any log that was there before, unless the clock has been set back since."""
    return min(time.time_ns() // 10**6 * _NUMBERS_EACH_MS, FIRST_ABSURD // 2)
