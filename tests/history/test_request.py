"""What a fetch asks for."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.history.request import Range, read_range

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, Range()),
        (None, Range()),
        ({"from": None, "to": None}, Range()),
        ({"from": "1970-01-01T00:00:01Z"}, Range(since=SECOND)),
        ({"to": "1970-01-01T01:00:01+01:00"}, Range(until=SECOND)),
        ({"from": "1970-01-01", "to": "1970-01-01T00:00:00.000000001Z"}, Range(0, 1)),
        ({"from": "0001-01-01", "to": "9999-12-31"}, Range(-(1 << 63), (1 << 63) - 1)),
        ({"from": "1970-01-01", "colour": "red"}, Range(0)),
    ],
)
def test_what_is_left_out_is_open(asked, found):
    assert read_range(cbor2.dumps(asked)) == found


def test_nothing_at_all_asks_for_everything():
    assert read_range(b"") == Range()


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\xff", "cbor"),
        (cbor2.dumps({"from": "1970-01-01"}) + b" " * 70_000, "cbor"),
        (cbor2.dumps(["1970-01-01"]), "type"),
        (cbor2.dumps({"from": 0}), "time"),
        (cbor2.dumps({"to": "tomorrow"}), "time"),
        (cbor2.dumps({"to": ["1970-01-01"]}), "time"),
        (cbor2.dumps({"from": "1970-01-02", "to": "1970-01-01"}), "range"),
        (cbor2.dumps({"from": "1970-01-01", "to": "1970-01-01"}), "range"),
    ],
)
def test_what_is_wrong_has_a_kind(payload, kind):
    with pytest.raises(MalformedError) as caught:
        read_range(payload)
    assert caught.value.kind == kind


@given(st.binary(max_size=100))
def test_of_any_bytes_comes_a_range_or_an_error_of_ours(payload):
    try:
        read_range(payload)
    except MalformedError:
        pass
