"""A value in a JSON text is replaced, and all else stays as it was written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.wire.json_slot import find_json_slot


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"state": "open"}', '{"state": 1}'),
        ('{ "a" : [ 1,\n 2 ] , "State" :"open" , "b":{} }', '{ "a" : [ 1,\n 2 ] , "State" :1 , "b":{} }'),
        ('{"a": {"state": "open"}}', '{"a": {"state": "open"},"state":1}'),
        ("{}", '{"state":1}'),
        ('{"state": "a", "STATE": "b"}', '{"state": "a", "STATE": 1}'),
        ('{"st\\u0061te": "open"}', '{"st\\u0061te": 1}'),
    ],
)
def test_the_last_value_with_the_key_is_replaced_or_one_is_put_at_the_end(text: str, wanted: str) -> None:
    assert find_json_slot(text, "state").fill(text, "1") == wanted


KEYS = st.sampled_from(["state", "STATE", "stat\u00e9"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), KEYS)
def test_whatever_there_is_stays(document: dict[str, object], key: str) -> None:
    text = json.dumps(document)
    found = json.loads(find_json_slot(text, key).fill(text, "[7]"))
    others = {k: v for k, v in found.items() if k.lower() != key.lower()}
    assert others == {k: v for k, v in document.items() if k.lower() != key.lower()}
    assert [7] in found.values()
