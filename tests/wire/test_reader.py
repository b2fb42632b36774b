"""A reader that recognises bursts finds in them what one that parses each of them does."""

from __future__ import annotations

import lz4.block
import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import Burst, PeriodicData, RowData, TimestampedData, data_item, json_item, range_item, read_burst
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst
from rta.wire.burst import SizeLimits
from rta.wire.reader import BurstReader
from rta.wire.values import TimeRange

ids = st.integers(0, 2**32 - 1) | st.integers(0, 3)
times = st.integers(-(2**63), 2**63 - 1) | st.just(0)
small = st.integers(-3, 300)
data = st.one_of(
    st.builds(
        TimestampedData,
        channel_id=ids,
        start_timestamp=times,
        timestamp_deltas_scale=small,
        timestamp_deltas=st.lists(small, max_size=6),
        buffer=st.binary(max_size=30),
    ),
    st.builds(
        PeriodicData, channel_id=ids, start_timestamp=times, interval=times, samples=small, buffer=st.binary(max_size=9)
    ),
    st.builds(RowData, channel_ids=st.lists(ids, max_size=4), timestamp=times, buffer=st.binary(max_size=20)),
).map(data_item)
spans = st.builds(lambda a, b: range_item(TimeRange(a, b)), times, times)
odd = st.sampled_from([StreamData(), json_item("{}"), json_item("é"), StreamData.FromString(b"\x7a\x03new")])
bursts = st.lists(data | data | data | spans | odd, max_size=40)


def pack(raw: bytes) -> bytes:
    return lz4.block.compress(raw, store_size=False)


def outcome(read, packed: bytes) -> object:
    try:
        burst: Burst = read(packed)
    except MalformedError as e:
        return e.kind
    return (burst.packed, burst.raw_size, burst.session_json, burst.time_range, burst.has_data, burst.has_events)


def mutated(raw: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(raw)
    for at, value in changes:
        if changed:
            changed[at % len(changed)] = value
    return bytes(changed)


@settings(max_examples=examples(300), deadline=None)
@given(bursts, st.lists(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=4), max_size=8))
@example([data_item(TimestampedData(channel_id=1, timestamp_deltas=[0, 1, 200], buffer=b"12345678"))], [[(12, 0x80)]])
def test_it_finds_what_parsing_finds_whatever_has_changed(items, variants):
    raw = StreamDataBurst(data=items).SerializeToString()
    reader = BurstReader()
    for _ in range(3):
        assert outcome(reader.read, pack(raw)) == outcome(read_burst, pack(raw))
    for changes in variants:
        packed = pack(mutated(raw, changes))
        assert outcome(reader.read, packed) == outcome(read_burst, packed)
        assert outcome(reader.read, pack(raw)) == outcome(read_burst, pack(raw))


def test_every_single_byte_may_change():
    items = [
        range_item(TimeRange(5, 9)),
        data_item(TimestampedData(channel_id=300, start_timestamp=1, timestamp_deltas=[0, 1, 200, 3], buffer=b"x" * 8)),
        data_item(PeriodicData(channel_id=2, start_timestamp=1, interval=1000, samples=2, buffer=b"12")),
        data_item(RowData(channel_ids=[1, 200], timestamp=7, buffer=b"12")),
    ]
    raw = StreamDataBurst(data=items * 8).SerializeToString()
    reader = BurstReader()
    for _ in range(3):
        reader.read(pack(raw))
    for at in range(len(raw) // 8 + 4):
        for value in (0, 1, 0x7F, 0x80, 0xFF, raw[at] ^ 1, raw[at] ^ 0x80):
            packed = pack(mutated(raw, [(at, value)]))
            assert outcome(reader.read, packed) == outcome(read_burst, packed), (at, value)


@pytest.mark.parametrize("size", [10, 100, 5000])
def test_bursts_of_one_form_are_parsed_twice_and_then_recognised(size, monkeypatch):
    def burst(number: int) -> bytes:
        items = [data_item(TimestampedData(channel_id=i, start_timestamp=number, buffer=bytes(8))) for i in range(size)]
        return pack(StreamDataBurst(data=[range_item(TimeRange(number, number + 1)), *items]).SerializeToString())

    parsed = []

    def digest(packed: bytes, raw: bytes) -> Burst:
        parsed.append(packed)
        return read_burst(packed)

    monkeypatch.setattr("rta.wire.reader.digest", digest)
    reader = BurstReader()
    assert [reader.read(burst(i)).time_range for i in range(1, 50)] == [TimeRange(i, i + 1) for i in range(1, 50)]
    assert len(parsed) == 2


def test_limits_are_those_of_parsing():
    reader = BurstReader(SizeLimits(burst=100, session_json=200))
    text = pack(StreamDataBurst(data=[json_item("x" * 150)]).SerializeToString())
    assert reader.read(text).session_json == ("x" * 150,)
    with pytest.raises(MalformedError, match="at most 100"):
        reader.read(pack(StreamDataBurst(data=[data_item(RowData(buffer=b"x" * 150))]).SerializeToString()))
