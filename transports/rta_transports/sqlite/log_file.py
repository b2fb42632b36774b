"""The log: bursts of all streams as they came, with the flush point of each stream in the same transaction.

Rows are added at the end and removed at the beginning. What is in here of sessions is what has no place in a session
file yet; it is read into memory when the log is opened.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, evolve, field

from rta.ports import Position
from rta.store.connections import ReadConnections
from rta.store.database import transaction
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.log_entries import LogRow, insert_rows, position_of_key
from rta_transports.sqlite.log_tables import (
    GREATEST,
    SessionRow,
    add_deletion,
    add_ended_run,
    put_run,
    put_session,
    put_stream,
)
from rta_transports.sqlite.run import KeptRun

__all__ = ["ArchiveLog"]

_CHECKPOINT = 4 << 20  # bytes of the write-ahead log, about


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
    _ids: dict[str, int] = field(init=False)
    """Of the sessions, by identity."""
    _current: dict[tuple[str, int], int] = field(init=False)
    """The numbers of the runs that have an id now, by stream and id."""

    def __attrs_post_init__(self) -> None:
        self._ids = {row.identity: row.id for row in self.sessions.values()}
        self._current = {(run.stream, run.session_id): run.id for _, run in self.runs.values() if not run.ended}

    # ---- what is in it

    def points(self) -> dict[str, Position]:
        """The flush points of all streams."""
        return {name: upto for name, (_, upto) in self.streams.items()}

    def session_of(self, identity: str) -> SessionRow | None:
        number = self._ids.get(identity)
        return None if number is None else self.sessions.get(number)

    def is_recorded(self, identity: str) -> bool:
        """Whether there is such a session, and it is not sealed."""
        row = self.session_of(identity)
        return row is not None and not row.sealed

    def recorded(self) -> list[str]:
        """Identities of sessions that are not sealed."""
        return [identity for identity in list(self._ids) if self.is_recorded(identity)]

    def current(self, stream: str, session_id: int) -> KeptRun | None:
        """The run that has an id now."""
        number = self._current.get((stream, session_id))
        return None if number is None else self.runs[number][1]

    def identity_of(self, run: KeptRun) -> str | None:
        """Of whom a run is."""
        found = self.runs.get(run.id)
        return None if found is None else self.sessions[found[0]].identity

    # ---- what becomes of it

    def is_in_place(self) -> bool:
        """Whether it still has its name."""
        try:
            return os.lstat(self._path).st_ino == self._inode
        except OSError:
            return False

    def new_id(self, table: str) -> int:
        """One that no row of the table has ever had since it was opened."""
        if table not in self._next:
            self._next[table] = int(self.db.execute(GREATEST[table]).fetchone()[0] or 0)
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
                put_stream(self.db, number, name, upto)
            for session in sessions:
                put_session(self.db, session)
            for session_id, run in runs:
                put_run(self.db, session_id, run)
            insert_rows(self.db, rows)
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
        self._has_noted(sessions)
        self._current |= {(run.stream, run.session_id): run.id for _, run in runs if run.id not in self.runs}
        self.runs |= {run.id: (session_id, run) for session_id, run in runs}
        if rows:
            self.first = self.first or rows[0].number
            self.last = rows[-1].number
            self.bytes_held += sum(len(row.packed) for row in rows)

    def note(self, sessions: Sequence[SessionRow], mark: tuple[int, int] | None = None) -> None:
        """What has become of sessions, and what time it was when the log had come so far."""
        with transaction(self.db):
            for session in sessions:
                put_session(self.db, session)
            if mark is not None:
                self.db.execute("REPLACE INTO marks VALUES (?, ?)", mark)
        self._has_noted(sessions)
        if mark is not None:
            self.marks = [known for known in self.marks if known[0] != mark[0]] + [mark]

    def _has_noted(self, sessions: Sequence[SessionRow]) -> None:
        self.sessions |= {session.id: session for session in sessions}
        self._ids |= {session.identity: session.id for session in sessions if session.id}

    def forget(self, session_id: int) -> None:
        """A session is sealed, and none of its rows is there: where its runs ended is still known."""
        runs = {number: run for number, (of, run) in self.runs.items() if of == session_id}
        with transaction(self.db):
            self._remove(session_id, runs)
            for run in runs.values():
                add_ended_run(self.db, run)
        self._has_removed(session_id, runs)

    def delete(self, session_id: int, identity: str) -> None:
        """A session is to be no more: its files are to be removed. `session_id`: 0 if it is not in here."""
        runs = [number for number, (of, _) in self.runs.items() if of == session_id]
        number = self.new_id("deletions")
        with transaction(self.db):
            self._remove(session_id, runs)
            add_deletion(self.db, number, identity)
        self._has_removed(session_id, runs)
        self.deletions[number] = identity

    def _remove(self, session_id: int, runs: Iterable[int]) -> None:
        self.db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        self.db.executemany("DELETE FROM runs WHERE id = ?", [(number,) for number in runs])

    def _has_removed(self, session_id: int, runs: Iterable[int]) -> None:
        session = self.sessions.pop(session_id, None)
        if session is not None and self._ids.get(session.identity) == session_id:
            del self._ids[session.identity]
        for number in list(runs):
            del self.runs[number]
        self._current = {key: number for key, number in self._current.items() if number in self.runs}

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
                changed[run] = session, evolve(kept, held_from=max(kept.held_from, position_of_key(position)))
        done = found[-1][0]
        marks = [mark for mark in self.marks if mark[0] > done]
        with transaction(self.db):
            self.db.execute("DELETE FROM entries WHERE number <= ?", (done,))
            self.db.execute("DELETE FROM marks WHERE number <= ?", (done,))
            for session, run in changed.values():
                put_run(self.db, session, run)
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
