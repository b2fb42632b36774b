"""Finding sessions in the tables of the catalogue: one statement for each query."""

# ruff: noqa: S608 - what comes from outside is bound
from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rta.errors import MalformedError
from rta.session_catalogue.condition import Condition
from rta.session_catalogue.order import UNSORTABLE, SortValue
from rta.session_catalogue.properties import ValueKind, canonical
from rta.session_query import AllOf, Comparison, Criterion, Operator, SessionQuery

__all__ = ["MAX_WORK", "FoundPlace", "FoundSession", "bounded_work", "find_places", "find_sessions", "sub_sessions"]

MAX_WORK = 100_000_000
"""Steps of SQLite's machine for one query: a few seconds."""

_STEP = 100_000  # between two counts
_FLAT = 100  # criteria that need no set of their own
_LAST = (1 << 63) - 1
_TEXTS = "SELECT id, json FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
_OF_SUB_SESSIONS = "('children', 'alternates')"
_TOP_LEVEL = (
    f"NOT EXISTS (SELECT 1 FROM properties AS p WHERE p.path IN {_OF_SUB_SESSIONS} "
    f"AND p.kind = {ValueKind.TEXT:d} AND p.value = sessions.identity AND p.session <> sessions.id)"
)


class FoundPlace(NamedTuple):
    """A session of a page, and where it is in the list."""

    identity: str
    order: tuple[SortValue, ...]
    """By what it is sorted: one for each key of the query."""
    number: int
    """Of the session in its catalogue."""


class FoundSession(NamedTuple):
    """A session of a page."""

    identity: str
    json: str


def find_sessions(db: sqlite3.Connection, query: SessionQuery, max_work: int = MAX_WORK) -> list[FoundSession]:
    """The sessions that a query asks for, in its order.

    :raises MalformedError: kind `query`; it is too much work.
    """
    places = find_places(db, query, max_work)
    texts = dict(db.execute(_TEXTS, (json.dumps([place.number for place in places]),)).fetchall())
    return [FoundSession(p.identity, texts[p.number]) for p in places if p.number in texts]


def find_places(db: sqlite3.Connection, query: SessionQuery, max_work: int = MAX_WORK) -> list[FoundPlace]:
    """The same without their JSON."""
    statement, values = _statement(query)
    with bounded_work(db, max_work):
        rows = db.execute(statement, values).fetchall()
    return [FoundPlace(row[1], tuple(zip(row[2::2], row[3::2], strict=True)), row[0]) for row in rows]


def sub_sessions(db: sqlite3.Connection) -> frozenset[str]:
    """Identities of all children and alternates of sessions."""
    found = db.execute(f"SELECT value FROM properties WHERE path IN {_OF_SUB_SESSIONS}")
    return frozenset(value for (value,) in found)


def _statement(query: SessionQuery) -> tuple[str, dict[str, Any]]:
    condition = Condition()
    where = [condition.add(c) for c in _criteria(query)]
    if query.without:
        where.append(f"NOT {condition.are_texts('identity', query.without)}")
    if query.top_level:
        where.append(_TOP_LEVEL)
    columns, joins, order = ["id", "identity"], [], []
    for i, key in enumerate(query.sort):
        path = canonical(key.path)
        kind, value = "timestamp_kind", "timestamp"  # there is an index of these
        if path in UNSORTABLE:
            kind, value = "0", "NULL"
        elif path != "timestamp":
            kind, value = f"coalesce(k{i}.kind, 0)", f"k{i}.value"
            joins.append(f"LEFT JOIN properties AS k{i} ON k{i}.session = id AND k{i}.path = {condition.bind(path)}")
        columns += [f"{kind} AS kind{i}", f"{value} AS value{i}"]
        down = " DESC" if key.descending else ""
        order += [f"kind{i}{down}", f"value{i}{down}"]
    limit = condition.bind(-1 if query.limit is None else min(query.limit, _LAST))
    offset = condition.bind(min(query.offset, _LAST))
    statement = (
        f"SELECT {', '.join(columns)} FROM sessions {' '.join(joins)} WHERE {' AND '.join(where) or '1'} "
        f"ORDER BY {', '.join([*order, 'identity'])} LIMIT {limit} OFFSET {offset}"
    )
    return condition.with_sets(statement), condition.values


def _criteria(query: SessionQuery) -> list[Criterion]:
    criterion = query.criterion
    flat = isinstance(criterion, AllOf) and len(criterion.criteria) <= _FLAT
    found: list[Criterion] = [*criterion.criteria] if isinstance(criterion, AllOf) and flat else [criterion]
    if query.folder is not None:
        found.append(Comparison("group", Operator.EQ, query.folder))
    return found


@contextmanager
def bounded_work(db: sqlite3.Connection, most: int) -> Iterator[None]:
    """Statements within it do so much work at most.

    :raises MalformedError: kind `query`; it was more.
    """
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += _STEP
        return steps > most

    db.set_progress_handler(count, _STEP)
    try:
        yield
    except sqlite3.OperationalError:
        if steps <= most:
            raise
        raise MalformedError("query", "the query is too much work; expected fewer or simpler criteria") from None
    finally:
        db.set_progress_handler(None, 0)
