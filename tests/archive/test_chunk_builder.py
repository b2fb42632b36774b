"""What is fed comes out as chunks: every sample once, in order, in chunks as they have to be."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rta.archive import ChunkBuilder
from rta.wire import (
    ChannelId,
    Data,
    DataKind,
    Event,
    RowData,
    SampleType,
    TimestampedData,
    decode_timestamped,
    encode_timestamped,
    read_chunk,
)

from .any_bursts import TYPES, burst_of, stories
from .naive_samples import check_apart, check_chunk, check_samples

EVERYTHING = [(0, 0xFFFFFFFF)]


@given(stories, st.data())
def test_what_is_cut_is_what_was_fed(story: list[list[Data]], data: st.DataObject):
    builder, chunks = ChunkBuilder(TYPES), []
    for burst in story:
        builder.feed(burst_of(burst))
        if data.draw(st.integers(0, 4)) == 0:
            part = builder.cut()
            check_apart(part, TYPES)
            chunks += part
            assert builder.held == 0
            assert builder.cut() == []
    tail = [chunk for kind in DataKind for chunk in builder.tail(kind, EVERYTHING, None, None)]
    part = builder.cut()
    assert sorted(tail, key=repr) == sorted(part, key=repr)
    check_apart(part, TYPES)
    chunks += part
    for chunk in chunks:
        check_chunk(chunk, TYPES)
    check_samples(chunks, (item for burst in story for item in burst), TYPES)


SECOND = 10**9
START = 1620129055 * SECOND


def fed(*bursts: list[Data]) -> ChunkBuilder:
    builder = ChunkBuilder(TYPES)
    for burst in bursts:
        builder.feed(burst_of(burst))
    return builder


def test_a_huge_result_becomes_many_in_lists_of_64_kib():
    times = START + np.arange(100_000) * 1000
    chunks = fed([encode_timestamped(ChannelId(2), times, np.arange(100_000) % 999, SampleType.U16)]).cut()
    assert len(chunks) > 4
    assert max(chunk.raw_size for chunk in chunks) <= 64 << 10
    assert max(len(item.timestamp_deltas) for chunk in chunks for item in read_chunk(chunk)) == 128


def test_samples_that_are_far_apart_do_not_get_a_chunk_each_where_they_are_a_great_many():
    count = 200_000
    far = TimestampedData(
        channel_id=2, start_timestamp=START, timestamp_deltas=[1] * count, timestamp_deltas_scale=101 * SECOND
    )
    far.buffer = np.arange(count).astype("<u2").tobytes()
    builder = fed([far])
    chunks = builder.tail(DataKind.TIMESTAMPED, EVERYTHING, None, None)
    assert len(chunks) == count / 10_000
    check_samples(chunks, [far], TYPES)
    few = fed([encode_timestamped(ChannelId(2), START + np.arange(5) * 101 * SECOND, [0] * 5, SampleType.U16)])
    assert len(few.cut()) == 5


def test_a_result_that_may_stay_goes_into_its_chunk_byte_for_byte():
    data = [encode_timestamped(ChannelId(1), [START + i * SECOND], [i / 3]) for i in range(20)]
    (chunk,) = fed(*[[item] for item in data]).cut()
    assert chunk.raw() == b"".join(b"\x0a" + bytes([item.ByteSize()]) + item.SerializeToString() for item in data)


def test_more_deltas_than_samples_are_left_out_where_the_type_is_known():
    stale = TimestampedData(
        channel_id=2, start_timestamp=START, timestamp_deltas_scale=5, timestamp_deltas=[0, 1, 7, -3], buffer=b"aabb"
    )
    (chunk,) = fed([stale]).cut()
    (item,) = read_chunk(chunk)
    assert (chunk.start, chunk.end, list(item.timestamp_deltas), item.buffer) == (START, START + 5, [0, 1], b"aabb")


def test_what_nobody_can_tell_the_samples_of_stays_as_it_is_in_a_chunk_of_its_own():
    even = TimestampedData(channel_id=4, start_timestamp=START, timestamp_deltas=[0], buffer=b"abcd")
    stale = TimestampedData(
        channel_id=4, start_timestamp=START, timestamp_deltas_scale=5, timestamp_deltas=[0, 1, 7], buffer=b"aabbc"
    )
    chunks = fed([even, stale, even]).cut()
    assert sorted([list(read_chunk(chunk)) for chunk in chunks], key=len) == [[stale], [even, even]]


def test_late_samples_are_merged_into_what_is_held():
    def sample(second: int) -> list[Data]:
        return [encode_timestamped(ChannelId(1), [START + second * SECOND], [float(second)])]

    (chunk,) = fed(sample(3), sample(1), sample(2)).cut()
    (item,) = read_chunk(chunk)
    assert decode_timestamped(item)[1].tolist() == [1.0, 2.0, 3.0]


def test_samples_of_one_time_stay_in_order_of_arrival_however_their_bursts_were_held():
    def burst(value: float, *others: Data) -> list[Data]:
        return [encode_timestamped(ChannelId(1), [START], [value]), *others]

    unlike = [burst(float(i), Event(timestamp=i)) if i in (3, 6) else burst(float(i)) for i in range(9)]
    chunk, _ = sorted(fed(*unlike).cut(), key=lambda chunk: chunk.kind is DataKind.EVENTS)
    values = [value for item in read_chunk(chunk) for value in decode_timestamped(item)[1].tolist()]
    assert values == [float(i) for i in range(9)]


def test_a_list_covers_100_seconds_at_most():
    chunks = fed(*[[encode_timestamped(ChannelId(1), [START + i * 40 * SECOND], [0.0])] for i in range(9)]).cut()
    assert [(chunk.start - START, chunk.end - START) for chunk in chunks] == [
        (i * 40 * SECOND, (i + 2) * 40 * SECOND) for i in (0, 3, 6)
    ]


def test_the_tail_has_what_is_asked_for_and_leaves_all_where_it_is():
    builder = fed(
        [
            encode_timestamped(ChannelId(1), [-5], [1.0]),
            encode_timestamped(ChannelId(4), [100], [1.0], SampleType.F32),
            RowData(channel_ids=[7, 9], timestamp=50, buffer=b"ab"),
            Event(timestamp=60),
        ]
    )
    held = builder.held
    assert [c.channels for c in builder.tail(DataKind.TIMESTAMPED, EVERYTHING, None, None)] == [(1,), (4,)]
    assert [c.channels for c in builder.tail(DataKind.TIMESTAMPED, EVERYTHING, -4, None)] == [(4,)]
    assert [c.channels for c in builder.tail(DataKind.TIMESTAMPED, EVERYTHING, None, 99)] == [(1,)]
    assert [c.channels for c in builder.tail(DataKind.TIMESTAMPED, [(2, 3), (4, 4)], None, None)] == [(4,)]
    assert [c.channels for c in builder.tail(DataKind.ROW, [(9, 9)], 50, 50)] == [(7, 9)]
    assert builder.tail(DataKind.ROW, [(8, 8)], None, None) == []
    assert [c.channels for c in builder.tail(DataKind.EVENTS, [], 60, 60)] == [()]
    assert builder.held == held > 0
    assert len(builder.cut()) == 4
