"""Configuration documents: read, kept whole, written without what can be left out."""

import json
from contextlib import suppress
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import Parameter, SampleType, read_configuration
from rta.wire.configuration import (
    Channel,
    Conversion,
    ConversionTable,
    EventDefinition,
    Group,
    Rational,
    TextConversion,
    Tree,
)

DOCUMENT: dict[str, Any] = {
    "engine": {
        "desc": "Engine",
        "tree": {
            "groups": [{"id": "g", "desc": "G", "groups": [{"id": "h"}], "params": ["rpm:engine"]}],
            "params": ["t:engine"],
        },
        "parameters": [
            {
                "id": "rpm:engine",
                "name": "rpm",
                "desc": "Speed",
                "conv": "lin:engine",
                "channels": [1, 2],
                "min": -1.5,
                "max": 20000.0,
                "warnMin": 0.0,
                "warnMax": 18000.0,
                "format": "%5.2f",
                "unit": "1/min",
                "byteOrder": "be",
                "shift": 4,
                "mask": "f",
                "offset": 2.5,
                "type": "virt",
            }
        ],
        "channels": [
            {"id": 1, "name": "c", "source": "periodic", "type": "u16", "interval": 10_000_000},
            {"id": 2},
        ],
        "conversions": [
            {
                "name": "lin:engine",
                "unit": "V",
                "format": "%d",
                "rational": {"coeffs": [0.0, 2.0, 1.0, 0.0, 0.0, 1.0]},
            },
            {
                "name": "tab:engine",
                "table": {"raw": [0.0, 1.0], "calibrated": [5.0, 6.0], "interpolated": True},
            },
            {"name": "txt:engine", "text": {"keys": [0.0], "values": ["off"], "default": "on"}},
            {"name": "for:engine", "formula": {"expression": "a+b"}},
        ],
        "events": [{"id": 7, "code": "E7", "desc": "Pit", "pri": "high", "convs": ["lin:engine"]}],
        "errors": [{"id": 1, "anything": ["goes"]}],
        "identity": {"by": "us"},
        "rda": {"x": 1},
    },
    "empty": {},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(p for k, v in parts for p in paths(v, (*here, k)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The document with something else in one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


documents = st.builds(replaced, st.just(DOCUMENT), st.sampled_from(paths(DOCUMENT)), json_values).map(json.dumps)


def application(**parts: Any) -> str:
    return json.dumps({"app": parts})


def read_one(**parts: Any) -> Any:
    return read_configuration(application(**parts)).applications["app"]


# Reading


def test_the_parts_of_a_document_are_read() -> None:
    engine = read_configuration(json.dumps(DOCUMENT)).applications["engine"]
    assert engine.tree == Tree([Group("g", "G", [Group("h")], ["rpm:engine"])], ["t:engine"])
    assert engine.channels == [Channel(1, "c", "periodic", "u16", 10_000_000), Channel(2)]
    assert engine.events == [EventDefinition(7, "E7", "Pit", "high", ["lin:engine"])]
    assert engine.conversions == [
        Conversion("lin:engine", "V", "%d", rational=Rational([0, 2, 1, 0, 0, 1])),
        Conversion("tab:engine", table=ConversionTable([0, 1], [5, 6], True)),
        Conversion("txt:engine", text=TextConversion([0], ["off"], "on")),
        Conversion("for:engine", formula={"expression": "a+b"}),
    ]


def test_a_parameter_is_read() -> None:
    (parameter,) = read_configuration(json.dumps(DOCUMENT)).applications["engine"].parameters
    assert parameter == Parameter(
        id="rpm:engine",
        name="rpm",
        desc="Speed",
        conv="lin:engine",
        channels=[1, 2],
        min=-1.5,
        max=20000,
        warn_min=0,
        warn_max=18000,
        format="%5.2f",
        unit="1/min",
        byte_order="be",
        shift=4,
        mask="f",
        offset=2.5,
        type="virt",
    )


def test_what_a_channel_leaves_out_has_the_defaults_of_the_protocol() -> None:
    (channel,) = read_one(channels=[{"id": 0}]).channels
    assert (channel.id, channel.source, channel.type, channel.interval) == (0, "row", "f64", 0)


def test_what_a_parameter_leaves_out_has_the_defaults_of_the_protocol() -> None:
    (p,) = read_one(parameters=[{"id": "p:app", "name": "p", "desc": "", "conv": ""}]).parameters
    assert (p.channels, p.min, p.max, p.byte_order, p.shift, p.mask, p.offset, p.type) == (
        [],
        0,
        0,
        "le",
        0,
        "ffffffff",
        0,
        "std",
    )


def test_a_format_and_unit_left_out_differ_from_empty_ones() -> None:
    absent, empty = read_one(parameters=[{"id": "a:app"}, {"id": "b:app", "format": "", "unit": ""}]).parameters
    assert (absent.format, absent.unit, empty.format, empty.unit) == (None, None, "", "")


def test_a_table_is_not_interpolated_unless_it_says_so() -> None:
    (conversion,) = read_one(conversions=[{"name": "t:app", "table": {"raw": [1], "calibrated": [2]}}]).conversions
    assert conversion.table.interpolated is False


@pytest.mark.parametrize("kind", SampleType)
def test_the_type_of_a_channel_is_one_of_the_eight(kind: SampleType) -> None:
    assert read_one(channels=[{"id": 1, "type": str(kind)}]).channels[0].sample_type is kind


def test_a_channel_of_a_type_we_do_not_know_has_no_sample_type() -> None:
    assert read_one(channels=[{"id": 1, "type": "u128"}]).channels[0].sample_type is None


def test_nulls_are_read_as_left_out() -> None:
    with_nulls = {
        "desc": None,
        "tree": None,
        "channels": [{"id": 1, "type": None, "interval": None}],
        "events": None,
    }
    assert read_one(**with_nulls) == read_one(channels=[{"id": 1}])


def test_an_application_that_is_null_is_empty() -> None:
    assert read_configuration('{"app":null}') == read_configuration('{"app":{}}')


def test_keys_are_read_in_any_case() -> None:
    (parameter,) = read_one(Parameters=[{"ID": "p:app", "WARNMIN": 3, "byteorder": "be"}]).parameters
    assert (parameter.id, parameter.warn_min, parameter.byte_order) == ("p:app", 3, "be")


def test_every_parameter_comes_with_its_application() -> None:
    configuration = read_configuration(
        json.dumps({"a": {"parameters": [{"id": "p:a"}]}, "b": {"parameters": [{"id": "q:b"}]}})
    )
    found = [(a is configuration.applications[p.id[-1]], p.id) for a, p in configuration.parameters()]
    assert found == [(True, "p:a"), (True, "q:b")]


# Writing


def test_a_document_comes_back_as_it_was_read() -> None:
    assert json.loads(read_configuration(json.dumps(DOCUMENT)).write()) == DOCUMENT


def test_what_was_written_is_read_as_the_same() -> None:
    configuration = read_configuration(json.dumps(DOCUMENT))
    assert read_configuration(configuration.write()) == configuration


def test_unknown_keys_are_kept_at_every_level() -> None:
    new: Any = {"new": [1, {"deep": None}]}
    document = {
        "app": {
            **new,
            "tree": {"groups": [{"id": "g", **new}], **new},
            "parameters": [{"id": "p:app", "name": "p", "desc": "", "conv": "", **new}],
            "channels": [{"id": 1, **new}],
            "conversions": [
                {"name": "a:app", "rational": {"coeffs": [1.0], **new}, **new},
                {"name": "b:app", "table": {"raw": [], "calibrated": [], **new}},
                {"name": "c:app", "text": {"keys": [], "values": [], **new}},
            ],
            "events": [{"id": 1, **new}],
        }
    }
    assert json.loads(read_configuration(json.dumps(document)).write()) == document


def test_what_a_parameter_must_have_is_written_even_when_empty() -> None:
    document = {"app": {"parameters": [{"id": "p:app", "name": "", "desc": "", "conv": ""}]}}
    assert json.loads(read_configuration(json.dumps(document)).write()) == document


def test_defaults_and_empty_collections_are_left_out() -> None:
    parameter = {"id": "p:app", "name": "p", "desc": "d", "conv": "c"}
    defaults = {"channels": [], "min": 0, "shift": 0, "mask": "ffffffff", "byteOrder": "le", "type": "std"}
    text = application(desc="", channels=[], parameters=[parameter | defaults])
    assert json.loads(read_configuration(text).write()) == {"app": {"parameters": [parameter]}}


def test_the_same_content_has_the_same_identifier() -> None:
    assert (
        read_configuration(json.dumps(DOCUMENT)).identifier()
        == read_configuration(json.dumps(DOCUMENT, indent=2)).identifier()
    )


@pytest.mark.parametrize("part", [{"desc": "x"}, {"channels": [{"id": 1}]}, {"unknown": 1}])
def test_new_content_has_a_new_identifier(part: dict[str, Any]) -> None:
    assert read_configuration(application(**part)).identifier() != read_configuration(application()).identifier()


# Damage


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "[" * 100_000], ids=lambda v: repr(v)[:9])
def test_what_is_no_json_object_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_configuration(text)
    assert caught.value.kind == ("json" if len(text) < 100 else "oversize")


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"channels": [{"name": "c"}]}, "channels"),
        ({"channels": [{"id": "x"}]}, "channels"),
        ({"channels": {"id": 1}}, "channels"),
        ({"parameters": [{"name": "p"}]}, "parameters"),
        ({"parameters": [{"id": "p:app", "shift": "4"}]}, "shift"),
        ({"parameters": [{"id": "p:app", "channels": ["1"]}]}, "channels"),
        ({"conversions": [{"name": "c:app", "rational": [1, 2]}]}, "rational"),
        ({"conversions": [{"name": "c:app", "table": {"raw": [1]}}]}, "calibrated"),
        ({"conversions": [{"name": "c:app", "formula": "a+b"}]}, "formula"),
        ({"tree": {"groups": [{"desc": "g"}]}}, "groups"),
        ({"tree": []}, "tree"),
        ({"identity": "us"}, "identity"),
        ({"rda": 3}, "rda"),
    ],
)
def test_a_fault_is_malformed_and_told_with_its_place(parts: dict[str, Any], place: str) -> None:
    with pytest.raises(MalformedError, match=rf"app\b.*{place}|{place}.*app\b"):
        read_configuration(application(**parts))


def test_the_faults_of_all_applications_are_told_at_once() -> None:
    with pytest.raises(MalformedError, match=r"configuration\.a.*configuration\.b"):
        read_configuration('{"a":{"desc":1},"b":{"desc":2}}')


@pytest.mark.parametrize("depth", [20, 400])
def test_a_tree_of_any_depth_is_read_or_malformed(depth: int) -> None:
    text = '{"a":{"tree":{"groups":' + '[{"id":"g","groups":' * depth + "[]" + "}]" * depth + "}}}"
    try:
        read_configuration(text)
    except MalformedError:
        assert depth > 100


@given(documents)
@settings(deadline=None, max_examples=examples(150))
def test_a_document_with_something_else_in_it_is_read_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        read_configuration(text)


@given(st.binary(max_size=60) | st.text(max_size=60) | json_values.map(json.dumps))
@settings(deadline=None, max_examples=examples(50))
def test_any_bytes_are_a_configuration_or_malformed(text: str | bytes) -> None:
    with suppress(MalformedError):
        read_configuration(text)


@given(documents)
@settings(deadline=None, max_examples=examples(50))
def test_whatever_was_read_can_be_written_and_named(text: str) -> None:
    with suppress(MalformedError):
        assert len(read_configuration(text).identifier()) == 32


def test_half_a_surrogate_pair_can_be_written_and_named() -> None:
    assert len(read_configuration('{"app":{"desc":"\\ud800"}}').identifier()) == 32
