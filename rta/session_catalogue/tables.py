"""Sessions and their properties in tables of SQLite. Whoever has the connection has the transactions too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from rta.session_catalogue.properties import SessionProperty, storable

__all__ = ["create_catalogue", "put_session", "remove_session"]

_TABLES = (
    "CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, json TEXT NOT NULL, "
    "timestamp_kind INTEGER NOT NULL, timestamp)",
    # the usual order of a list, with all that it takes to walk through it
    "CREATE INDEX IF NOT EXISTS newest_sessions ON sessions (timestamp_kind DESC, timestamp DESC, identity)",
    # `folded`: the text in lower case for finding parts of it, where it differs
    "CREATE TABLE IF NOT EXISTS properties (path TEXT NOT NULL, kind INTEGER NOT NULL, value NOT NULL, "
    "session INTEGER NOT NULL, text TEXT, folded TEXT, PRIMARY KEY (path, kind, value, session)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS properties_of_session ON properties (session, path)",
)

Row = tuple[str, int, int | float | str, str | None, str | None]


def create_catalogue(db: sqlite3.Connection) -> None:
    """Make the tables that are not there yet."""
    for statement in _TABLES:
        db.execute(statement)


def put_session(db: sqlite3.Connection, identity: str, json: str, properties: Sequence[SessionProperty]) -> int:
    """Add a session, or replace it; only what has changed is written. Gives its number, which stays.

    :param properties: `read_properties` of the JSON.
    """
    at = next((p for p in properties if p.path == "timestamp"), None)
    order = (0, None) if at is None else (int(at.kind), at.value)
    name = storable(identity)
    rows = {_row(p): None for p in properties}
    known = db.execute("SELECT id FROM sessions WHERE identity = ?", (name,)).fetchone()
    if known is None:
        added = "INSERT INTO sessions (identity, json, timestamp_kind, timestamp) VALUES (?, ?, ?, ?)"
        number = db.execute(added, (name, storable(json), *order)).lastrowid
        assert number is not None, "a row was added"
        _add(db, number, rows)
        return number
    number = int(known[0])
    changed = "UPDATE sessions SET json = ?, timestamp_kind = ?, timestamp = ? WHERE id = ?"
    db.execute(changed, (storable(json), *order, number))
    held = db.execute("SELECT path, kind, value, text, folded FROM properties WHERE session = ?", (number,)).fetchall()
    gone = set(held).difference(rows)
    if gone:
        where = "path = ? AND kind = ? AND value = ? AND session = ?"
        db.executemany(f"DELETE FROM properties WHERE {where}", [(*row[:3], number) for row in gone])  # noqa: S608
    _add(db, number, rows.keys() - set(held))
    return number


def _add(db: sqlite3.Connection, number: int, rows: Iterable[Row]) -> None:
    db.executemany(
        "INSERT INTO properties (path, kind, value, session, text, folded) VALUES (?, ?, ?, ?, ?, ?)",
        [(path, kind, value, number, text, folded) for path, kind, value, text, folded in rows],
    )


def remove_session(db: sqlite3.Connection, identity: str) -> bool:
    """Whether there was such a session."""
    found = db.execute("DELETE FROM sessions WHERE identity = ? RETURNING id", (storable(identity),)).fetchall()
    for row in found:
        db.execute("DELETE FROM properties WHERE session = ?", row)
    return bool(found)


def _row(one: SessionProperty) -> Row:
    written = one.text if one.text is not None else one.value
    folded = written.casefold() if isinstance(written, str) else None
    return one.path, int(one.kind), one.value, one.text, None if folded == written else folded
