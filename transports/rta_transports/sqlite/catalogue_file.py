"""The catalogue: which sessions there are, what is asked for in lists, and what retention goes by.

It can be made anew from the session files; so it is not waited for until it is on the disk.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, frozen

from rta.errors import MalformedError
from rta.session_catalogue import (
    create_catalogue,
    find_sessions,
    put_session,
    read_properties,
    remove_session,
    survey_properties,
)
from rta.session_catalogue.properties import storable
from rta.session_query import Property, SessionQuery
from rta.store.connections import ReadConnections
from rta.store.database import FileLayout, check_sum, connect_beside, transaction
from rta.store.opening import Damaged, open_or_begin
from rta.wire import TimeRange
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.places import digest_of

__all__ = ["Catalogue", "CataloguedSession", "damaged_sessions", "open_catalogue", "read_catalogue_beside"]

_CATALOGUE = FileLayout(
    "the archive's catalogue",
    PAGE,
    """
CREATE TABLE recorded (name TEXT PRIMARY KEY, identity BLOB, data TEXT, sealed INTEGER, finish INTEGER,
                       touched INTEGER, size INTEGER, sum INTEGER, digest TEXT) WITHOUT ROWID;
CREATE INDEX recorded_by_digest ON recorded (digest);
CREATE INDEX recorded_by_finish ON recorded (sealed, finish);
CREATE INDEX recorded_by_touch ON recorded (sealed, touched);
CREATE TABLE bindings (configuration BLOB, name TEXT, PRIMARY KEY (configuration, name)) WITHOUT ROWID;
CREATE INDEX bindings_by_session ON bindings (name);
""",
)
_CHECKPOINT = 200  # changes
_COLUMNS = "SELECT name, identity, data, sealed, finish, touched, size, sum FROM recorded"


@frozen
class CataloguedSession:
    """What is known of a session without opening its files."""

    identity: str
    span: TimeRange | None
    sealed: bool
    version: str
    size: int
    touched: int
    """When it was last written to, ns."""


@define
class Catalogue:
    """`catalogue.sqlite`. Its writer is one thread; others read by `connections`."""

    db: sqlite3.Connection
    connections: ReadConnections
    count: int
    """Of sessions."""
    bytes: int
    """Of the files of all sessions."""
    _path: Path
    _inode: int
    _changes: int = 0

    def is_in_place(self) -> bool:
        """Whether it still has its name."""
        try:
            return os.lstat(self._path).st_ino == self._inode
        except OSError:
            return False

    # ---- writing

    def put(self, session: CataloguedSession, text: str | None, configurations: Sequence[str] = ()) -> None:
        """Add a session, or replace what is known of it. `text`: its JSON; None: it has not changed."""
        name = storable(session.identity)
        before = self.db.execute("SELECT size FROM recorded WHERE name = ?", (name,)).fetchone()
        with transaction(self.db):
            self.db.execute("REPLACE INTO recorded VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _values(session))
            if text is not None:
                self._put_json(session.identity, text, configurations)
        self.count += before is None
        self.bytes += session.size - (0 if before is None else int(before[0]))
        self._changed()

    def _put_json(self, identity: str, text: str, configurations: Sequence[str]) -> None:
        try:
            put_session(self.db, identity, text, read_properties(identity, text))
        except MalformedError:  # it cannot be listed
            remove_session(self.db, identity)
        name = storable(identity)
        self.db.execute("DELETE FROM bindings WHERE name = ?", (name,))
        keys = [(one.encode("utf-8", "surrogatepass"), name) for one in configurations]
        self.db.executemany("INSERT OR IGNORE INTO bindings VALUES (?, ?)", keys)

    def remove(self, identity: str) -> list[str]:
        """The configurations that no session uses any more."""
        name = storable(identity)
        with transaction(self.db):
            found = self.db.execute("DELETE FROM recorded WHERE name = ? RETURNING size", (name,)).fetchall()
            remove_session(self.db, identity)
            used = self.db.execute("DELETE FROM bindings WHERE name = ? RETURNING configuration", (name,)).fetchall()
            unused = [
                one.decode("utf-8", "surrogatepass")
                for (one,) in used
                if self.db.execute("SELECT 1 FROM bindings WHERE configuration = ?", (one,)).fetchone() is None
            ]
        for (size,) in found:
            self.count -= 1
            self.bytes -= size
        self._changed()
        return unused

    def in_folder(self, digits: str) -> dict[str, str]:
        """Identities by their digests, of those whose digests begin with two digits."""
        query = "SELECT digest, identity FROM recorded WHERE digest >= ? AND digest < ?"
        rows = self.db.execute(query, (digits, f"{int(digits, 16) + 1:02x}" if digits != "ff" else "g"))
        return {digest: identity.decode("utf-8", "surrogatepass") for digest, identity in rows}

    def _changed(self) -> None:
        self._changes += 1
        if self._changes >= _CHECKPOINT:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, lasting."""
        with suppress(sqlite3.Error):  # the next one may do
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._changes = 0

    def oldest(self, before: int | None) -> Iterator[str]:
        """Identities of sealed sessions, those first whose data end first. `before`: last written to before then."""
        if before is None:
            values: tuple[int, ...] = ()
            query = f"{_COLUMNS} WHERE sealed = 1 ORDER BY finish"
        else:
            query, values = f"{_COLUMNS} WHERE sealed = 1 AND touched < ? ORDER BY touched", (before,)
        for row in self.db.execute(query, values):
            if (found := _session(row)) is not None:
                yield found.identity

    # ---- reading, by any thread

    def find(self, identity: str) -> CataloguedSession | None:
        """What is known of a session."""
        with self.connections.connection() as db:
            row = db.execute(f"{_COLUMNS} WHERE name = ?", (storable(identity),)).fetchone()
        return None if row is None else _session(row)

    def json_of(self, identity: str) -> str | None:
        """The JSON of a session."""
        with self.connections.connection() as db:
            row = db.execute("SELECT json FROM sessions WHERE identity = ?", (storable(identity),)).fetchone()
        return None if row is None else str(row[0])

    def select(self, query: SessionQuery) -> list[tuple[CataloguedSession, str]]:
        """Sessions and their JSON, in the order of the query.

        :raises MalformedError: kind `query`; it is too much work.
        """
        out = []
        with self.connections.connection() as db:
            for found in find_sessions(db, query):
                row = db.execute(f"{_COLUMNS} WHERE name = ?", (found.identity,)).fetchone()
                session = None if row is None else _session(row)
                if session is not None:
                    out.append((session, found.json))
        return out

    def properties(self, folder: str | None) -> Sequence[Property]:
        """What properties the sessions have."""
        with self.connections.connection() as db:
            return survey_properties(db, folder)

    def close(self) -> None:
        """The last one to close it brings its write-ahead log into it."""
        self.connections.close()
        with suppress(sqlite3.Error, UnicodeDecodeError):
            self.db.close()


def _values(session: CataloguedSession) -> tuple[object, ...]:
    span = None if session.span is None else [session.span.start, session.span.end]
    values = (
        storable(session.identity),
        session.identity.encode("utf-8", "surrogatepass"),
        json.dumps([span, session.version]),
        int(session.sealed),
        0 if session.span is None else session.span.end,
        session.touched,
        session.size,
    )
    return (*values, check_sum(*values), digest_of(session.identity))


def _session(row: Sequence[Any]) -> CataloguedSession | None:
    if check_sum(*row[:7]) != row[7]:
        return None
    span, version = json.loads(row[2])
    return CataloguedSession(
        row[1].decode("utf-8", "surrogatepass"),
        None if span is None else TimeRange(*span),
        bool(row[3]),
        version,
        row[6],
        row[5],
    )


# ---- opening


def open_catalogue(path: Path, damaged: Damaged, reason: str | None = None) -> Catalogue:
    """The catalogue as it is, or an empty one, which the sessions that there are get into by and by.

    :param reason: why it is to be set aside in any case.
    :raises sqlite3.Error, OSError: it cannot be read or written, and not because it is damaged.
    """
    return open_or_begin(path, _CATALOGUE, create_catalogue, lambda db, torn: _read(path, db), damaged, reason)


def read_catalogue_beside(path: Path) -> Catalogue:
    """The catalogue, which a process may have open, only to be read.

    :raises sqlite3.Error: it cannot be read.
    """
    return _read(path, connect_beside(path), ReadConnections(path, connect_beside))


def damaged_sessions(db: sqlite3.Connection) -> int:
    """How many rows are not as they were written."""
    return sum(_session(row) is None for row in db.execute(_COLUMNS))


def _read(path: Path, db: sqlite3.Connection, connections: ReadConnections | None = None) -> Catalogue:
    db.execute("PRAGMA synchronous = NORMAL")
    count, size = db.execute("SELECT count(*), sum(size) FROM recorded").fetchone()
    return Catalogue(db, connections or ReadConnections(path), count, size or 0, path, os.lstat(path).st_ino)
