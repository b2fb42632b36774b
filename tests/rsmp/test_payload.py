"""Payloads: what is written, and what is read of what others write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.rsmp.message import Component, StatusMessage, StreamEvent
from rta.rsmp.payload import MAX_PAYLOAD, encode, is_clear, iso, parse_iso, read, read_map, write_status
from rta.wire.values import Ns

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_a_status_message_byte_for_byte():
    event = StreamEvent(Ns(1_795_229_924_076_915_643), {"rpm": 770, "sg": {Component("sg/1"): 1.5}}, 7, complete=True)
    written = write_status(StatusMessage((event,), retain=True))
    assert written == (
        b"\xa1\x67entries\x81\xa3"
        b"\x62ts\x78\x182026-11-21T02:58:44.076Z"
        b"\x66values\xa2\x63rpm\x19\x03\x02\x62sg\xa1\x64sg/1\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00"
        b"\x63seq\x07"
    )


@pytest.mark.parametrize("count", [1, 2, 23, 24, 255, 256, 300])
def test_a_batch_is_written_as_any_other_map(count):
    start = 1_795_229_924_076_915_643
    events = tuple(
        StreamEvent(Ns(start + i * 400_000), {"rpm": i / 3, "on": i % 2 == 0, "gear": None}, 65_500 + i, complete=True)
        for i in range(count)
    )
    entries = [{"ts": iso(e.ts), "values": e.values, "seq": e.seq} for e in events]
    assert write_status(StatusMessage(events, retain=True)) == encode({"entries": entries})


@given(json_values)
def test_what_is_written_is_read_again(value):
    assert read(encode(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_null(value):
    assert encode({"a": [value]}) == encode({"a": [None]})
    assert read(cbor2.dumps(value)) is None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"\xf7", None),  # undefined
        (b"\xf9\x3c\x00", 1.0),  # half precision
        (b"\xbf\x61a\x01\xff", {"a": 1}),  # indefinite length
        (b"\xa1\x01\x02", {"1": 2}),
        (cbor2.dumps(2**70), float(2**70)),
        (b"\xc1\x1a\x65\x53\xf1\x00", "2023-11-14T22:13:20+00:00"),  # a tagged time
    ],
)
def test_it_is_read_liberally(written, value):
    assert read(written) == value


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"\x18",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x62\xff\xff",
        b"\x81" * 40 + b"\x01",
        b"\x81" * 60_000,
        b"\x41\x00",  # bytes
        b"\xe0",  # a simple value
        b"\xa1\xa0\x01",  # a map as a key
        b"\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b"\xd8\x23\x62(a",  # a regular expression
        b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",  # a decimal of too many digits
        b"\xa0" + b" " * MAX_PAYLOAD,
        b"\x00\x00",  # something behind it
        bytes.fromhex("a164706c616e0100"),
        encode({"a": 1}) + encode({"a": 2}),
        encode({"a": 1}) + b"\xff",
    ],
)
def test_what_is_no_json_is_malformed(payload):
    with pytest.raises(MalformedError):
        read(payload)


@given(st.binary(max_size=200))
def test_nothing_else_comes_of_any_bytes(payload):
    try:
        encode(read(payload))
    except MalformedError:
        pass


def test_nothing_and_null_are_an_empty_map():
    assert read_map(b"") == read_map(b"\xf6") == read_map(b"\xf7") == {}
    with pytest.raises(MalformedError, match=r"expected a map, got \[1\]"):
        read_map(b"\x81\x01")


@pytest.mark.parametrize(("payload", "clears"), [(b"", True), (b"\xf6", True), (b"\xf7", True), (b"\xa0", False)])
def test_nothing_and_null_clear_what_is_retained(payload, clears):
    assert is_clear(payload) is clears


@given(st.integers(-60_000_000_000, 200_000_000_000))
def test_times_have_milliseconds_and_say_utc(ms):
    written = iso(Ns(ms * 1_000_000))
    assert len(written) == 24
    assert (datetime.fromisoformat(written) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == ms


@given(st.integers(-(1 << 63) // 1_000_000 + 1, ((1 << 63) - 1) // 1_000_000))
def test_a_time_that_is_written_is_read_again(ms):
    assert parse_iso(iso(Ns(ms * 1_000_000))) == ms * 1_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T01:00:01+01:00", 1_000_000_000),
        ("1969-12-31T19:00:01-0500", 1_000_000_000),
        ("19700101T010001+01", 1_000_000_000),
        ("1970-01-01 00:00:01 z", 1_000_000_000),
        ("1970-01-01T00:00:00,5Z", 500_000_000),
        ("1970-01-01T00:00:00.1234567899999999999999Z", 123_456_789),
        ("1969-12-31T23:59:59.999Z", -1_000_000),
        ("1970-01-01T00:01", 60_000_000_000),
        ("1970-01-02", 86_400_000_000_000),
        ("1970-01-01T24:00Z", 86_400_000_000_000),
        ("1970-01-01T23:59:60Z", 86_400_000_000_000),
        ("2024-02-29T00:00Z", 1_709_164_800_000_000_000),
    ],
)
def test_times_of_any_precision_and_zone_are_read(text, ns):
    assert parse_iso(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        None,
        1_700_000_000,
        True,
        ["2026-11-21"],
        "",
        "now",
        "2026",
        "2026-1121",
        "2026-02-30T00:00Z",
        "2025-02-29",
        "0000-01-01",
        "2026-11-21T24:00:01Z",
        "2026-11-21T10:60Z",
        "2026-11-21T10:45:61Z",
        "2026-11-21T10:45Z\n",
        "2026-11-21T10:45+24:00",
        "2026-11-21T10:45+01:60",
        "2026-11-21T10:45:00.Z",
        "\u0662\u0660\u0662\u0666-11-21",
        "1677-09-21T00:12:43Z",
        "2262-04-11T23:47:17Z",
        "9999-12-31T23:59:59Z",
        "9" * 60_000,
    ],
)
def test_what_is_no_time_is_malformed(text):
    with pytest.raises(MalformedError) as caught:
        parse_iso(text)
    assert caught.value.kind == "time"


def test_of_a_time_too_far_away_the_nearest_can_be_had():
    assert parse_iso("9999-12-31", nearest=True) == (1 << 63) - 1
    assert parse_iso("0001-01-01", nearest=True) == -(1 << 63)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", fullmatch=True))
def test_of_any_text_comes_a_time_or_an_error_of_ours(text):
    try:
        assert -(1 << 63) <= parse_iso(text) < 1 << 63
    except MalformedError:
        pass


@pytest.mark.parametrize(
    "payload",
    [
        b"\xd8\x1c\x81\x01",
        b"\x82\xd8\x1c\x82\x01\x02\xd8\x1d\x00",
        b"\xd9\x00\x1c\x81\xd9\x00\x1d\x00",
        b"\xd9\x01\x00\x82\x63abc\xd8\x19\x00",
    ],
)
def test_values_that_are_shared_within_a_payload_are_refused(payload):
    with pytest.raises(MalformedError):
        read(payload)
