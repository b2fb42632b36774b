"""SQL gives what a naive evaluator gives, of any sessions and queries."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rta.session_catalogue import (
    create_catalogue,
    find_sessions,
    listing_order,
    put_session,
    read_properties,
    remove_session,
    sort_values,
)
from rta.session_query import AllOf, AnyOf, Comparison, Criterion, Not, Operator, SessionQuery, SortKey
from tests.session_catalogue.naive_catalogue import naive_find

IDENTITIES = ("a", "b", "c", "d", "é", "a\0", "x'; DROP TABLE sessions; --", "2021-05-06T10:00:00Z")
TEXTS = (
    *(
        "",
        "a",
        "A",
        "ab",
        "aB",
        "ba",
        "ß",
        "SS",
        "é",
        "\0",
        "a\0b",
        "\0b",
        "%",
        "_",
        "'",
        '"',
        "' OR 1=1 --",
        ":v0",
        "?",
    ),
    *("2021-05-06", "2021-05-06T10:00:00Z", "2021-05-06T12:00:00+02:00", "2021-05-06T10:00:00.5Z", "\U0001f600", "17"),
)
NUMBERS = (0, -0.0, 1, 1.0, 1.5, 17, -3, 2**53 + 1, float(2**53), 2**63 - 1, 2**63, -(2**70), 1e300)
scalars = st.sampled_from((None, True, False, *NUMBERS, *TEXTS))
NAMES = ("x", "Lab Tech", "a.b", "a", "'", "")
ext_details = st.dictionaries(st.sampled_from(("g", "g.a", "a")), st.dictionaries(st.sampled_from(NAMES), scalars))
fields = {
    "timestamp": scalars,
    "startTimestamp": scalars,
    "identifier": scalars,
    "group": st.sampled_from(("g", "h")),
    "version": scalars,
    "children": st.lists(st.sampled_from(IDENTITIES), max_size=2),
    "alternates": st.lists(st.sampled_from(IDENTITIES), max_size=1),
    "details": st.dictionaries(st.sampled_from(NAMES), scalars),
    "extDetails": ext_details,
}
documents = st.fixed_dictionaries({}, optional=fields)
sessions = st.dictionaries(st.sampled_from(IDENTITIES), documents, max_size=6)
PATHS = (
    *("identity", "timestamp", "startTimestamp", "identifier", "group", "version", "children", "alternates", "nothing"),
    *("details.x", "details.Lab Tech", "details.a.b", "details.a", "details.", "details.'", "details", "extDetails.g"),
    *("extDetails.g.x", "extDetails.g.a.b", "extDetails.g.a", "extDetails.g.a.x", "extDetails.a.a.b", "'; --"),
)
paths = st.sampled_from(PATHS)
LISTS = (Operator.IN, Operator.NIN)
PARTS = (Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS)
OTHERS = tuple(o for o in Operator if o not in (*LISTS, *PARTS))
comparisons = st.one_of(
    st.builds(Comparison, paths, st.sampled_from(LISTS), st.lists(scalars, max_size=4).map(tuple)),
    st.builds(Comparison, paths, st.sampled_from(PARTS), st.sampled_from(TEXTS)),
    st.builds(Comparison, paths, st.sampled_from(OTHERS), scalars),
)


def groups(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, several), st.builds(AnyOf, several), st.builds(Not, inner))


queries = st.builds(
    SessionQuery,
    criterion=st.recursive(comparisons, groups, max_leaves=8),
    sort=st.lists(st.builds(SortKey, paths, st.booleans()), max_size=3, unique_by=lambda k: k.path).map(tuple),
    offset=st.integers(0, 4),
    limit=st.none() | st.integers(0, 5),
    folder=st.none() | st.sampled_from(("g", "'")),
    top_level=st.booleans(),
    without=st.frozensets(st.sampled_from(IDENTITIES), max_size=3),
)


def put(db: sqlite3.Connection, identity: str, document: dict[str, Any]) -> None:
    text = json.dumps(document)
    put_session(db, identity, text, read_properties(identity, text))


@given(sessions, queries)
@settings(max_examples=400, deadline=None)
def test_a_query_gives_what_a_naive_evaluator_gives(known: dict[str, dict[str, Any]], query: SessionQuery) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        create_catalogue(db)
        for identity, document in known.items():
            put(db, identity, document)
        found = find_sessions(db, query)
        assert [one.identity for one in found] == naive_find(known, query)
        # whoever merges lists has the same order
        order = listing_order(query.sort)
        keys = {i: sort_values(read_properties(i, json.dumps(d)), query.sort) for i, d in known.items()}
        assert [one.order for one in found] == [keys[one.identity] for one in found]
        assert sorted(found, key=lambda one: order((one.order, one.identity))) == found


@given(sessions, sessions, st.sets(st.sampled_from(IDENTITIES)), queries)
@settings(max_examples=150, deadline=None)
def test_what_was_put_again_or_removed_leaves_nothing_behind(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], removed: set[str], query: SessionQuery
) -> None:
    with closing(sqlite3.connect(":memory:")) as db, closing(sqlite3.connect(":memory:")) as anew:
        create_catalogue(db)
        create_catalogue(anew)
        for identity, document in [*before.items(), *after.items()]:
            put(db, identity, document)
        for identity in removed:
            assert remove_session(db, identity) is (identity in before or identity in after)
        left = {i: d for i, d in {**before, **after}.items() if i not in removed}
        for identity, document in left.items():
            put(anew, identity, document)
        columns = "path, kind, value, identity, text, folded"
        rows = f"SELECT {columns} FROM properties JOIN sessions ON id = session ORDER BY path, kind, value, identity"
        assert db.execute(rows).fetchall() == anew.execute(rows).fetchall()
        assert db.execute("SELECT count(*) FROM properties").fetchone() == (len(db.execute(rows).fetchall()),)
        assert [one.identity for one in find_sessions(db, query)] == naive_find(left, query)
