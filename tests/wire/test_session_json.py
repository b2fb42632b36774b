"""Session JSON: read leniently, written strictly."""

import json
from contextlib import suppress
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import ConfigBinding, SessionModel, SessionState, TimeRange, glance, read_session, write_session
from rta.wire.session_json import TimeRangeModel

STATES = {"unknown": 0, "waiting": 1, "open": 2, "closed": 4, "truncated": 12, "failed": 28, "abandoned": 44}
CLOSED = {"closed", "truncated", "failed", "abandoned"}

FULL: dict[str, Any] = {
    "identity": "abc123",
    "state": "open",
    "timestamp": "2021-05-04T11:50:55.1234567+01:00",
    "identifier": "Race, lap 1",
    "startTimestamp": "2021-05-04T11:50:55.0000001Z",
    "endTimestamp": "2021-05-04T12:50:55Z",
    "timeRange": {"startTime": 1620129055000000000, "endTime": 1620129064000000001},
    "details": {"driver": "é", "lap": 3, "fuel": 1.5, "wet": False, "at": "2021-05-04T11:50:55Z"},
    "extDetails": {"car": {"chassis": 7}},
    "type": "race",
    "quality": 0.5,
    "group": "grid",
    "version": 2,
    "children": ["c1"],
    "alternates": ["a1", "a2"],
    "configBindings": [{"identifier": "cfg", "channelOffset": 16}],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
known_keys = st.sampled_from([*FULL, "IDENTITY", "State", "TIMERANGE", "extra", "EXTDETAILS"])
session_like = st.dictionaries(known_keys, json_values | st.sampled_from(list(FULL.values())), max_size=6)


def minimal(**more: Any) -> str:
    return json.dumps({"identity": "a", "state": "open", "timestamp": "t", "identifier": "i", **more})


# States


@pytest.mark.parametrize("name", STATES)
def test_a_state_has_the_number_of_the_protocol(name: str) -> None:
    assert SessionState[name.upper()].value == STATES[name]


def test_there_are_no_other_states() -> None:
    assert {s.name.lower() for s in SessionState} == set(STATES)


@pytest.mark.parametrize("name", STATES)
def test_closed_means_four_and_above(name: str) -> None:
    assert SessionState[name.upper()].is_closed == (name in CLOSED)


@pytest.mark.parametrize("form", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
@pytest.mark.parametrize("name", STATES)
def test_a_state_is_read_by_its_name_in_any_case(name: str, form: Any) -> None:
    assert glance(minimal(state=form(name))).state == STATES[name]


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_read_by_its_number(name: str) -> None:
    assert read_session(minimal(state=STATES[name])).state == STATES[name]


@pytest.mark.parametrize(
    "state", ["paused", "", 5, 100, -1, None, [], {}, 2.5, True, "1" * 5000], ids=lambda v: repr(v)[:9]
)
def test_a_state_we_do_not_know_is_not_closed(state: Any) -> None:
    assert not glance(minimal(state=state)).state.is_closed
    assert not read_session(minimal(state=state)).state.is_closed


# Reading


def test_every_property_of_the_protocol_is_read() -> None:
    assert read_session(json.dumps(FULL)) == SessionModel(
        identity="abc123",
        state=SessionState.OPEN,
        timestamp="2021-05-04T11:50:55.1234567+01:00",
        identifier="Race, lap 1",
        start_timestamp="2021-05-04T11:50:55.0000001Z",
        end_timestamp="2021-05-04T12:50:55Z",
        time_range=TimeRangeModel(1620129055000000000, 1620129064000000001),
        details={"driver": "é", "lap": 3, "fuel": 1.5, "wet": False, "at": "2021-05-04T11:50:55Z"},
        ext_details={"car": {"chassis": 7}},
        type="race",
        quality=0.5,
        group="grid",
        version=2,
        children=["c1"],
        alternates=["a1", "a2"],
        config_bindings=[ConfigBinding("cfg", 16)],
    )


@pytest.mark.parametrize("form", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
def test_keys_are_read_in_any_case(form: Any) -> None:
    def cased(value: Any) -> Any:
        return {form(k): cased(v) for k, v in value.items()} if isinstance(value, dict) else value

    text = json.dumps({form(k): cased(v) if k == "timeRange" else v for k, v in FULL.items()})
    assert read_session(text) == read_session(json.dumps(FULL))


@pytest.mark.parametrize("key", [k for k in FULL if k not in ("identity", "state", "timestamp", "identifier")])
def test_null_is_read_as_absent(key: str) -> None:
    assert read_session(minimal(**{key: None})) == read_session(minimal())


@pytest.mark.parametrize(
    ("key", "empty"), [("details", {}), ("extDetails", {}), ("children", []), ("configBindings", [])]
)
def test_empty_is_not_absent(key: str, empty: Any) -> None:
    assert json.loads(write_session(read_session(minimal(**{key: empty}))))[key] == empty


def test_the_span_is_the_time_range() -> None:
    assert read_session(json.dumps(FULL)).span == TimeRange(1620129055000000000, 1620129064000000001)


def test_a_session_without_a_time_range_has_no_span() -> None:
    assert read_session(minimal()).span is None


def test_a_session_without_identity_is_malformed() -> None:
    with pytest.raises(MalformedError, match="identity"):
        read_session('{"state":"open"}')


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", "\ufeff{}", "[" * 100_000])
def test_what_is_no_json_object_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_session(text)
    assert caught.value.kind == ("json" if len(text) < 100 else "oversize")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("identity", 1),
        ("identifier", {}),
        ("timeRange", {"startTime": 1}),
        ("timeRange", {"startTime": "x", "endTime": 2}),
        ("timeRange", 7),
        ("details", "text"),
        ("details", [1]),
        ("extDetails", 3),
        ("children", {"a": 1}),
        ("children", [1]),
        ("quality", "good"),
        ("quality", True),
        ("configBindings", [{"channelOffset": 1}]),
        ("configBindings", [3]),
    ],
)
def test_a_property_of_the_wrong_type_is_malformed_and_named(key: str, wrong: Any) -> None:
    with pytest.raises(MalformedError, match=key):
        read_session(minimal(**{key: wrong}))


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(MalformedError) as caught:
        read_session(minimal(quality="x", group=1))
    assert "quality" in str(caught.value)
    assert "group" in str(caught.value)


@given(session_like.map(json.dumps) | json_values.map(json.dumps) | st.text(max_size=40))
@settings(deadline=None, max_examples=examples(50))
def test_any_text_is_a_session_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        read_session(text)


# Writing


def test_what_was_read_is_written_with_camel_case_keys() -> None:
    assert json.loads(write_session(read_session(json.dumps(FULL)))) == FULL


def test_nulls_are_left_out_and_what_is_required_is_not() -> None:
    assert json.loads(write_session(SessionModel("a"))) == {
        "identity": "a",
        "state": "unknown",
        "timestamp": "",
        "identifier": "",
    }


def test_the_offset_of_a_binding_is_written_even_when_zero() -> None:
    model = SessionModel("a", config_bindings=[ConfigBinding("cfg")])
    assert json.loads(write_session(model))["configBindings"] == [{"identifier": "cfg", "channelOffset": 0}]


@given(st.dictionaries(st.text(min_size=1, max_size=8), json_values.filter(lambda v: v is not None), max_size=4))
@settings(deadline=None, max_examples=examples(50))
def test_unknown_keys_are_kept(more: dict[str, Any]) -> None:
    more = {f"x-{k}": v for k, v in more.items()}
    written = json.loads(write_session(read_session(minimal(**more))))
    assert repr({k: v for k, v in written.items() if k.startswith("x-")}) == repr(more)


def test_unknown_keys_of_what_is_inside_are_kept() -> None:
    binding = {"identifier": "cfg", "channelOffset": 0, "colour": "red"}
    span = {"startTime": 1, "endTime": 2, "origin": "gps"}
    written = json.loads(write_session(read_session(minimal(configBindings=[binding], timeRange=span))))
    assert (written["configBindings"], written["timeRange"]) == ([binding], span)


@pytest.mark.parametrize("state", SessionState)
def test_a_state_is_written_by_its_name(state: SessionState) -> None:
    assert json.loads(write_session(SessionModel("a", state)))["state"] == state.name.lower()


# A glance


def test_a_glance_finds_identity_state_and_span() -> None:
    seen = glance(json.dumps({"Identity": "a", "STATE": "Closed", "TimeRange": {"starttime": 1, "ENDTIME": 2}}))
    assert (seen.identity, seen.state, seen.span) == ("a", SessionState.CLOSED, TimeRange(1, 2))


@pytest.mark.parametrize(
    "span",
    [
        None,
        [],
        {"startTime": 1},
        {"startTime": 2, "endTime": 1},
        {"startTime": "1", "endTime": "2"},
        {"startTime": 0, "endTime": 2**63},
        {"startTime": -(2**63) - 1, "endTime": 0},
    ],
)
def test_a_glance_takes_no_time_range_that_is_none(span: Any) -> None:
    assert glance(minimal(timeRange=span)).span is None


@pytest.mark.parametrize("identity", [None, 7, ["a"]])
def test_a_glance_takes_no_identity_that_is_no_text(identity: Any) -> None:
    assert glance(json.dumps({"identity": identity})).identity is None


@given(session_like.map(json.dumps) | json_values.map(json.dumps) | st.text(max_size=40))
@settings(deadline=None, max_examples=examples(50))
def test_a_glance_never_fails(text: str) -> None:
    glance(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"state":' + "9" * 5000 + "}",
        '{"state":"' + "9" * 5000 + '"}',
        '{"state":"²"}',
    ],
    ids=["deep list", "deep object", "huge number", "huge number as text", "no decimal digit"],
)
def test_a_glance_at_something_hostile_never_fails(text: str) -> None:
    assert glance(text).state is SessionState.UNKNOWN
