"""Bursts: read once, checked in full, never trusted."""

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import (
    BURST_LIMIT,
    JSON_LIMIT,
    TARGET,
    Burst,
    Data,
    Event,
    PeriodicData,
    RowData,
    SizeLimits,
    TimeRange,
    TimestampedData,
    data_item,
    json_item,
    make_burst,
    pack,
    pack_items,
    range_item,
    read_burst,
)
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst
from rta.wire.burst import join, pieces, split

from . import independent as wire

int64 = st.integers(-(2**63), 2**63 - 1)
uint32 = st.integers(0, 2**32 - 1)
timestamped = st.builds(
    TimestampedData,
    channel_id=uint32,
    start_timestamp=int64,
    timestamp_deltas_scale=int64,
    timestamp_deltas=st.lists(int64, max_size=3),
    buffer=st.binary(max_size=24),
)
periodic = st.builds(
    PeriodicData, channel_id=uint32, start_timestamp=int64, interval=int64, buffer=st.binary(max_size=24)
)
rows = st.builds(RowData, channel_ids=st.lists(uint32, max_size=4), timestamp=int64, buffer=st.binary(max_size=24))
events = st.builds(
    Event,
    event_definition_id=st.integers(-(2**31), 2**31 - 1),
    app_name=st.text(max_size=8),
    timestamp=int64,
    status_text=st.text(max_size=8),
    raw_data=st.lists(st.floats(allow_nan=False), max_size=3),
)
ranges = st.tuples(int64, int64).map(lambda t: TimeRange(min(t), max(t)))
items = st.one_of(
    st.text(max_size=30).map(json_item),
    ranges.map(range_item),
    st.one_of(timestamped, periodic, rows, events).map(data_item),
    st.just(StreamData()),
)
bursts = st.lists(items, max_size=8)

EXAMPLE = make_burst(
    [
        json_item('{"identity":"a"}'),
        range_item(TimeRange(1, 9)),
        data_item(TimestampedData(channel_id=1, timestamp_deltas=[0, 4, 5], buffer=bytes(24))),
        data_item(PeriodicData(channel_id=2, samples=3, buffer=bytes(24))),
        data_item(RowData(channel_ids=[3, 4], buffer=bytes(16))),
        data_item(Event(event_definition_id=5, app_name="app", raw_data=[1.5])),
    ]
)


def kind_of(packed: bytes, limits: SizeLimits = SizeLimits()) -> str:  # noqa: B008
    with pytest.raises(MalformedError) as caught:
        read_burst(packed, limits)
    return caught.value.kind


def size_of(burst: Burst) -> int:
    return len(wire.lz4_unpack(burst.packed))


def padded_json(size: int) -> bytes:
    """A packed burst of exactly `size` bytes with one session JSON."""
    raw = StreamDataBurst(data=[json_item(" " * (size - 20))]).SerializeToString()
    raw = StreamDataBurst(data=[json_item(" " * (size - 20 + size - len(raw)))]).SerializeToString()
    assert len(raw) == size
    return pack(raw)


def padded_samples(size: int) -> bytes:
    """The same with samples and no session JSON."""

    def raw(n: int) -> bytes:
        return StreamDataBurst(data=[data_item(PeriodicData(buffer=bytes(n)))]).SerializeToString()

    out = raw(size - 20 + size - len(raw(size - 20)))
    assert len(out) == size
    return pack(out)


# What a burst tells


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_a_burst_that_was_made_is_read_back_the_same(made: list[StreamData]) -> None:
    assert list(read_burst(make_burst(made).packed).message().data) == made


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_a_burst_tells_what_its_items_tell(made: list[StreamData]) -> None:
    burst = read_burst(pack(StreamDataBurst(data=made).SerializeToString()))
    kinds = [i.WhichOneof("data") for i in made]
    starts = [i.time_range.start_time for i in made if i.HasField("time_range")]
    ends = [i.time_range.end_time for i in made if i.HasField("time_range")]
    assert burst.session_json == tuple(i.session_json for i in made if i.HasField("session_json"))
    assert burst.time_range == (TimeRange(min(starts), max(ends)) if starts else None)
    assert burst.has_data == any(k in ("timestamped_data", "periodic_data", "row_data") for k in kinds)
    assert burst.has_events == ("event" in kinds)


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_making_a_burst_tells_the_same_as_reading_it(made: list[StreamData]) -> None:
    a, b = make_burst(made), read_burst(make_burst(made).packed)
    assert (a.packed, a.raw_size, a.session_json, a.time_range, a.has_data, a.has_events) == (
        b.packed,
        b.raw_size,
        b.session_json,
        b.time_range,
        b.has_data,
        b.has_events,
    )


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_the_packed_bytes_stay_as_the_writer_made_them(made: list[StreamData]) -> None:
    packed = wire.lz4_literals(StreamDataBurst(data=made).SerializeToString())
    assert read_burst(packed).packed == packed


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_the_raw_bytes_are_the_serialised_message(made: list[StreamData]) -> None:
    raw = StreamDataBurst(data=made).SerializeToString()
    burst = read_burst(pack(raw))
    assert (burst.raw(), burst.raw_size) == (raw, len(raw))


def test_session_json_is_kept_byte_for_byte() -> None:
    text = '{ "Identity" : "a",\t"timestamp":"2021-05-04T11:50:55.1234567+01:00", "x": null, "é": "\\u00e9"}\r\n'
    assert read_burst(make_burst([json_item(text)]).packed).session_json == (text,)


def test_session_json_updates_come_in_order() -> None:
    assert read_burst(make_burst([json_item("1"), json_item("2")]).packed).session_json == ("1", "2")


def test_an_empty_burst_tells_nothing() -> None:
    burst = read_burst(pack(b""))
    assert (burst.raw_size, burst.session_json, burst.time_range, burst.has_data, burst.has_events) == (
        0,
        (),
        None,
        False,
        False,
    )


def test_the_time_range_of_a_burst_is_the_union_of_its_ranges() -> None:
    burst = make_burst([range_item(TimeRange(50, 60)), range_item(TimeRange(10, 20))])
    assert burst.time_range == TimeRange(10, 60)


@given(bursts, bursts)
@settings(deadline=None, max_examples=examples(50))
def test_bursts_one_after_the_other_are_a_burst(one: list[StreamData], two: list[StreamData]) -> None:
    burst = read_burst(pack(make_burst(one).raw() + make_burst(two).raw()))
    assert list(burst.message().data) == one + two


# Its bytes, by an independent decoder


def test_a_session_json_item_is_field_2() -> None:
    assert wire.lz4_unpack(make_burst([json_item("{}")]).packed).hex(" ") == "0a 04 12 02 7b 7d"


def test_a_time_range_item_is_field_3() -> None:
    item = range_item(TimeRange(-1, 2)).SerializeToString()
    assert wire.fields(item) == [(3, 2, wire.fixed64_field(1, -1) + wire.fixed64_field(2, 2))]


@pytest.mark.parametrize(
    ("data", "number"), [(TimestampedData(), 4), (PeriodicData(), 5), (RowData(), 6), (Event(), 7)]
)
def test_a_data_item_is_the_field_of_its_kind(data: Data, number: int) -> None:
    assert wire.fields(data_item(data).SerializeToString()) == [(number, 2, b"")]


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_an_independent_decoder_finds_the_items(made: list[StreamData]) -> None:
    found = wire.fields(wire.lz4_unpack(make_burst(made).packed))
    assert found == [(1, 2, i.SerializeToString()) for i in made]


@given(bursts)
@settings(deadline=None, max_examples=examples(50))
def test_splitting_finds_the_bytes_of_each_item(made: list[StreamData]) -> None:
    assert split(make_burst(made).raw()) == [i.SerializeToString() for i in made]


@given(st.lists(st.binary(max_size=300), max_size=8))
@settings(deadline=None, max_examples=examples(50))
def test_joining_puts_items_together_as_they_are(parts: list[bytes]) -> None:
    assert join(parts) == wire.join(parts)


@pytest.mark.parametrize("size", [0, 1, 127, 128, (1 << 14) - 1, 1 << 14, (1 << 21) - 1, 1 << 21])
def test_heads_and_items_in_turn_are_the_burst(size: int) -> None:
    items = [b"x" * size, b"", b"y" * size]
    parts = pieces(wire.join(items))
    heads, found = parts[: len(items)], parts[len(items) :]
    assert found == items
    assert b"".join(p for pair in zip(heads, found, strict=True) for p in pair) == wire.join(items)


def test_fields_we_do_not_know_are_kept() -> None:
    item = wire.bytes_field(4, wire.number_field(1, 5) + wire.bytes_field(99, b"new")) + wire.number_field(90, 1)
    assert join(split(read_burst(pack(wire.join([item]))).raw())) == wire.join([item])


# Limits


def test_a_burst_of_exactly_its_limit_is_read() -> None:
    assert read_burst(padded_samples(BURST_LIMIT)).raw_size == BURST_LIMIT


def test_a_burst_one_byte_over_its_limit_is_oversize() -> None:
    assert kind_of(padded_samples(BURST_LIMIT + 1)) == "oversize"


def test_a_burst_with_session_json_may_hold_more() -> None:
    assert read_burst(padded_json(BURST_LIMIT + 1)).raw_size == BURST_LIMIT + 1


def test_a_burst_with_session_json_of_exactly_its_limit_is_read() -> None:
    assert read_burst(padded_json(JSON_LIMIT)).raw_size == JSON_LIMIT


def test_a_burst_with_session_json_one_byte_over_its_limit_is_oversize() -> None:
    assert kind_of(padded_json(JSON_LIMIT + 1)) == "oversize"


@pytest.mark.parametrize("text", ["", "{}"])
def test_a_large_burst_is_accepted_for_any_session_json_in_it(text: str) -> None:
    raw = StreamDataBurst(data=[json_item(text), data_item(PeriodicData(buffer=bytes(BURST_LIMIT)))])
    assert read_burst(pack(raw.SerializeToString())).session_json == (text,)


def test_a_bomb_is_oversize() -> None:
    assert kind_of(wire.lz4_run(b"\0", 100 << 20)) == "oversize"


def test_the_limits_are_settings() -> None:
    assert kind_of(padded_samples(2000), SizeLimits(burst=1999)) == "oversize"
    assert kind_of(padded_json(2000), SizeLimits(burst=100, session_json=1999)) == "oversize"


def test_a_json_limit_below_the_burst_limit_leaves_the_burst_limit_as_it_is() -> None:
    limits = SizeLimits(burst=2000, session_json=100)
    assert (read_burst(padded_samples(2000), limits).raw_size, kind_of(padded_samples(2001), limits)) == (
        2000,
        "oversize",
    )


# Damage


def test_bytes_that_are_no_lz4_block_are_malformed() -> None:
    assert kind_of(b"\xff" * 10) == "lz4"


def test_a_block_that_holds_no_burst_is_malformed() -> None:
    assert kind_of(pack(b"this is not protobuf")) == "protobuf"


def test_session_json_that_is_not_utf_8_is_malformed() -> None:
    assert kind_of(pack(wire.join([wire.bytes_field(2, b"\xff\xfe")]))) == "protobuf"


def test_the_text_of_an_event_that_is_not_utf_8_is_malformed() -> None:
    assert kind_of(pack(wire.join([wire.bytes_field(7, wire.bytes_field(4, b"\xff"))]))) == "protobuf"


def test_a_damaged_item_behind_a_good_one_is_malformed() -> None:
    assert kind_of(pack(wire.join([wire.bytes_field(2, b"{}"), b"\x22\x05\x08"]))) == "protobuf"


def test_a_burst_cut_within_an_item_is_malformed() -> None:
    raw = EXAMPLE.raw()
    whole = {len(wire.join(split(raw)[:n])) for n in range(7)}
    assert {kind_of(pack(raw[:n])) for n in range(len(raw)) if n not in whole} == {"protobuf"}


def test_a_burst_cut_between_items_is_read_as_far_as_it_goes() -> None:
    parts = split(EXAMPLE.raw())
    assert [len(read_burst(pack(wire.join(parts[:n]))).message().data) for n in range(7)] == list(range(7))


@given(st.data())
@settings(deadline=None, max_examples=examples(50))
def test_a_block_cut_short_is_malformed_or_tells_no_more_than_the_whole(draw: st.DataObject) -> None:
    packed = EXAMPLE.packed[: draw.draw(st.integers(0, len(EXAMPLE.packed) - 1))]
    try:
        burst = read_burst(packed)
    except MalformedError:
        return
    assert EXAMPLE.raw().startswith(burst.raw())


@pytest.mark.parametrize(
    ("block", "raw"),
    [
        ("01", ""),
        ("7f 0a2c2a2a2a2800 0100 10 40 00000000", "0a2c2a2a2a28" + "00" * 40),
    ],
    ids=["with half a sequence", "with a match within the last five bytes"],
)
def test_a_block_that_bends_the_rules_is_refused_at_once_or_can_be_unpacked_again(block: str, raw: str) -> None:
    try:
        burst = read_burst(bytes.fromhex(block))
    except MalformedError:
        return
    assert burst.raw() == bytes.fromhex(raw)


def read_or_malformed(packed: bytes) -> None:
    """Whatever is accepted can be decoded and split, too."""
    try:
        burst = read_burst(packed)
    except MalformedError:
        return
    assert len(split(burst.raw())) == len(burst.message().data)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=examples(50))
def test_any_bytes_are_a_burst_or_malformed(packed: bytes) -> None:
    read_or_malformed(packed)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=examples(50))
def test_any_bytes_in_a_block_are_a_burst_or_malformed(raw: bytes) -> None:
    read_or_malformed(pack(raw))


@given(st.lists(st.tuples(st.integers(1, 8), st.binary(max_size=30)), max_size=4))
@settings(deadline=None, max_examples=examples(50))
def test_any_bytes_in_the_place_of_a_kind_are_a_burst_or_malformed(parts: list[tuple[int, bytes]]) -> None:
    read_or_malformed(pack(wire.join([wire.bytes_field(number, body) for number, body in parts])))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=examples(50))
def test_a_burst_with_some_bytes_changed_is_a_burst_or_malformed(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(EXAMPLE.raw())
    for at, value in changes:
        raw[at % len(raw)] = value
    read_or_malformed(pack(bytes(raw)))


# Packing


@given(
    st.lists(st.one_of(timestamped, periodic, rows, events), max_size=12),
    st.none() | ranges,
    st.integers(1, 200),
)
@settings(deadline=None, max_examples=examples(50))
def test_packing_keeps_all_data_in_order_and_puts_the_time_range_last(
    data: list[Data], span: TimeRange | None, target: int
) -> None:
    found = [i for b in pack_items(data, span, target) for i in b.message().data]
    assert found == [data_item(d) for d in data] + ([range_item(span)] if span else [])


@given(st.lists(periodic, min_size=1, max_size=12), st.integers(60, 300))
@settings(deadline=None, max_examples=examples(50))
def test_a_burst_of_several_items_is_not_over_the_target(data: list[Data], target: int) -> None:
    assert all(b.raw_size <= target for b in pack_items(data, None, target) if len(b.message().data) > 1)


def test_packing_aims_for_64_kib() -> None:
    sizes = [size_of(b) for b in pack_items([PeriodicData(buffer=bytes(1000))] * 200, None)]
    assert all(TARGET - 1100 < s <= TARGET for s in sizes[:-1])


def test_packing_nothing_makes_no_burst() -> None:
    assert pack_items([], None) == []


def test_a_time_range_alone_is_a_burst() -> None:
    (burst,) = pack_items([], TimeRange(1, 2))
    assert (burst.time_range, burst.has_data) == (TimeRange(1, 2), False)


MANY_ITEMS = StreamDataBurst(data=[StreamData(event=Event())]).SerializeToString() * 40_000


@pytest.mark.parametrize(
    "raw", [MANY_ITEMS, MANY_ITEMS * 10, b"\x0a\x80\x80\x14" + MANY_ITEMS[2:4] * (160 << 10)], ids=["", "large", "one"]
)
def test_no_burst_has_more_items_than_real_ones_can_have(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="items") as caught:
        read_burst(pack(raw))
    assert caught.value.kind == "oversize"


def test_a_large_burst_of_a_few_thousand_items_is_taken() -> None:
    several = [data_item(TimestampedData(channel_id=n, start_timestamp=n, buffer=bytes(100))) for n in range(5000)]
    burst = make_burst(several)
    assert burst.raw_size > 512 << 10
    assert read_burst(burst.packed).has_data


def test_no_burst_has_hundreds_of_session_jsons() -> None:
    texts = [json_item(f'{{"a":{n}}}') for n in range(257)]
    assert len(read_burst(make_burst(texts[1:]).packed).session_json) == 256
    with pytest.raises(MalformedError, match="257 session JSONs; at most 256"):
        read_burst(make_burst(texts).packed)
