"""Opening a history's file: made if it is not there, checked, salvaged if it is damaged, read into memory."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, evolve

from rta.errors import HistoryError
from rta.history.cleaning import Cleaning
from rta.history.file import (
    RUNS,
    State,
    beside,
    check_sum,
    connect,
    create,
    is_damage,
    is_right,
    is_right_run,
    move,
    places_id,
)
from rta.history.index import HistoryIndex
from rta.history.log import Log
from rta.history.rows import Rows
from rta.history.salvage import salvage
from rta.history.segment import Places, Segment
from rta.history.stream_index import StreamIndex

__all__ = ["Opened", "hold", "open_file", "release"]

_LOOK = 0.02  # seconds between tries to have the file

Damaged = Callable[[str], None]
"""Is given a sentence for people."""


@define
class Opened:
    """A file, and what is known of it."""

    db: sqlite3.Connection
    """For writing."""
    rows: Rows
    state: State
    catalogue: HistoryIndex
    cleaning: Cleaning

    def close(self) -> None:
        """The last one to close it brings the log into the file."""
        self.rows.close()
        self.db.close()


class _Torn(Exception):
    """The file is not as it was written."""


def hold(path: Path, patience: float) -> int:
    """Keep other processes away until `release`; the folder is made.

    :param patience: seconds to wait for another process to leave it.
    :raises HistoryError: another process has it.
    :raises OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(beside(path, ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + patience
        while not _locked(lock):
            if time.monotonic() >= until:
                raise HistoryError(f"the history {path} is in use: another process has this state directory")
            time.sleep(_LOOK)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(lock: int) -> None:
    """Others may have it."""
    os.close(lock)


def open_file(path: Path, segment: int, damaged: Damaged, reason: str | None = None) -> Opened:
    """The file as it is, or what is left of it.

    :param reason: why it is to be salvaged in any case.
    :raises sqlite3.Error, OSError: it cannot be read or written.
    """
    if not path.exists():
        if beside(path, ".salvage").exists():  # the process ended just before the last step
            move(beside(path, ".salvage"), path)
        else:
            create(beside(path, ".new"), segment)
            move(beside(path, ".new"), path)
    if reason is None:
        try:
            return _read(path, damaged)
        except _Torn as e:
            reason = str(e)
        except sqlite3.Error as e:
            # A table that is not there is damage, too.
            if not is_damage(e) and getattr(e, "sqlite_errorcode", 0) != sqlite3.SQLITE_ERROR:
                raise
            reason = str(e)
    count, aside = salvage(path, segment)
    damaged(f"the history was damaged ({reason}): {count} entries could be saved, the damaged file is {aside.name}")
    return _read(path, damaged)


def _read(path: Path, damaged: Damaged) -> Opened:
    log = Log(path)
    if path.stat().st_size == 0:
        raise _Torn("it is empty")
    db = connect(path)
    try:
        if log.is_torn(_taken_over(db)):
            damaged("the history's write-ahead log was torn: the last entries before the end are missing")
        if (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise _Torn(found.splitlines()[-1])
        state = State.read(db)
        if state is None:
            raise _Torn("its state is not as it was written")
        newest = db.execute("SELECT max(pos) FROM entries").fetchone()[0]
        state = evolve(state, last=max(state.last, newest or 0))
        catalogue = HistoryIndex(state.segment, state.sealed)
        tracks = _tracks(db)
        _runs(db, tracks, catalogue)
        lost = _newest(db, tracks, catalogue)
    except BaseException:
        db.close()
        raise
    if lost:
        damaged(f"{lost} entries cannot be read and are left out")
    catalogue.tracks = {track.key: track for track in tracks.values()}
    rows = Rows(path, state.segment)
    for track in tracks.values():
        _measure(track, rows)
    return Opened(db, rows, state, catalogue, Cleaning())


def _taken_over(db: sqlite3.Connection) -> int:
    """How many pages of the log there are, for SQLite."""
    try:
        found: int = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    except sqlite3.Error as e:
        if is_damage(e):
            raise
        return 1 << 30  # no room for it now: it can be read all the same
    return found


def _tracks(db: sqlite3.Connection) -> dict[int, StreamIndex]:
    tracks = {}
    for row in db.execute("SELECT id, code, name, floor, sum FROM streams ORDER BY id"):
        if check_sum(*row[:4]) != row[4]:
            raise _Torn("a stream is not as it was written")
        tracks[row[0]] = StreamIndex(row[0], (row[1], row[2]), row[3])
    return tracks


def _runs(db: sqlite3.Connection, tracks: dict[int, StreamIndex], catalogue: HistoryIndex) -> None:
    """Runs of full segments. Those of a segment that are not all there are found out anew."""
    for row in db.execute(f"{RUNS} WHERE id < ? ORDER BY id", (places_id(catalogue.sealed + 1, 0),)):
        if not is_right_run(row):
            raise _Torn("a run is not as it was written")
        segment, stream = row[0] >> 32, row[0] & 0xFFFFFFFF
        track = tracks.get(stream)
        if track and row[2] > track.floor:
            track.runs.append(Segment(segment, *row[1:7]))
            places = None if row[1] > track.floor else Places.unpack(row[8], segment * catalogue.segment)
            live = row[3] if places is None else len(places.behind(track.floor).positions)
            catalogue.live[segment] = catalogue.live.get(segment, 0) + live
    sizes = db.execute("SELECT number, entries FROM segments WHERE number <= ? ORDER BY number", (catalogue.sealed,))
    catalogue.entries = dict(sizes)


def _newest(db: sqlite3.Connection, tracks: dict[int, StreamIndex], catalogue: HistoryIndex) -> int:
    """The entries of the segment that is not full; how many of them are not as they were written."""
    lost = 0
    start = (catalogue.sealed + 1) * catalogue.segment
    row: Any
    for row in db.execute("SELECT pos, stream, ts, seq, sum, data FROM entries WHERE pos >= ? ORDER BY pos", (start,)):
        track = tracks.get(row[1])
        if is_right(row) and track and row[0] > track.floor:
            catalogue.add(track, row[0], row[2], row[3])
        else:
            catalogue.remains(row[0])
            lost += not is_right(row)
    return lost


def _measure(track: StreamIndex, rows: Rows) -> None:
    """The oldest and the newest entry."""
    track.measure(rows.places)
    found = rows.entries(track.id, [track.last]) if track.runs else {}
    if track.last in found:
        track.newest, track.seq = found[track.last][:2]
