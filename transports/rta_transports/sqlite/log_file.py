"""The log: bursts of all streams as they came, with the flush point of each stream in the same transaction.

Rows are added at the end and removed at the beginning. What is in here of sessions is what has no place in a session
file yet; it is read into memory when the log is opened.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, evolve, field, frozen

from rta.errors import DamagedFileError
from rta.formatting import counted
from rta.ports import Position
from rta.store.connections import ReadConnections
from rta.store.database import FileLayout, check_sum, connect_beside, transaction
from rta.store.hold import FIRST_ABSURD, Hold
from rta.store.opening import Damaged, open_or_begin
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.run import KeptRun, read_run, write_run

__all__ = [
    "ArchiveLog",
    "LogRow",
    "SessionRow",
    "damaged_rows",
    "ended_run",
    "open_log_file",
    "position_key",
    "read_log_beside",
    "rows_behind",
    "rows_of_runs",
]

_LOG = FileLayout(
    "the archive's log",
    PAGE,
    """
CREATE TABLE state (id INTEGER PRIMARY KEY, name BLOB, sum INTEGER);
CREATE TABLE streams (id INTEGER PRIMARY KEY, name BLOB, upto BLOB, sum INTEGER);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, identity BLOB, cut INTEGER, touched INTEGER, sealed INTEGER,
                       sum INTEGER);
CREATE TABLE runs (id INTEGER PRIMARY KEY, session INTEGER, data TEXT, sum INTEGER);
CREATE TABLE ended_runs (id INTEGER PRIMARY KEY, name BLOB, data TEXT, sum INTEGER);
CREATE INDEX ended_runs_by_name ON ended_runs (name);
CREATE TABLE marks (number INTEGER PRIMARY KEY, time INTEGER);
CREATE TABLE deletions (id INTEGER PRIMARY KEY, identity BLOB, sum INTEGER);
CREATE TABLE entries (number INTEGER PRIMARY KEY, run INTEGER, position BLOB, raw INTEGER, sum INTEGER, packed BLOB);
CREATE INDEX entries_by_run ON entries (run, position);
""",
)

_SUMMED = {
    "state": "id, name",
    "streams": "id, name, upto",
    "sessions": "id, identity, cut, touched, sealed",
    "runs": "id, session, data",
    "ended_runs": "name, data",
    "deletions": "id, identity",
}
"""What the check sum of a row is of, in each table that has plain ones."""

_GREATEST = {
    "streams": "SELECT max(id) FROM streams",
    "sessions": "SELECT max(id) FROM sessions",
    "deletions": "SELECT max(id) FROM deletions",
    "runs": "SELECT max(id) FROM (SELECT max(id) AS id FROM runs UNION SELECT max(run) FROM entries)",
}
_ENDED_RUNS = 20_000  # of sealed sessions of which no row is there any more
_CHECKPOINT = 4 << 20  # bytes of the write-ahead log, about
_NUMBERS_EACH_MS = 16

_place = struct.Struct(">QQ")
_head = struct.Struct("<3q16s").pack


def position_key(position: Position) -> bytes:
    """A position as the file has it: bytes that are in the same order."""
    return _place.pack(*position)


class LogRow(NamedTuple):
    """One burst."""

    number: int
    run: int
    position: Position
    raw_size: int
    packed: bytes


@frozen
class SessionRow:
    """A session that is not sealed, or of which there are rows."""

    id: int
    identity: str
    cut: int = 0
    """Up to which row the session file has it; it may be further."""
    touched: int | None = None
    """When it was last written to, ns; None: since the last upkeep."""
    sealed: bool = False
    """Its files have all that is in the log."""


@define
class ArchiveLog:
    """`log.sqlite`. Its writer is one thread; others read by `connections`."""

    db: sqlite3.Connection
    connections: ReadConnections
    name: bytes
    """Numbers of different logs have nothing to do with each other."""
    streams: dict[str, tuple[int, Position]]
    """Number and flush point of each."""
    sessions: dict[int, SessionRow]
    runs: dict[int, tuple[int, KeptRun]]
    """The id of the session of each, and the run."""
    marks: list[tuple[int, int]]
    """Up to which row it had come, and when, ns."""
    last: int
    """The greatest number ever used."""
    first: int
    """The smallest number that is there."""
    bytes_held: int
    """Of packed bursts."""
    deletions: dict[int, str]
    """Sessions whose files are to be removed."""
    _path: Path
    _inode: int
    _next: dict[str, int] = field(factory=dict)
    _written: int = 0

    def is_in_place(self) -> bool:
        """Whether it still has its name."""
        try:
            return os.lstat(self._path).st_ino == self._inode
        except OSError:
            return False

    def new_id(self, table: str) -> int:
        """One that no row of the table has ever had since it was opened."""
        if table not in self._next:
            self._next[table] = int(self.db.execute(_GREATEST[table]).fetchone()[0] or 0)
        self._next[table] += 1
        return self._next[table]

    def append(
        self,
        rows: Sequence[LogRow],
        streams: Mapping[str, tuple[int, Position]],
        sessions: Sequence[SessionRow],
        runs: Sequence[tuple[int, KeptRun]],
    ) -> None:
        """All of it in one transaction that lasts.

        :raises sqlite3.Error: none of it is kept.
        """
        with transaction(self.db):
            for name, (number, upto) in streams.items():
                values = (number, _bytes(name), position_key(upto))
                self.db.execute("REPLACE INTO streams VALUES (?, ?, ?, ?)", (*values, check_sum(*values)))
            for session in sessions:
                self._write_session(session)
            for session_id, run in runs:
                self._write_run(session_id, run)
            self.db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", map(_entry_values, rows))
        self._written += 2 * PAGE + sum(len(row.packed) for row in rows)

    def has_appended(
        self,
        rows: Sequence[LogRow],
        streams: Mapping[str, tuple[int, Position]],
        sessions: Sequence[SessionRow],
        runs: Sequence[tuple[int, KeptRun]],
    ) -> None:
        """What was appended is known from now on."""
        self.streams |= streams
        self.sessions |= {session.id: session for session in sessions}
        self.runs |= {run.id: (session_id, run) for session_id, run in runs}
        if rows:
            self.first = self.first or rows[0].number
            self.last = rows[-1].number
            self.bytes_held += sum(len(row.packed) for row in rows)

    def _write_session(self, session: SessionRow) -> None:
        values = (session.id, _bytes(session.identity), session.cut, session.touched, int(session.sealed))
        self.db.execute("REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", (*values, check_sum(*values)))

    def _write_run(self, session_id: int, run: KeptRun) -> None:
        values = (run.id, session_id, json.dumps(write_run(run)))
        self.db.execute("REPLACE INTO runs VALUES (?, ?, ?, ?)", (*values, check_sum(*values)))

    def note(self, sessions: Sequence[SessionRow], mark: tuple[int, int] | None = None) -> None:
        """What has become of sessions, and what time it was when the log had come so far."""
        with transaction(self.db):
            for session in sessions:
                self._write_session(session)
            if mark is not None:
                self.db.execute("REPLACE INTO marks VALUES (?, ?)", mark)
        self.sessions |= {session.id: session for session in sessions}
        if mark is not None:
            self.marks = [known for known in self.marks if known[0] != mark[0]] + [mark]

    def forget(self, session_id: int) -> None:
        """A session is sealed, and none of its rows is there: where its runs ended is still known."""
        runs = {number: run for number, (of, run) in self.runs.items() if of == session_id}
        with transaction(self.db):
            self._remove(session_id, runs)
            for run in runs.values():
                values = (_run_name(run.stream, run.session_id), json.dumps(write_run(run)))
                self.db.execute("INSERT INTO ended_runs VALUES (NULL, ?, ?, ?)", (*values, check_sum(*values)))
            self.db.execute("DELETE FROM ended_runs WHERE id <= (SELECT max(id) FROM ended_runs) - ?", (_ENDED_RUNS,))
        self._has_removed(session_id, runs)

    def delete(self, session_id: int, identity: str) -> None:
        """A session is to be no more: its files are to be removed. `session_id`: 0 if it is not in here."""
        runs = [number for number, (of, _) in self.runs.items() if of == session_id]
        values = (self.new_id("deletions"), _bytes(identity))
        with transaction(self.db):
            self._remove(session_id, runs)
            self.db.execute("INSERT INTO deletions VALUES (?, ?, ?)", (*values, check_sum(*values)))
        self._has_removed(session_id, runs)
        self.deletions[values[0]] = identity

    def _remove(self, session_id: int, runs: Iterable[int]) -> None:
        self.db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        self.db.executemany("DELETE FROM runs WHERE id = ?", [(number,) for number in runs])

    def _has_removed(self, session_id: int, runs: Iterable[int]) -> None:
        self.sessions.pop(session_id, None)
        for number in list(runs):
            del self.runs[number]

    def deleted(self, deletion: int) -> None:
        """The files of a session are gone."""
        self.db.execute("DELETE FROM deletions WHERE id = ?", (deletion,))
        del self.deletions[deletion]

    def trim(self, upto: int, at_most: int) -> int:
        """Remove rows up to this number, so many at most; the last one stays. How many went."""
        upto = min(upto, self.last - 1)
        found = self.db.execute(
            "SELECT number, run, position, length(packed) FROM entries WHERE number <= ? ORDER BY number LIMIT ?",
            (upto, at_most),
        ).fetchall()
        if not found:
            return 0
        changed: dict[int, tuple[int, KeptRun]] = {}
        for _, run, position, _ in found:
            if run in self.runs:
                session, kept = changed.get(run) or self.runs[run]
                changed[run] = session, evolve(kept, held_from=max(kept.held_from, _position(position)))
        done = found[-1][0]
        marks = [mark for mark in self.marks if mark[0] > done]
        with transaction(self.db):
            self.db.execute("DELETE FROM entries WHERE number <= ?", (done,))
            self.db.execute("DELETE FROM marks WHERE number <= ?", (done,))
            for session, run in changed.values():
                self._write_run(session, run)
        self.runs |= changed
        self.marks = marks
        self.bytes_held -= sum(size or 0 for _, _, _, size in found)
        self.first = done + 1
        self._written += PAGE * len(found)
        return len(found)

    def checkpoint_if_due(self) -> None:
        """Between commits."""
        if self._written >= _CHECKPOINT:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring what is in the write-ahead log into the file; readers are not waited for."""
        with suppress(sqlite3.Error):  # the next one may do
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._written = 0

    def close(self) -> None:
        """The last one to close it brings its write-ahead log into it."""
        self.connections.close()
        with suppress(sqlite3.Error, UnicodeDecodeError):
            self.db.close()


def ended_run(db: sqlite3.Connection, stream: str, session_id: int, at: Position) -> KeptRun | None:
    """The last run that began at or before a position, of those that are not among `ArchiveLog.runs` any more."""
    query = "SELECT name, data, sum FROM ended_runs WHERE name = ?"
    rows = db.execute(query, (_run_name(stream, session_id),)).fetchall()
    found = [read_run(0, json.loads(data)) for name, data, summed in rows if check_sum(name, data) == summed]
    return max((run for run in found if run.start <= at), key=lambda run: run.start, default=None)


def _run_name(stream: str, session_id: int) -> bytes:
    return _bytes(f"{session_id}:{stream}")


# ---- reading rows


_ROWS = "SELECT number, run, position, raw, sum, packed FROM entries"


def rows_of_runs(db: sqlite3.Connection, runs: Sequence[int], after: int, upto: int) -> Iterator[LogRow | None]:
    """Rows of some runs with `after < number <= upto`, in order; None for one that is not as it was written."""
    marks = ", ".join("?" * len(runs))
    query = f"{_ROWS} WHERE number > ? AND number <= ? AND run IN ({marks}) ORDER BY number"
    for values in db.execute(query, (after, upto, *runs)):
        yield _row(values)


def rows_behind(db: sqlite3.Connection, run: int, after: Position, upto: Position) -> Iterator[LogRow | None]:
    """Rows of a run with `after < position <= upto`, in order; None for one that is not as it was written."""
    query = f"{_ROWS} WHERE run = ? AND position > ? AND position <= ? ORDER BY position"
    for values in db.execute(query, (run, position_key(after), position_key(upto))):
        yield _row(values)


def _entry_values(row: LogRow) -> tuple[object, ...]:
    place = position_key(row.position)
    return (
        row.number,
        row.run,
        place,
        row.raw_size,
        _sum(row.number, row.run, place, row.raw_size, row.packed),
        row.packed,
    )


def _sum(number: int, run: int, place: bytes, raw: int, packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(_head(number, run, raw, place)))


def _row(values: tuple[Any, ...]) -> LogRow | None:
    number, run, place, raw, found, packed = values
    try:
        if _sum(number, run, place, raw, packed) == found:
            return LogRow(number, run, _position(place), raw, packed)
    except (TypeError, struct.error):
        pass
    return None


def _position(place: bytes) -> Position:
    return Position(*_place.unpack(place))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# ---- opening


def open_log_file(path: Path, hold: Hold, damaged: Damaged, reason: str | None = None) -> ArchiveLog:
    """The log as it is, or a new one.

    :param reason: why it is to be set aside in any case.
    :raises sqlite3.Error, OSError: it cannot be read or written, and not because it is damaged.
    """
    known = hold.noted is not None
    return open_or_begin(
        path, _LOG, _name, lambda db, torn: _read(path, db, hold.noted, damaged, torn), damaged, reason, known
    )


def _name(db: sqlite3.Connection) -> None:
    values = (1, os.urandom(16))
    db.execute("INSERT INTO state VALUES (?, ?, ?)", (*values, check_sum(*values)))


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


def damaged_rows(db: sqlite3.Connection) -> Iterator[str]:
    """A sentence for each table of which rows are not as they were written."""
    for table, columns in _SUMMED.items():
        rows = db.execute(f"SELECT {columns}, sum FROM {table}")  # noqa: S608
        if count := sum(check_sum(*row[:-1]) != row[-1] for row in rows):
            yield f"{counted(count, 'row')} of {table} not as written"
    if count := sum(_row(values) is None for values in db.execute(_ROWS)):
        yield f"{counted(count, 'burst')} not as written"


def _read(
    path: Path,
    db: sqlite3.Connection,
    noted: int | None,
    damaged: Damaged,
    torn: bool,
    connections: ReadConnections | None = None,
) -> ArchiveLog:
    state = db.execute("SELECT id, name, sum FROM state").fetchone()
    if state is None or check_sum(*state[:2]) != state[2]:
        raise DamagedFileError("its state is not as it was written")
    found = db.execute("SELECT max(number), min(number) FROM entries").fetchone()
    last, first = found[0] or 0, found[1] or 0
    lost = max(0, (noted or 0) - last)
    log = ArchiveLog(
        db=db,
        connections=connections or ReadConnections(path),
        name=state[1],
        streams=_streams(db),
        sessions=_sessions(db),
        runs=_runs(db),
        marks=db.execute("SELECT number, time FROM marks ORDER BY number").fetchall(),
        last=max(last, noted or 0) or _first_number(),
        first=first,
        bytes_held=db.execute("SELECT sum(length(packed)) FROM entries").fetchone()[0] or 0,
        deletions=_deletions(db),
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


def _checked(db: sqlite3.Connection, query: str, what: str) -> Iterator[tuple[Any, ...]]:
    for row in db.execute(query):
        if check_sum(*row[:-1]) != row[-1]:
            raise DamagedFileError(f"{what} is not as it was written")
        yield row[:-1]


def _streams(db: sqlite3.Connection) -> dict[str, tuple[int, Position]]:
    rows = _checked(db, "SELECT id, name, upto, sum FROM streams", "a stream")
    return {name.decode("utf-8", "surrogatepass"): (number, _position(upto)) for number, name, upto in rows}


def _sessions(db: sqlite3.Connection) -> dict[int, SessionRow]:
    rows = _checked(db, "SELECT id, identity, cut, touched, sealed, sum FROM sessions", "a session")
    return {
        number: SessionRow(number, identity.decode("utf-8", "surrogatepass"), cut, touched, bool(sealed))
        for number, identity, cut, touched, sealed in rows
    }


def _runs(db: sqlite3.Connection) -> dict[int, tuple[int, KeptRun]]:
    rows = _checked(db, "SELECT id, session, data, sum FROM runs ORDER BY id", "a run")
    return {number: (session, read_run(number, json.loads(data))) for number, session, data in rows}


def _deletions(db: sqlite3.Connection) -> dict[int, str]:
    rows = _checked(db, "SELECT id, identity, sum FROM deletions", "a deletion")
    return {number: identity.decode("utf-8", "surrogatepass") for number, identity in rows}
