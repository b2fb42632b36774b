"""Sessions and their properties in tables of SQLite. Whoever has the connection has the transactions too."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

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
    kind, value = (0, None) if at is None else (int(at.kind), at.value)
    (number,) = db.execute(
        "INSERT INTO sessions (identity, json, timestamp_kind, timestamp) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (identity) DO UPDATE SET json = excluded.json, timestamp_kind = excluded.timestamp_kind, "
        "timestamp = excluded.timestamp RETURNING id",
        (storable(identity), storable(json), kind, value),
    ).fetchone()
    wanted = {_row(p) for p in properties}
    held = set(
        db.execute("SELECT path, kind, value, text, folded FROM properties WHERE session = ?", (number,)).fetchall()
    )
    if wanted != held:
        db.executemany(
            "DELETE FROM properties WHERE path = ? AND kind = ? AND value = ? AND session = ?",
            [(*row[:3], number) for row in held - wanted],
        )
        db.executemany(
            "INSERT INTO properties (path, kind, value, session, text, folded) VALUES (?, ?, ?, ?, ?, ?)",
            [(*row[:3], number, *row[3:]) for row in wanted - held],
        )
    return int(number)


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
