"""A stream's definition as a table, as commands bring it and listings show it."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import ConfigError
from rta.node.stream_settings import StreamTableError, read_stream, write_stream
from rta.stream.definition import Aggregate, AttributeDefinition, Prune, StatusDefinition, StreamDefinition, Trigger
from rta.wire.values import Ns

NAMES = ["rpm", "gear", "boost"]
STATUS = StatusDefinition("car.engine", "", {name: AttributeDefinition(name) for name in NAMES})
MS = 1_000_000
MINUTE = 60_000 * MS
DAY = 86_400_000
YEAR = 366 * DAY
WINDOWS = [ms for ms in (10, 250, 1000, 60_000, 900_000, DAY // 7, DAY // 2, DAY) if DAY % ms == 0]


def spans(least: int = 1, most: int = YEAR) -> st.SearchStrategy[Ns]:
    return st.integers(least, most).map(lambda ms: Ns(ms * MS))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
stream_names = st.just("") | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,9}", fullmatch=True).filter("default".__ne__)
prunes = st.builds(
    Prune,
    timeout=st.none() | spans(),
    consumers=st.lists(st.sampled_from(["tmc", "dk/cph/a", "ä"]), unique=True).map(tuple),
    grace=spans(0),
)
kinds = st.lists(st.sampled_from(Aggregate), min_size=1, unique=True).map(tuple)


@st.composite
def definitions(draw) -> StreamDefinition:
    """Any stream of the status that can be configured."""
    always: dict[str, Any] = {
        "name": draw(stream_names),
        "description": draw(texts),
        "batch": draw(st.none() | spans()),
        "default_on": draw(st.booleans()),
        "qos": draw(st.sampled_from([0, 1])),
        "prune": draw(prunes),
    }
    attributes = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(Trigger))
    if draw(st.booleans()):
        aggregates = draw(st.dictionaries(st.sampled_from(NAMES), kinds, min_size=1))
        update = draw(st.sampled_from(WINDOWS))
        sums = any(Aggregate.SUM in found for found in aggregates.values())
        return StreamDefinition(
            "car.engine",
            attributes=draw(attributes),
            aggregates=aggregates,
            update=Ns(update * MS),
            on_change=False,
            lateness=draw(spans(0, max(update, 60_000))),
            empty_sum=draw(st.sampled_from([None, 0])) if sums else None,
            **always,
        )
    update_ns = draw(st.none() | spans(10))
    below = spans(1, YEAR if update_ns is None else update_ns // MS - 1)
    on_change = draw(st.booleans())
    return StreamDefinition(
        "car.engine",
        attributes=draw(attributes.filter(bool)),
        update=update_ns,
        first_known=draw(st.booleans()),
        first_within=draw(spans()),
        on_change=on_change,
        delta=None if on_change else draw(st.none() | below),
        min_interval=draw(st.just(Ns(0)) | below) if on_change else Ns(0),
        lateness=draw(spans(0)),
        **always,
    )


@given(definitions())
def test_what_is_written_is_read_as_what_it_was(definition):
    assert read_stream(write_stream(definition), STATUS) == definition


@given(definitions())
def test_what_is_written_passes_through_json_and_cbor(definition):
    table = write_stream(definition)
    assert json.loads(json.dumps(table)) == table
    assert cbor2.loads(cbor2.dumps(table)) == table


def test_every_setting_is_written_as_people_write_it():
    definition = read_stream({"name": "live", "delta": 0.5, "prune": {"timeout": 600}}, STATUS)
    assert write_stream(definition) == {
        "name": "live",
        "description": "",
        "attributes": {"rpm": "change", "gear": "change", "boost": "change"},
        "aggregate": {},
        "update": "1min",
        "first": "now",
        "first_within": "30s",
        "delta": "500ms",
        "min_interval": "off",
        "batch": "off",
        "lateness": "1s",
        "empty": "null",
        "default": "on",
        "qos": 0,
        "prune": {"timeout": "10min", "consumers": [], "grace": "1min"},
        "history": None,
        "replay": None,
    }


def test_a_stream_that_aggregates_is_written_without_deltas():
    definition = read_stream({"aggregate": {"rpm": ["avg"]}}, STATUS)
    table = write_stream(definition)
    assert (table["attributes"], table["aggregate"], table["delta"]) == ({}, {"rpm": ["avg"]}, "off")


def test_durations_are_texts_or_seconds():
    definition = read_stream({"update": 30, "min_interval": 0.25, "batch": "1.5 s"}, STATUS)
    assert (definition.update, definition.min_interval, definition.batch) == (MINUTE // 2, 250 * MS, 1500 * MS)


def test_null_is_the_default():
    table = {"update": None, "attributes": None, "prune": {"timeout": None, "grace": "5s"}, "batch": None}
    assert read_stream(table, STATUS) == read_stream({"prune": {"grace": 5}}, STATUS)


def test_the_table_is_not_changed():
    table = {"update": None, "prune": {"timeout": None}}
    read_stream(table, STATUS)
    assert table == {"update": None, "prune": {"timeout": None}}


@pytest.mark.parametrize(
    ("table", "field", "problem"),
    [
        ({"delta": "x"}, "delta", 'delta: expected "on_change" or a duration or "off", got "x"'),
        ({"detla": 1}, "detla", 'detla: there is no such option; did you mean "delta"?'),
        ({"code": "x.y"}, "code", "code: there is no such option; there are: name, "),
        ({"prune": {"timeout": "0s"}}, "prune.timeout", "prune.timeout: expected at least 1 ms, got 0 s"),
        ({"prune": {"timout": 1}}, "prune.timout", 'prune.timout: there is no such option; did you mean "timeout"?'),
        ({"prune": 5}, "prune", "prune: expected a table, got 5"),
        ({"prune": {"consumers": [1]}}, "prune.consumers[0]", "prune.consumers[0]: expected text, got 1"),
        ({"attributes": {"rmp": "change"}}, "attributes.rmp", "attributes.rmp: car.engine has no such attribute; "),
        ({"aggregate": {"rpm": ["mean"]}}, "aggregate.rpm[0]", 'aggregate.rpm[0]: expected "count", "sum", '),
        ({"aggregate": {"rpm": ["avg"]}, "update": "7s"}, "update", "update: expected an interval that divides a day"),
        ({"qos": 1.0}, "qos", "qos: expected 0 or 1, got 1.0"),
        ({"update": True}, "update", 'update: expected a duration or "off", got true'),
        ({"update": b"x"}, "update", "update: expected a duration or \"off\", got b'x'"),
        ({"update": float("nan")}, "update", 'update: expected a duration or "off", got nan'),
        ({"lateness": 10**5000}, "lateness", "lateness: expected a duration like "),
        ({"description": "\ud800"}, "description", 'description: expected text, got "\\ud800"'),
        ({"description": 5}, "description", "description: expected text, got 5"),
        ({5: 1}, "", "expected text as a key, got 5"),
        ({"attributes": {b"rpm": "change"}}, "attributes", "attributes: expected text as a key, got b'rpm'"),
        ({"name": "a/b"}, "name", "name: expected letters, digits, "),
        ({"name": "a" * 101}, "name", "name: expected letters, digits, "),
    ],
)
def test_a_refusal_names_the_field(table, field, problem):
    with pytest.raises(StreamTableError) as caught:
        read_stream(table, STATUS)
    assert caught.value.field == field
    assert caught.value.problems[0].startswith(problem)
    assert str(caught.value).encode()


def test_all_problems_are_said_and_the_first_field_is_named():
    with pytest.raises(ConfigError) as caught:
        read_stream({"qos": 3, "update": "x", "name": "+"}, STATUS)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["name", "update", "qos"]
    assert caught.value.field == "name"


def test_a_table_that_is_nested_without_end_is_refused():
    nested: dict[str, Any] = {}
    for _ in range(10_000):
        nested = {"prune": nested}
    with pytest.raises(StreamTableError) as caught:
        read_stream(nested, STATUS)
    assert caught.value.field == "prune"


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(plain, v, max_size=3), max_leaves=6)
options = [*write_stream(StreamDefinition("a.b")), "timeout", "rpm"]


@given(st.dictionaries(st.sampled_from(options) | plain, values, max_size=4))
def test_any_table_is_a_stream_or_problems(table):
    problems = None
    try:
        assert read_stream(table, STATUS).code == "car.engine"
    except StreamTableError as e:
        problems = e.problems
    assert problems is None or problems
