"""Bodies of requests, read as strict JSON."""

from __future__ import annotations

import json

import pytest

from rta.errors import MalformedError
from rta.rest.body import read_object


def test_a_key_that_stands_twice_among_many_is_named():
    keys = [f"k{n}" for n in range(10_000)]
    text = "{" + ",".join(f"{json.dumps(key)}:0" for key in [*keys, keys[-1]]) + "}"
    with pytest.raises(MalformedError, match="'k9999' is there twice"):
        read_object(text.encode())


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '[{"a":1,"a":2}]'])
def test_a_key_may_stand_once(text: str):
    with pytest.raises(MalformedError, match="'a' is there twice"):
        read_object(text.encode())
