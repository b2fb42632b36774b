"""SQL gives what a naive evaluator gives, of any sessions and queries."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from attrs import evolve
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.session_catalogue import (
    create_catalogue,
    find_places,
    find_sessions,
    listing_order,
    merge_properties,
    put_session,
    read_properties,
    remove_session,
    sort_values,
    survey_properties,
)
from rta.session_query import Property, Scalar, SessionQuery, read_instant
from session_catalogue.any_sessions import IDENTITIES, queries, sessions
from session_catalogue.naive_catalogue import naive_find, naive_properties


def by_path(properties: list[Property]) -> dict[str, Property]:
    """With moments as numbers: of several texts for one moment, any may be told."""
    return {p.path: evolve(p, minimum=as_number(p.minimum), maximum=as_number(p.maximum)) for p in properties}


def as_number(end: Scalar) -> Scalar:
    return read_instant(end, bare_date=True) if isinstance(end, str) else end


def put(db: sqlite3.Connection, identity: str, document: dict[str, Any]) -> None:
    text = json.dumps(document)
    put_session(db, identity, text, read_properties(identity, text))


@given(sessions, queries)
@settings(max_examples=examples(200), deadline=None)
def test_a_query_gives_what_a_naive_evaluator_gives(known: dict[str, dict[str, Any]], query: SessionQuery) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        create_catalogue(db)
        for identity, document in known.items():
            put(db, identity, document)
        found = find_places(db, query)
        assert [one.identity for one in find_sessions(db, query)] == [one.identity for one in found]
        assert [one.identity for one in found] == naive_find(known, query)
        # whoever merges lists has the same order
        order = listing_order(query.sort)
        keys = {i: sort_values(read_properties(i, json.dumps(d)), query.sort) for i, d in known.items()}
        assert [one.order for one in found] == [keys[one.identity] for one in found]
        assert sorted(found, key=lambda one: order((one.order, one.identity))) == found


@given(sessions, sessions, st.sets(st.sampled_from(IDENTITIES)), queries)
@settings(max_examples=examples(80), deadline=None)
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


@given(sessions, sessions, st.none() | st.sampled_from(("g", "'")))
@settings(max_examples=examples(80), deadline=None)
def test_the_survey_tells_what_there_is(
    known: dict[str, dict[str, Any]], others: dict[str, dict[str, Any]], folder: str | None
) -> None:
    surveys = []
    for some in (known, others, {**known, **others}):
        with closing(sqlite3.connect(":memory:")) as db:
            create_catalogue(db)
            for identity, document in some.items():
                put(db, identity, document)
            surveys.append(by_path(survey_properties(db, folder)))
        assert surveys[-1] == by_path(naive_properties(some, folder))
    only = {i: d for i, d in known.items() if i not in others}
    with closing(sqlite3.connect(":memory:")) as db:
        create_catalogue(db)
        for identity, document in only.items():
            put(db, identity, document)
        merged = by_path(merge_properties(survey_properties(db, folder), naive_properties(others, folder)))
    for path, one in surveys[2].items():
        if one.type is not None and one.type != "number":  # of one kind: nothing is lost
            assert merged[path] == one
