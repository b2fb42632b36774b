"""Opening a history's file: made if it is not there, checked, read into memory; set aside if it is damaged.

Checking takes a time that the size of the file bounds. Whatever is wrong, a new file is begun at once, with the
positions behind those of the old one; `rta.history.salvage` gets out of the old one what can be got, some other time.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, evolve

from rta.errors import DamagedFileError
from rta.history.cleaning import Cleaning
from rta.history.file import HISTORY_FILE, RUNS, State, is_right, is_right_run, places_id
from rta.history.index import HistoryIndex
from rta.history.rows import Rows
from rta.history.segment import LONGEST, Places, Segment
from rta.history.stream_index import StreamIndex
from rta.store.database import check_sum, transaction
from rta.store.hold import FIRST_ABSURD, Hold
from rta.store.opening import Damaged, check_pages, open_or_begin

__all__ = ["Opened", "open_file"]


@define
class Opened:
    """A file, and what is known of it."""

    db: sqlite3.Connection
    """For writing."""
    rows: Rows
    state: State
    catalogue: HistoryIndex
    cleaning: Cleaning
    _path: Path
    _inode: int

    def is_in_place(self) -> bool:
        """Whether it still has its name: what is written to a file without one is lost when it is closed."""
        try:
            return os.lstat(self._path).st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        """The last one to close it brings the log into the file."""
        self.rows.close()
        with suppress(sqlite3.Error, UnicodeDecodeError):  # of what is damaged
            self.db.close()


def open_file(path: Path, segment: int, hold: Hold, damaged: Damaged, reason: str | None = None) -> Opened:
    """The file as it is, or a new one.

    :param segment: positions in a segment, of a file that is made.
    :param reason: why it is to be set aside in any case.
    :raises sqlite3.Error, OSError: it cannot be read or written, and not because it is damaged.
    """
    read = partial(_read, path, hold, damaged)
    fill = State(hold.noted or 0, segment=segment).write
    return open_or_begin(path, HISTORY_FILE, fill, read, damaged, reason, end_known=hold.noted is not None)


def _read(path: Path, hold: Hold, damaged: Damaged, db: sqlite3.Connection, torn: bool) -> Opened:
    check_pages(db)
    state = _state(db)
    lost = max(0, (hold.noted or 0) - state.last)
    if lost:
        state = _skip_to(db, state, state.last + lost)
    catalogue = HistoryIndex(state.segment, state.sealed)
    tracks = _tracks(db)
    _runs(db, tracks, catalogue)
    unreadable = _newest(db, tracks, catalogue)
    rows = Rows(path, state.segment)
    catalogue.tracks = {track.key: track for track in tracks.values()}
    for track in tracks.values():
        _measure(track, rows)
    if lost:
        damaged(f"{lost} entries at the end of the history are gone: its write-ahead log was cut off, or it is a copy")
    elif torn:
        damaged("the history's write-ahead log was torn: the last entries before the end are missing")
    if unreadable:
        damaged(f"{unreadable} entries cannot be read and are left out")
    return Opened(db, rows, state, catalogue, Cleaning(), path, os.lstat(path).st_ino)


def _state(db: sqlite3.Connection) -> State:
    """:raises DamagedFileError: it is not as it was written."""
    state = State.read(db)
    newest = db.execute("SELECT max(pos) FROM entries").fetchone()[0] or 0
    if state is None or not 1 <= state.segment <= LONGEST or not 0 <= max(state.last, newest) < FIRST_ABSURD:
        raise DamagedFileError("its state is not as it was written")
    return evolve(state, last=max(state.last, newest))


def _skip_to(db: sqlite3.Connection, state: State, noted: int) -> State:
    """Entries that are missing at the end have had their positions."""
    state = evolve(state, last=noted)
    with suppress(sqlite3.Error), transaction(db):  # else they are missed once more the next time
        state.write(db)
    return state


def _tracks(db: sqlite3.Connection) -> dict[int, StreamIndex]:
    tracks = {}
    for row in db.execute("SELECT id, code, name, floor, sum FROM streams ORDER BY id"):
        if check_sum(*row[:4]) != row[4]:
            raise DamagedFileError("a stream is not as it was written")
        tracks[row[0]] = StreamIndex(row[0], (row[1], row[2]), row[3])
    return tracks


def _runs(db: sqlite3.Connection, tracks: dict[int, StreamIndex], catalogue: HistoryIndex) -> None:
    """Runs of full segments. Those of a segment that are not all there are found out anew."""
    for row in db.execute(f"{RUNS} WHERE id < ? ORDER BY id", (places_id(catalogue.sealed + 1, 0),)):
        if not is_right_run(row):
            raise DamagedFileError("a run is not as it was written")
        segment, stream = row[0] >> 32, row[0] & 0xFFFFFFFF
        track = tracks.get(stream)
        if track and row[2] > track.floor:
            track.runs.append(Segment(segment, *row[1:7]))
            places = None if row[1] > track.floor else Places.unpack(row[8], segment * catalogue.segment)
            live = row[3] if places is None else len(places.behind(track.floor).positions)
            catalogue.live[segment] = catalogue.live.get(segment, 0) + live
    sizes = db.execute("SELECT number, entries FROM segments WHERE number <= ? ORDER BY number", (catalogue.sealed,))
    catalogue.entries = dict(sizes)
    if any(
        not isinstance(n, int) or n < 0 or not 0 <= catalogue.entries[n] <= catalogue.segment for n in catalogue.entries
    ):
        raise DamagedFileError("a segment is not as it was written")


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
