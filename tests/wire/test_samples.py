"""Sample buffers and numpy arrays: eight types, two byte orders, three kinds of data."""

import struct
from typing import Any

import numpy as np
import pytest
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import (
    ByteOrder,
    ChannelId,
    PeriodicData,
    RowData,
    SampleType,
    TimestampedData,
    decode_periodic,
    decode_row,
    decode_samples,
    decode_timestamped,
    encode_periodic,
    encode_row,
    encode_samples,
    encode_timestamped,
)

from .independent import fields, packed_varints, signed

STRUCT = {"u8": "B", "s8": "b", "u16": "H", "s16": "h", "u32": "I", "s32": "i", "f32": "f", "f64": "d"}
ORDERS: list[ByteOrder] = ["le", "be"]
T0 = 1620129055000000000  # 2021-05-04T11:50:55Z

sample_types = st.sampled_from(SampleType)
orders = st.sampled_from(ORDERS)
channel_ids = st.integers(0, 2**32 - 1).map(ChannelId)
nanoseconds = st.integers(-(2**61), 2**61)


def some_of(kind: SampleType, **size: int) -> st.SearchStrategy[list[Any]]:
    """Lists of values that the type can hold."""
    bits = int(kind[1:])
    match kind[0]:
        case "u":
            values: st.SearchStrategy[Any] = st.integers(0, 2**bits - 1)
        case "s":
            values = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        case _:
            values = st.floats(width=32 if bits == 32 else 64, allow_nan=False)
    return st.lists(values, **{"max_size": 20, **size})


def by_struct(values: list[Any], kind: SampleType, order: ByteOrder) -> bytes:
    return struct.pack(f"{'<' if order == 'le' else '>'}{len(values)}{STRUCT[kind]}", *values)


def test_the_types_go_by_their_names_in_configurations() -> None:
    assert {str(t) for t in SampleType} == set(STRUCT)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", SampleType)
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_samples_are_packed_as_the_struct_module_packs_them(
    kind: SampleType, order: ByteOrder, data: st.DataObject
) -> None:
    values = data.draw(some_of(kind))
    assert encode_samples(values, kind, order) == by_struct(values, kind, order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", SampleType)
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_samples_are_unpacked_as_they_were_packed(kind: SampleType, order: ByteOrder, data: st.DataObject) -> None:
    values = data.draw(some_of(kind))
    assert decode_samples(by_struct(values, kind, order), kind, order).tolist() == values


@given(sample_types, orders, st.binary(max_size=40))
@settings(deadline=None, max_examples=examples(50))
def test_a_part_of_a_sample_at_the_end_is_left_out(kind: SampleType, order: ByteOrder, buffer: bytes) -> None:
    assert len(decode_samples(buffer, kind, order)) == len(buffer) // (int(kind[1:]) // 8)


@pytest.mark.parametrize("kind", [t for t in SampleType if t.is_integer])
def test_a_value_just_outside_an_integer_type_is_refused(kind: SampleType) -> None:
    bits = int(kind[1:])
    low, high = (0, 2**bits) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    for value in (low - 1, high):
        with pytest.raises(ValueError, match="outside"):
            encode_samples([value], kind)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, 2**70])
def test_what_is_no_integer_of_the_type_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        encode_samples([value], SampleType.S32)


def test_a_double_too_large_for_f32_becomes_infinite() -> None:
    assert encode_samples([1e300], SampleType.F32) == struct.pack("<f", float("inf"))


# Timestamped data


def test_the_protocols_timestamped_example_is_encoded_to_the_byte() -> None:
    data = encode_timestamped(ChannelId(16), [T0, T0 + 4 * 10**9, T0 + 9 * 10**9], [12.7, 14.9, 21.2])
    assert data == TimestampedData(
        channel_id=16,
        start_timestamp=1620129055000000000,
        timestamp_deltas_scale=1000000000,
        timestamp_deltas=[0, 4, 5],
        buffer=bytes.fromhex("6666666666662940 CDCCCCCCCCCC2D40 3333333333333540"),
    )


def test_the_protocols_timestamped_example_is_decoded() -> None:
    times, values = decode_timestamped(
        TimestampedData(
            channel_id=16,
            start_timestamp=1620129055000000000,
            timestamp_deltas_scale=1000000000,
            timestamp_deltas=[0, 4, 5],
            buffer=bytes.fromhex("6666666666662940 CDCCCCCCCCCC2D40 3333333333333540"),
        )
    )
    assert times.tolist() == [T0, T0 + 4 * 10**9, T0 + 9 * 10**9]
    assert values.tolist() == [12.7, 14.9, 21.2]


def test_the_timestamped_example_is_laid_out_as_the_wire_format_says() -> None:
    data = encode_timestamped(ChannelId(16), [T0, T0 + 4 * 10**9, T0 + 9 * 10**9], [12.7, 14.9, 21.2])
    assert fields(data.SerializeToString()) == [
        (1, 0, 16),
        (2, 1, 1620129055000000000),
        (3, 0, 1000000000),
        (4, 2, b"\x00\x04\x05"),
        (5, 2, bytes.fromhex("6666666666662940CDCCCCCCCCCC2D403333333333333540")),
    ]


@given(st.data(), channel_ids, sample_types, orders)
@settings(deadline=None, max_examples=examples(50))
def test_timestamped_data_comes_back_as_it_was_encoded(
    draw: st.DataObject, channel: ChannelId, kind: SampleType, order: ByteOrder
) -> None:
    values = draw.draw(some_of(kind, min_size=1))
    times = draw.draw(st.lists(nanoseconds, min_size=len(values), max_size=len(values)))
    decoded_times, decoded = decode_timestamped(encode_timestamped(channel, times, values, kind, order), kind, order)
    assert (decoded_times.tolist(), decoded.tolist()) == (times, values)


@given(st.lists(nanoseconds, min_size=1, max_size=20))
@settings(deadline=None, max_examples=examples(50))
def test_the_first_delta_is_zero(times: list[int]) -> None:
    assert encode_timestamped(ChannelId(1), times, [0] * len(times)).timestamp_deltas[0] == 0


@given(nanoseconds, st.integers(1, 10**9), st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
@settings(deadline=None, max_examples=examples(50))
def test_the_scale_is_the_greatest_that_keeps_the_deltas_whole(start: int, unit: int, steps: list[int]) -> None:
    assume(any(steps))
    times = [start]
    for step in steps:
        times.append(times[-1] + step * unit)
    data = encode_timestamped(ChannelId(1), times, [0] * len(times))
    assert int(np.gcd.reduce(data.timestamp_deltas)) == 1
    assert data.timestamp_deltas_scale > 0


@given(nanoseconds, st.integers(1, 5))
@settings(deadline=None, max_examples=20)
def test_samples_at_one_instant_have_a_scale_of_zero(at: int, count: int) -> None:
    data = encode_timestamped(ChannelId(1), [at] * count, [0] * count)
    assert (data.timestamp_deltas_scale, list(data.timestamp_deltas)) == (0, [0] * count)


def test_a_scale_of_zero_puts_all_samples_at_the_start() -> None:
    data = TimestampedData(start_timestamp=T0, timestamp_deltas=[0, 0], buffer=bytes(16))
    assert decode_timestamped(data)[0].tolist() == [T0, T0]


def test_stale_deltas_beyond_the_samples_are_ignored() -> None:
    data = TimestampedData(
        start_timestamp=T0,
        timestamp_deltas_scale=10,
        timestamp_deltas=[0, 4, -900, -900],
        buffer=bytes([7, 8]),
    )
    times, values = decode_timestamped(data, SampleType.U8)
    assert (times.tolist(), values.tolist()) == ([T0, T0 + 40], [7, 8])


def test_samples_beyond_the_deltas_are_ignored() -> None:
    data = TimestampedData(start_timestamp=T0, timestamp_deltas=[0], buffer=bytes([7, 8, 9]))
    times, values = decode_timestamped(data, SampleType.U8)
    assert (times.tolist(), values.tolist()) == ([T0], [7])


def test_timestamped_data_with_nothing_in_it_has_no_samples() -> None:
    times, values = decode_timestamped(TimestampedData())
    assert (times.shape, times.dtype, values.shape) == ((0,), np.int64, (0,))


def test_timestamps_are_int64_and_exact_to_the_nanosecond() -> None:
    times, _ = decode_timestamped(encode_timestamped(ChannelId(1), [T0, T0 + 1], [1, 2]))
    assert (times.dtype, times.tolist()) == (np.int64, [T0, T0 + 1])


@pytest.mark.parametrize(
    ("times", "values"), [([], []), ([1, 2], [1]), ([[1]], [[1]])], ids=["none", "not as many", "not flat"]
)
def test_timestamped_data_needs_a_timestamp_for_every_value(times: Any, values: Any) -> None:
    with pytest.raises(ValueError, match="as many timestamps as values"):
        encode_timestamped(ChannelId(1), times, values)


@given(
    st.builds(
        TimestampedData,
        start_timestamp=st.integers(-(2**63), 2**63 - 1),
        timestamp_deltas_scale=st.integers(-(2**63), 2**63 - 1),
        timestamp_deltas=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
        buffer=st.binary(max_size=20),
    ),
    sample_types,
)
@settings(deadline=None, max_examples=examples(50))
def test_any_timestamped_data_has_as_many_timestamps_as_values(data: TimestampedData, kind: SampleType) -> None:
    times, values = decode_timestamped(data, kind)
    assert len(times) == len(values) <= len(data.timestamp_deltas)


def test_negative_deltas_are_ten_byte_varints_of_twos_complement() -> None:
    data = encode_timestamped(ChannelId(1), [T0, T0 - 30, T0 + 10], [1, 2, 3])
    (packed,) = [f.value for f in fields(data.SerializeToString()) if f.number == 4]
    assert isinstance(packed, bytes)
    assert [signed(v) for v in packed_varints(packed)] == [0, -3, 4]


# Periodic data


@given(st.data(), channel_ids, nanoseconds, st.integers(-(10**9), 10**9), sample_types, orders)
@settings(deadline=None, max_examples=examples(50))
def test_periodic_data_comes_back_as_it_was_encoded(
    draw: st.DataObject, channel: ChannelId, start: int, interval: int, kind: SampleType, order: ByteOrder
) -> None:
    values = draw.draw(some_of(kind))
    times, decoded = decode_periodic(encode_periodic(channel, start, interval, values, kind, order), kind, order)
    assert times.tolist() == [start + i * interval for i in range(len(values))]
    assert decoded.tolist() == values


def test_periodic_data_is_laid_out_as_the_wire_format_says() -> None:
    data = encode_periodic(ChannelId(300), T0, 10_000_000, [1, -2], SampleType.S16)
    assert fields(data.SerializeToString()) == [
        (1, 0, 300),
        (2, 1, T0),
        (3, 0, 10_000_000),
        (4, 0, 2),
        (5, 2, b"\x01\x00\xfe\xff"),
    ]


@pytest.mark.parametrize(("announced", "found"), [(2, 2), (3, 3), (9, 3), (0, 0), (-1, 0)])
def test_periodic_samples_are_those_both_announced_and_there(announced: int, found: int) -> None:
    data = PeriodicData(start_timestamp=T0, interval=5, samples=announced, buffer=bytes(3))
    times, values = decode_periodic(data, SampleType.U8)
    assert (len(times), len(values)) == (found, found)


# Row data

TYPES = {ChannelId(16): SampleType.F64, ChannelId(17): SampleType.U16, ChannelId(18): SampleType.F32}
ROW = RowData(channel_ids=[16, 17, 18], timestamp=T0, buffer=bytes.fromhex("6666666666662940 EA00 3333333F"))


def test_the_protocols_row_example_is_encoded_to_the_byte() -> None:
    assert encode_row(list(TYPES), T0, [12.7, 234, 0.7], TYPES) == ROW


def test_the_protocols_row_example_is_decoded() -> None:
    assert decode_row(ROW, TYPES) == {16: 12.7, 17: 234, 18: struct.unpack("<f", struct.pack("<f", 0.7))[0]}


def test_the_row_example_is_laid_out_as_the_wire_format_says() -> None:
    row = encode_row(list(TYPES), T0, [12.7, 234, 0.7], TYPES)
    assert fields(row.SerializeToString()) == [
        (1, 2, b"\x10\x11\x12"),
        (2, 1, T0),
        (3, 2, bytes.fromhex("6666666666662940EA003333333F")),
    ]


@given(st.data(), st.dictionaries(channel_ids, sample_types, max_size=6))
@settings(deadline=None, max_examples=examples(50))
def test_a_row_comes_back_as_it_was_encoded(draw: st.DataObject, types: dict[ChannelId, SampleType]) -> None:
    values = {c: draw.draw(some_of(t, min_size=1, max_size=1))[0] for c, t in types.items()}
    assert decode_row(encode_row(list(types), T0, list(values.values()), types), types) == values


def test_each_channel_of_a_row_has_its_own_byte_order() -> None:
    row = RowData(channel_ids=[1, 2], buffer=bytes.fromhex("1dd6 d61d"))
    types = {ChannelId(1): SampleType.U16, ChannelId(2): SampleType.U16}
    assert decode_row(row, types, {ChannelId(1): "be"}) == {1: 7638, 2: 7638}


def test_a_row_with_a_channel_of_unknown_type_is_malformed() -> None:
    with pytest.raises(MalformedError) as caught:
        decode_row(ROW, {ChannelId(16): SampleType.F64})
    assert caught.value.kind == "row"


@pytest.mark.parametrize("short", range(14))
def test_a_row_that_ends_too_soon_is_malformed(short: int) -> None:
    with pytest.raises(MalformedError) as caught:
        decode_row(RowData(channel_ids=[16, 17, 18], buffer=ROW.buffer[:short]), TYPES)
    assert caught.value.kind == "row"


def test_a_row_needs_a_value_for_every_channel() -> None:
    with pytest.raises(ValueError, match="zip"):
        encode_row(list(TYPES), T0, [12.7], TYPES)
