"""Which properties the sessions of a catalogue have: costs about the same however many sessions there are.

Source: docs/rest.md, "Metamodel".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from rta.session_catalogue.find import MAX_WORK, bounded_work
from rta.session_catalogue.properties import ValueKind, known_value, moment, storable
from rta.session_query import Property, Scalar

__all__ = ["MAX_PROPERTIES", "MAX_VALUES", "merge_properties", "survey_properties"]

MAX_VALUES = 200
"""Different values of a property that are told; of one that has more, none are."""
MAX_PROPERTIES = 1000
"""Details that are told, and as many extended ones; those behind them in the order of their paths are not."""

_PLAIN = ("endTimestamp", "group", "identifier", "quality", "startTimestamp", "state", "timestamp", "type", "version")
_NESTED = ("details.", "extDetails.")
_IN_FOLDER = f"FROM properties WHERE path = 'group' AND kind = {ValueKind.TEXT:d} AND value = ?"
_BY_SESSION, _IN_ORDER = (
    f"SELECT path, kind, value, min(text) FROM properties WHERE {session} IN (SELECT session {_IN_FOLDER}) "  # noqa: S608
    "GROUP BY path, kind, value"
    for session in ("session", "+session")
)
_SIZES = f"SELECT (SELECT count(*) {_IN_FOLDER}), (SELECT count(*) FROM sessions)"  # noqa: S608
_MANY = 0.05  # of all sessions: then it takes less time to go through all properties in their order, and sort none
_AT = "SELECT kind, value, text FROM properties WHERE path = ? AND kind = ?"
_FIRST, _NEXT, _LAST = (
    f"{_AT} {rest} LIMIT 1" for rest in ("ORDER BY value", "AND value > ? ORDER BY value", "ORDER BY value DESC")
)
_NEXT_PATH = "SELECT path FROM properties WHERE path >= ? ORDER BY path LIMIT 1"

_TYPES: dict[int, str] = {
    ValueKind.BOOLEAN: "boolean",
    ValueKind.NUMBER: "number",
    ValueKind.TEXT: "string",
    ValueKind.MOMENT: "dateTime",
}

Row = tuple[int, Any, str | None]
"""Kind, value, and a moment as it is written."""


def survey_properties(db: sqlite3.Connection, folder: str | None = None, max_work: int = MAX_WORK) -> list[Property]:
    """What properties there are, with their values. `folder`: of the sessions in it, which takes longer if they are
    many.

    :raises MalformedError: kind `query`; it is too much work.
    """
    with bounded_work(db, max_work):
        found = _of_all(db) if folder is None else _of_folder(db, folder)
        return [one for path, rows in found if (one := _property(path, rows)) is not None]


def _of_all(db: sqlite3.Connection) -> Iterator[tuple[str, Iterable[Row]]]:
    for path in _PLAIN:
        yield path, _distinct(db, path)
    for prefix in _NESTED:
        least = prefix
        for _ in range(MAX_PROPERTIES):
            found = db.execute(_NEXT_PATH, (least,)).fetchone()
            if found is None or not found[0].startswith(prefix):
                break
            yield found[0], _distinct(db, found[0])
            least = found[0] + "\0"


def _distinct(db: sqlite3.Connection, path: str) -> Iterator[Row]:
    """The first values of each kind, and the last one."""
    for kind in ValueKind:
        row = db.execute(_FIRST, (path, int(kind))).fetchone()
        for _ in range(1 if kind is ValueKind.MOMENT else MAX_VALUES):
            if row is None:
                break
            yield row
            row = db.execute(_NEXT, (path, int(kind), row[1])).fetchone()
        if row is not None:
            yield row
            yield db.execute(_LAST, (path, int(kind))).fetchone()


def _of_folder(db: sqlite3.Connection, folder: str) -> Iterator[tuple[str, Iterable[Row]]]:
    name = storable(folder)
    size, of = db.execute(_SIZES, (name,)).fetchone()
    rows = db.execute(_IN_ORDER if size > of * _MANY else _BY_SESSION, (name,))
    told = dict.fromkeys(_NESTED, 0)
    for path, of_path in groupby(rows, key=itemgetter(0)):
        prefix = next((p for p in _NESTED if path.startswith(p)), None)
        if prefix is not None:
            told[prefix] += 1
        if path in _PLAIN or (prefix is not None and told[prefix] <= MAX_PROPERTIES):
            yield path, (row[1:] for row in of_path)


def _property(path: str, rows: Iterable[Row]) -> Property | None:
    """Of rows in the order of their kinds and values; None: there are none."""
    values: list[Scalar] = []
    ends: tuple[Scalar, Scalar] = (None, None)
    kinds: list[int] = []
    for kind, value, text in rows:
        first = kinds[-1:] != [kind]
        if first:
            kinds.append(kind)
        if kind in (ValueKind.NUMBER, ValueKind.MOMENT):
            shown = value if text is None else text
            ends = (shown if first else ends[0], shown)
        if kind != ValueKind.MOMENT and len(values) <= MAX_VALUES:
            values.append(bool(value) if kind == ValueKind.BOOLEAN else value)
    if not kinds:
        return None
    known = tuple(values) if len(values) <= MAX_VALUES else ()
    return Property(path, known, *ends, _type(kinds, known))


def _type(kinds: list[int], values: tuple[Scalar, ...]) -> str | None:
    if len(kinds) > 1:
        return None
    if kinds == [ValueKind.NUMBER] and values and all(isinstance(v, int) for v in values):
        return "integer"
    return _TYPES[kinds[0]]


def merge_properties(*surveys: Iterable[Property]) -> list[Property]:
    """What is found in several catalogues."""
    found: dict[str, Property] = {}
    for one in (p for survey in surveys for p in survey):
        known = found.get(one.path)
        found[one.path] = one if known is None else _merged(known, one)
    return sorted(found.values(), key=lambda one: ("." in one.path, one.path))


def _merged(one: Property, other: Property) -> Property:
    values: tuple[Scalar, ...] = ()
    if one.values and other.values:
        both = {known_value(v): v for v in (*one.values, *other.values)}
        values = tuple(both[key] for key in sorted(filter(None, both))) if len(both) <= MAX_VALUES else ()
    minima = [v for v in (one.minimum, other.minimum) if v is not None]
    maxima = [v for v in (one.maximum, other.maximum) if v is not None]
    types = {one.type, other.type}
    kind = "number" if types == {"integer", "number"} else one.type if len(types) == 1 else None
    return Property(one.path, values, min(minima, key=_end, default=None), max(maxima, key=_end, default=None), kind)


def _end(value: Scalar) -> Any:
    return (ValueKind.MOMENT, moment(value)) if isinstance(value, str) else known_value(value)
