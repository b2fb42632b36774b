"""The tables of the archive's log beside its bursts, and their rows; most have a check sum."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from rta.errors import DamagedFileError
from rta.formatting import counted
from rta.ports import Position
from rta.store.database import FileLayout, check_sum
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.log_entries import count_damaged, position_key, position_of_key
from rta_transports.sqlite.run import KeptRun, read_run, write_run

__all__ = [
    "GREATEST",
    "LOG_FILE",
    "SessionRow",
    "add_deletion",
    "add_ended_run",
    "damaged_rows",
    "ended_run",
    "name_log",
    "put_run",
    "put_session",
    "put_stream",
    "read_deletions",
    "read_name",
    "read_runs",
    "read_sessions",
    "read_streams",
]

LOG_FILE = FileLayout(
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

GREATEST = {
    "streams": "SELECT max(id) FROM streams",
    "sessions": "SELECT max(id) FROM sessions",
    "deletions": "SELECT max(id) FROM deletions",
    "runs": "SELECT max(id) FROM (SELECT max(id) AS id FROM runs UNION SELECT max(run) FROM entries)",
}
"""The query for the greatest id that is in use, by table."""

_SUMMED = {
    "state": "id, name",
    "streams": "id, name, upto",
    "sessions": "id, identity, cut, touched, sealed",
    "runs": "id, session, data",
    "ended_runs": "name, data",
    "deletions": "id, identity",
}
"""What the check sum of a row is of, in each table that has plain ones."""
_ENDED_RUNS = 20_000  # of sealed sessions of which no row is there any more


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


# ---- writing, within a transaction


def name_log(db: sqlite3.Connection) -> None:
    """Give a new log its name."""
    values = (1, os.urandom(16))
    db.execute("INSERT INTO state VALUES (?, ?, ?)", (*values, check_sum(*values)))


def put_stream(db: sqlite3.Connection, number: int, name: str, upto: Position) -> None:
    values = (number, _bytes(name), position_key(upto))
    db.execute("REPLACE INTO streams VALUES (?, ?, ?, ?)", (*values, check_sum(*values)))


def put_session(db: sqlite3.Connection, session: SessionRow) -> None:
    values = (session.id, _bytes(session.identity), session.cut, session.touched, int(session.sealed))
    db.execute("REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", (*values, check_sum(*values)))


def put_run(db: sqlite3.Connection, session_id: int, run: KeptRun) -> None:
    values = (run.id, session_id, json.dumps(write_run(run)))
    db.execute("REPLACE INTO runs VALUES (?, ?, ?, ?)", (*values, check_sum(*values)))


def add_ended_run(db: sqlite3.Connection, run: KeptRun) -> None:
    """The oldest go, where there are too many."""
    values = (_run_name(run.stream, run.session_id), json.dumps(write_run(run)))
    db.execute("INSERT INTO ended_runs VALUES (NULL, ?, ?, ?)", (*values, check_sum(*values)))
    db.execute("DELETE FROM ended_runs WHERE id <= (SELECT max(id) FROM ended_runs) - ?", (_ENDED_RUNS,))


def add_deletion(db: sqlite3.Connection, number: int, identity: str) -> None:
    values = (number, _bytes(identity))
    db.execute("INSERT INTO deletions VALUES (?, ?, ?)", (*values, check_sum(*values)))


# ---- reading


def read_name(db: sqlite3.Connection) -> bytes:
    """Of the log.

    :raises DamagedFileError: it is not as it was written; so the others.
    """
    state = db.execute("SELECT id, name, sum FROM state").fetchone()
    if state is None or check_sum(*state[:2]) != state[2]:
        raise DamagedFileError("its state is not as it was written")
    name: bytes = state[1]
    return name


def read_streams(db: sqlite3.Connection) -> dict[str, tuple[int, Position]]:
    rows = _checked(db, "streams", "a stream")
    return {_text(name): (number, position_of_key(upto)) for number, name, upto in rows}


def read_sessions(db: sqlite3.Connection) -> dict[int, SessionRow]:
    rows = _checked(db, "sessions", "a session")
    return {
        number: SessionRow(number, _text(identity), cut, touched, bool(sealed))
        for number, identity, cut, touched, sealed in rows
    }


def read_runs(db: sqlite3.Connection) -> dict[int, tuple[int, KeptRun]]:
    rows = _checked(db, "runs", "a run", "ORDER BY id")
    return {number: (session, read_run(number, json.loads(data))) for number, session, data in rows}


def read_deletions(db: sqlite3.Connection) -> dict[int, str]:
    return {number: _text(identity) for number, identity in _checked(db, "deletions", "a deletion")}


def ended_run(db: sqlite3.Connection, stream: str, session_id: int, at: Position) -> KeptRun | None:
    """The last run that began at or before a position, of those that are not among `ArchiveLog.runs` any more."""
    query = "SELECT name, data, sum FROM ended_runs WHERE name = ?"
    rows = db.execute(query, (_run_name(stream, session_id),)).fetchall()
    found = [read_run(0, json.loads(data)) for name, data, summed in rows if check_sum(name, data) == summed]
    return max((run for run in found if run.start <= at), key=lambda run: run.start, default=None)


def damaged_rows(db: sqlite3.Connection) -> Iterator[str]:
    """A sentence for each table of which rows are not as they were written."""
    for table in _SUMMED:
        if count := sum(check_sum(*row[:-1]) != row[-1] for row in _rows(db, table)):
            yield f"{counted(count, 'row')} of {table} not as written"
    if count := count_damaged(db):
        yield f"{counted(count, 'burst')} not as written"


def _checked(db: sqlite3.Connection, table: str, what: str, order: str = "") -> Iterator[tuple[Any, ...]]:
    for row in _rows(db, table, order):
        if check_sum(*row[:-1]) != row[-1]:
            raise DamagedFileError(f"{what} is not as it was written")
        yield row[:-1]


def _rows(db: sqlite3.Connection, table: str, order: str = "") -> sqlite3.Cursor:
    return db.execute(f"SELECT {_SUMMED[table]}, sum FROM {table} {order}")  # noqa: S608


def _run_name(stream: str, session_id: int) -> bytes:
    return _bytes(f"{session_id}:{stream}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
