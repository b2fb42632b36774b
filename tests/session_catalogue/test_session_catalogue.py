"""The catalogue within the limits of SQLite, and whatever is in it or is asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from rta.errors import MalformedError
from rta.session_catalogue import (
    MAX_VALUES,
    create_catalogue,
    find_sessions,
    put_session,
    read_properties,
    remove_session,
    survey_properties,
)
from rta.session_query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Comparison,
    Criterion,
    Not,
    Operator,
    Property,
    SessionQuery,
    SortKey,
    parse_query,
)
from rta.session_query.parse import MAX_CRITERIA, MAX_DEPTH


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        create_catalogue(db)
        yield db


def put(db: sqlite3.Connection, identity: str, **fields: Any) -> None:
    text = json.dumps({"identity": identity, **fields})
    put_session(db, identity, text, read_properties(identity, text))


def found(db: sqlite3.Connection, criterion: Criterion | str = EVERYTHING, **query: Any) -> list[str]:
    criterion = parse_query(criterion) if isinstance(criterion, str) else criterion
    return [one.identity for one in find_sessions(db, SessionQuery(criterion, **query))]


# ---- what is outside stays outside

ATTACKS = (
    *("'; DROP TABLE sessions; --", '"; DELETE FROM properties; --', "' OR '1'='1", "1) OR (1", "a\0'; --", "/*", "*/"),
    *(":v0", "?1", "@x", "$x", "\\", "%", "_", "(SELECT json FROM sessions)", "\0", "x'00'", "kind0", "NULL", "\ud800"),
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_a_part_of_the_statement(db: sqlite3.Connection, attack: str) -> None:
    for identity in ("plain", attack):
        put(db, identity, identifier=identity, group=identity, details={identity: identity, "x": 1})
    stored = [i for i in found(db) if i != "plain"]
    assert len(stored) == 1
    for operator in Operator:
        value = (attack,) if operator in (Operator.IN, Operator.NIN) else attack
        for path in ("identifier", "identity", f"details.{attack}"):
            names = found(db, Comparison(path, operator, value))
            if operator in (Operator.NEQ, Operator.NIN):
                assert names == ["plain"]
            elif operator not in (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE):
                assert names == stored
        names = found(db, Comparison(attack, operator, value))  # nobody has such a property
        assert len(names) == (2 if operator in (Operator.NEQ, Operator.NIN) else 0)
    assert found(db, folder=attack) == stored
    assert found(db, without=frozenset({attack})) == ["plain"]
    assert found(db, sort=(SortKey(f"details.{attack}"), SortKey(attack, True))) == ["plain", *stored]
    assert len(survey_properties(db, attack)) == 4
    assert remove_session(db, attack)
    assert found(db) == ["plain"]


# ---- limits


def test_a_query_as_deep_as_can_be_read_is_found(db: sqlite3.Connection) -> None:
    put(db, "a", version=1)
    for key in ("$and", "$or"):
        depth = (MAX_DEPTH - 3) // 2
        leaf = '{"version": 1}, {"version": 2}' if key == "$or" else '{"version": 1}, {"version": {"$lt": 2}}'
        assert found(db, f'{{"{key}": [' * depth + leaf + "]}" * depth) == ["a"]


def test_trees_deeper_than_sqlite_can_nest_expressions_are_found(db: sqlite3.Connection) -> None:
    put(db, "a", version=1)
    tree: Criterion = Comparison("version", Operator.EQ, 1)
    for _ in range(100):
        tree = Not(AnyOf((Not(tree), Comparison("version", Operator.EQ, 2))))
    assert found(db, tree) == ["a"]


@pytest.mark.parametrize("group", [AllOf, AnyOf])
def test_groups_may_be_wide(db: sqlite3.Connection, group: type[AllOf | AnyOf]) -> None:
    for version in (5, 2000):
        put(db, str(version), version=version)
    operator = Operator.NEQ if group is AllOf else Operator.EQ
    wide = group(tuple(Comparison("version", operator, i) for i in range(MAX_CRITERIA)))
    assert found(db, wide) == (["2000"] if group is AllOf else ["5"])


def test_lists_of_values_may_be_long(db: sqlite3.Connection) -> None:
    for identity in ("7", "8"):
        put(db, identity, version=int(identity), identifier=identity, quality=0.5)
    numbers = tuple(range(10_000))
    assert found(db, Comparison("version", Operator.IN, numbers)) == ["7", "8"]
    assert found(db, Comparison("version", Operator.NIN, numbers[8:])) == ["7"]
    texts = (*map(str, range(8)), *(f"{i}\0" for i in range(500)), *(f"x{i}" for i in range(100_000)))
    assert found(db, Comparison("identifier", Operator.IN, texts)) == ["7"]
    assert found(db, without=frozenset(texts)) == ["8"]
    text = '{"version": {"$in": [' + ",".join(str(i) for i in range(12_000)) + "]}}"
    assert found(db, text) == ["7", "8"]


def test_a_query_that_is_too_much_work_is_refused_and_the_next_one_is_not(db: sqlite3.Connection) -> None:
    for i in range(300):
        put(db, str(i), identifier="x" * 100)
    costly = AnyOf(tuple(AllOf((Comparison("identifier", Operator.CONTAINS, f"y{i}"),) * 2) for i in range(200)))
    with pytest.raises(MalformedError, match="too much work"):
        find_sessions(db, SessionQuery(costly), max_work=100_000)
    assert len(found(db)) == 300


def test_numbers_and_positions_out_of_bounds_are_no_fault(db: sqlite3.Connection) -> None:
    put(db, "a", version=10**400, quality=-(10**400), details={"x": 2**63, "y": 1e308})
    text = '{"quality": 1e999, "version": -1e999}'
    put_session(db, "b", text, read_properties("b", text))
    assert found(db, Comparison("version", Operator.GT, 10**300)) == ["a"]
    assert found(db, Comparison("quality", Operator.GT, 10**300)) == ["b"]
    assert found(db, Comparison("details.x", Operator.EQ, 2**63)) == ["a"]
    assert found(db, Comparison("quality", Operator.LT, 10**500)) == ["a"]
    assert found(db, offset=10**30) == []
    assert found(db, limit=10**30, sort=(SortKey("version"),)) == ["b", "a"]


# ---- sessions


def test_children_and_alternates_are_listed_only_where_sub_sessions_are_wanted(db: sqlite3.Connection) -> None:
    put(db, "parent", children=["child"], alternates=["other", "not there"])
    put(db, "child", children=["grandchild"])
    for identity in ("other", "grandchild"):
        put(db, identity)
    put(db, "itself", children=["itself"])
    assert found(db) == ["itself", "parent"]
    assert found(db, top_level=False) == ["child", "grandchild", "itself", "other", "parent"]
    remove_session(db, "child")
    assert found(db) == ["grandchild", "itself", "parent"]


def test_the_newest_come_first_whatever_their_offsets_say(db: sqlite3.Connection) -> None:
    put(db, "early", timestamp="2026-01-01T12:00:00+09:00")
    put(db, "late", timestamp="2026-01-01T04:00:00.000000001Z")
    put(db, "later", timestamp="2026-01-01T04:00:00.000000002Z")
    put(db, "odd", timestamp="yesterday")
    put(db, "none")
    assert found(db) == ["later", "late", "early", "odd", "none"]
    assert found(db, '{"timestamp": {"$gte": "2026-01-01T04:00:00Z"}}') == ["later", "late", "odd"]
    assert found(db, '{"timestamp": {"$lt": "2026-01-02"}}') == ["later", "late", "early"]
    assert found(db, '{"timestamp": {"$startsWith": "2026-01-01T12"}}') == ["early"]


def test_states_have_one_name(db: sqlite3.Connection) -> None:
    for identity, state in (("a", "Closed"), ("b", 4), ("c", "closed"), ("d", "open"), ("e", "odd")):
        put(db, identity, state=state)
    assert found(db, '{"state": "closed"}') == ["a", "b", "c"]
    assert found(db, '{"state": "odd"}') == ["e"]


def test_names_of_properties_are_in_any_case_and_those_of_details_are_not(db: sqlite3.Connection) -> None:
    text = '{"Identifier": "x", "DETAILS": {"Lab Tech": "Bob", "a.b": 1}, "extdetails": {"G": {"N.o": 2}}}'
    put_session(db, "a", text, read_properties("a", text))
    for query in ('{"identifier": "x"}', '{"IDENTIFIER": "x"}', '{"details.Lab Tech": "Bob"}', '{"Details.a.b": 1}'):
        assert found(db, query) == ["a"]
    assert found(db, '{"extDetails.G.N.o": 2}') == ["a"]
    assert found(db, '{"details.lab tech": "Bob"}') == []


def test_a_part_is_found_in_any_case_and_ends_are_not(db: sqlite3.Connection) -> None:
    put(db, "a", identifier="Straße 7")
    assert found(db, '{"identifier": {"$contains": "STRASSE"}}') == ["a"]
    assert found(db, '{"identifier": {"$startsWith": "stra"}}') == []
    assert found(db, '{"identifier": {"$endsWith": "ße 7"}}') == ["a"]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"a": NaN}', "[" * 100_000, '{"a":' * 100 + "1" + "}" * 100])
def test_what_is_no_session_json_has_no_properties(text: str) -> None:
    with pytest.raises(MalformedError):
        read_properties("a", text)


def test_hostile_sessions_have_so_many_properties_and_no_more() -> None:
    many = {str(i): i for i in range(20_000)}
    text = json.dumps({**many, "details": many, "extDetails": {"g": many}, "identifier": "x", "children": list(many)})
    properties = read_properties("a", text)
    assert len(properties) <= 11_000
    assert "identifier" in {p.path for p in properties}
    odd = {"x" * 5000: 1, "long": "x" * 5000, "list": [1], "object": {"a": {}}, "null": None}
    assert [p.path for p in read_properties("a", json.dumps({**odd, "details": odd, "extDetails": odd}))] == [
        "identity"
    ]


# ---- what there is


def test_the_survey_has_values_and_limits(db: sqlite3.Connection) -> None:
    for i in range(MAX_VALUES + 1):
        put(
            db,
            f"{i:03}",
            identifier=f"{i:03}",
            group="even" if i % 2 == 0 else "odd",
            timestamp=f"2026-01-01T{i // 60:02}:{i % 60:02}:00+01:00",
            version=i % 3,
            details={"wet": i % 4 == 0, "mixed": i if i % 2 else str(i), "Fuel": i / 2},
        )
    survey = {p.path: p for p in survey_properties(db)}
    assert survey["group"] == Property("group", ("even", "odd"), type="string")
    assert survey["identifier"] == Property("identifier", (), type="string")
    assert survey["version"] == Property("version", (0, 1, 2), 0, 2, "integer")
    assert survey["timestamp"] == Property(
        "timestamp", (), "2026-01-01T00:00:00+01:00", "2026-01-01T03:20:00+01:00", "dateTime"
    )
    assert survey["details.wet"] == Property("details.wet", (False, True), type="boolean")
    assert survey["details.Fuel"] == Property("details.Fuel", (), 0, 100, "number")
    assert survey["details.mixed"] == Property("details.mixed", (), 1, 199)
    of_folder = {p.path: p for p in survey_properties(db, "odd")}
    assert of_folder["group"].values == ("odd",)
    assert of_folder["identifier"].values == tuple(f"{i:03}" for i in range(1, MAX_VALUES + 1, 2))
    assert of_folder["details.wet"].values == (False,)
    assert of_folder["version"] == survey["version"]
    assert survey_properties(db, "nothing") == []


def test_the_survey_of_the_folder_with_everything_is_the_one_of_everything(db: sqlite3.Connection) -> None:
    for i in range(MAX_VALUES * 2):
        details = {f"n{j}": i * j if j % 2 else f"t{i * j}" for j in range(10)}
        put(db, str(i), group="g", details=details, extDetails={"G": details}, children=[f"{i}c"])
    assert sorted(survey_properties(db, "g"), key=lambda p: p.path) == sorted(
        survey_properties(db), key=lambda p: p.path
    )


def test_a_flood_of_details_is_told_in_part(db: sqlite3.Connection) -> None:
    for i in range(20):
        put(db, str(i), group="g", details={f"{i}-{j}": 1 for j in range(900)}, type="Stream")
    for survey in (survey_properties(db), survey_properties(db, "g")):
        assert len(survey) == 1002
        assert {"group", "type"} < {p.path for p in survey}
