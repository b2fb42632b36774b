"""JSON from outside is refused by its size, its items and its depth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire.json_text import CONFIGURATION_LIMITS, SESSION_LIMITS, JsonLimits, check_json_size, json_depth, parse_json

SMALL = JsonLimits(size=1000, items=20, depth=5)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def refusal(text: str, limits: JsonLimits = SMALL) -> str:
    with pytest.raises(MalformedError) as caught:
        parse_json(text, "the text", limits)
    assert caught.value.kind == "oversize"
    return str(caught.value)


def test_a_text_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert parse_json('"' + "x" * 998 + '"', "the text", SMALL) == "x" * 998
    assert refusal('"' + "x" * 999 + '"') == "the text has 1001 characters; at most 1000 are taken"


def test_items_are_counted_before_the_text_is_parsed() -> None:
    assert parse_json("[" + "1," * 18 + "1]", "the text", SMALL) == [1] * 19
    assert refusal("[" + "1," * 20 + "1]") == "the text has about 21 items; at most 20 are taken"
    assert "about 21 items" in refusal("[" * 21)


def test_a_text_of_many_items_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    refusal('{"x":[' + "{}," * 1_000_000 + "{}]}", SESSION_LIMITS)


def test_a_text_that_is_deeper_than_the_limit_is_refused() -> None:
    assert parse_json(nested(5), "the text", SMALL) == [[[[[]]]]]
    assert "nested too deeply: more than 5" in refusal(nested(6))


@pytest.mark.parametrize("depth", [100, 10_000, 400_000])
def test_a_text_of_any_depth_is_refused(depth: int) -> None:
    refusal(nested(depth), SESSION_LIMITS)


def test_brackets_in_texts_are_no_depth() -> None:
    assert parse_json('["[[[[[[", "{{{{"]', "the text", SMALL) == ["[[[[[[", "{{{{"]


@given(documents)
def test_what_is_within_the_limits_is_read_as_it_is(document: Any) -> None:
    limits = JsonLimits(size=10_000, items=10_000, depth=100)
    assert parse_json(json.dumps(document), "the text", limits) == document


@given(documents, st.integers(1, 6))
@settings(deadline=None)
def test_the_depth_is_that_of_the_document(document: Any, limit: int) -> None:
    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    assert json_depth(document, 100) == depth(document)
    text = json.dumps(document)
    limits = JsonLimits(size=10_000, items=10_000, depth=limit)
    if depth(document) <= limit:
        assert parse_json(text, "the text", limits) == document
    else:
        refusal(text, limits)


@pytest.mark.parametrize("text", ["", "{", '{"a":}', "\ud800"])
def test_what_is_no_json_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="the text is not JSON") as caught:
        parse_json(text, "the text", SMALL)
    assert caught.value.kind == "json"


@pytest.mark.parametrize("text", ["NaN", '{"a":-Infinity}'])
def test_what_only_python_writes_is_malformed_where_it_matters(text: str) -> None:
    parse_json(text, "the text", SMALL)
    with pytest.raises(MalformedError, match="is not JSON"):
        parse_json(text, "the text", SMALL, strict=True)


def parameters(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"p{i}:app", "name": f"Parameter {i}", "unit": "km/h", "min": 0.0, "max": 100.0, "channel": i}
        for i in range(count)
    ]


def test_a_session_of_60_000_parameters_is_within_the_limits() -> None:
    session = {"identity": "x", "extDetails": {"parameters": parameters(60_000)}}
    check_json_size(json.dumps(session), "the session", SESSION_LIMITS)


def test_a_configuration_of_60_000_parameters_is_within_the_limits() -> None:
    whole = [
        p | {"desc": "d", "conv": "c", "warnMin": 1.0, "warnMax": 2.0, "format": "%f", "byteOrder": "le", "shift": 0}
        for p in parameters(60_000)
    ]
    channels = [{"id": i, "name": f"c{i}", "source": "row", "type": "f64", "interval": 0} for i in range(60_000)]
    text = json.dumps(
        {"app": {"parameters": whole, "channels": channels, "tree": {"params": [p["id"] for p in whole]}}}
    )
    check_json_size(text, "the configuration", CONFIGURATION_LIMITS)
