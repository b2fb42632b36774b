"""What payloads of other topics say."""

from __future__ import annotations

import math

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.sampling.topic_values import read_payload, value_at


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"", None),
        (b"12", 12),
        (b" 12.5\n", 12.5),
        (b"-1e3", -1000.0),
        (b"+007", 7),
        (b"true", True),
        (b"null", None),
        (b'"on"', "on"),
        (b"enable", "enable"),
        ("Zürich".encode(), "Zürich"),
        (b"1,5", "1,5"),
        (b"NaN", None),
        (cbor2.dumps(10), 10),
        (cbor2.dumps(1000), 1000),
        (cbor2.dumps(0.1), 0.1),
        (cbor2.dumps(math.inf), None),
        (cbor2.dumps(False), False),
        (cbor2.dumps(None), None),
    ],
)
def test_a_payload_is_a_value(payload: bytes, value: object) -> None:
    assert value_at(read_payload(payload), ()) == value


@pytest.mark.parametrize("write", [cbor2.dumps, lambda document: str(document).replace("'", '"').encode()])
def test_a_path_leads_into_maps(write) -> None:
    document = read_payload(write({"a": {"b": 5}, "c": "x"}))
    assert value_at(document, ("a", "b")) == 5
    assert value_at(document, ("c",)) == "x"


def test_nothing_on_the_way_is_null() -> None:
    assert value_at(read_payload(b'{"a": null}'), ("a", "b")) is None


@pytest.mark.parametrize(
    ("payload", "path"),
    [(b'{"a": 1}', ("b",)), (b"5", ("a",)), (b'{"a": 1}', ()), (b"[1]", ()), (b'{"a": {}}', ("a",))],
)
def test_where_no_single_value_is_the_payload_is_malformed(payload: bytes, path: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError, match=r"the payload has no|expected a single value"):
        value_at(read_payload(payload), path)


@pytest.mark.parametrize("payload", [b"\xff", b"\xa1a", cbor2.dumps({"a": 1}) + b"\0", b"\x81" * 1000, b"\0" * 70_000])
def test_what_is_neither_text_nor_cbor_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        read_payload(payload)


def test_a_number_that_no_message_could_hold_is_a_float_or_null() -> None:
    assert value_at(10**30, ()) == 1e30
    assert value_at(10**400, ()) is None


@given(st.binary(max_size=40))
def test_no_payload_breaks_it(payload: bytes) -> None:
    try:
        value = value_at(read_payload(payload), ())
    except MalformedError:
        return
    assert value is None or isinstance(value, bool | int | str) or math.isfinite(value)
