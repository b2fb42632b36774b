"""Sealing keeps every sample, once and in order, in chunks that do not overlap, and changes nothing the second time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.archive import ChunkBuilder, chunks_of_columns, seal
from rta.errors import MalformedError
from rta.wire import ChannelId, Chunk, Data, SampleType, decode_timestamped, encode_timestamped, pack, read_chunk

from .any_bursts import TYPES, burst_of, stories
from .naive_samples import check_chunk, check_samples


def cut(story: list[list[Data]], data: st.DataObject) -> list[Chunk]:
    """In order of arrival."""
    builder, chunks = ChunkBuilder(TYPES), []
    for burst in story:
        builder.feed(burst_of(burst))
        if data.draw(st.integers(0, 2)) == 0:
            chunks += builder.cut()
    return chunks + builder.cut()


def sealed(chunks: list[Chunk]) -> list[Chunk]:
    """`chunks`: in order of arrival."""
    numbered = sorted(enumerate(chunks), key=lambda c: (c[1].kind.value, c[1].channels, c[1].start))
    groups = groupby(numbered, key=lambda c: (c[1].kind, c[1].channels))
    return [chunk for _, group in groups for chunk in seal(group, TYPES)]


@given(stories, st.data())
def test_sealed_chunks_hold_what_was_fed_and_do_not_overlap(story: list[list[Data]], data: st.DataObject):
    chunks = sealed(cut(story, data))
    last: dict[object, Chunk] = {}
    for chunk in chunks:
        check_chunk(chunk, TYPES)
        before = last.get((chunk.kind, chunk.channels))
        assert before is None or before.end <= chunk.start
        last[chunk.kind, chunk.channels] = chunk
    check_samples(chunks, (item for burst in story for item in burst), TYPES)
    assert sealed(chunks) == chunks


def round_of(number: int, late: int) -> list[Chunk]:
    """Chunks of 10 s of one channel at 1000 Hz; the samples begin `late` ms before the end of the last round."""
    times = np.arange(number * 10_000 - late, (number + 1) * 10_000) * 10**6
    return chunks_of_columns(1, times, np.full(len(times), float(number)))


@pytest.mark.parametrize("late", [0, 500])
def test_what_is_held_does_not_grow_with_the_session(late: int):
    fed, behind = 0, []

    def session() -> Iterator[tuple[int, Chunk]]:
        nonlocal fed
        for number in range(60):
            for chunk in round_of(number, late):
                fed += sum(len(item.timestamp_deltas) for item in read_chunk(chunk))
                yield number, chunk

    written = 0
    for chunk in seal(session(), TYPES):
        written += sum(len(item.timestamp_deltas) for item in read_chunk(chunk))
        behind.append(fed - written)
    assert written == fed == 600_000 + 60 * late
    assert max(behind) < 70_000


def test_samples_of_one_time_are_in_the_order_in_which_their_chunks_have_come():
    early = chunks_of_columns(1, [0, 10, 20, 30], [1.0, 1.0, 1.0, 1.0])
    later = chunks_of_columns(1, [-5, 10, 25, 30], [2.0, 2.0, 2.0, 2.0])
    (chunk,) = seal([(2, later[0]), (1, early[0])], TYPES)
    (item,) = read_chunk(chunk)
    times, values = decode_timestamped(item)
    assert times.tolist() == [-5, 0, 10, 10, 20, 25, 30, 30]
    assert values.tolist() == [2.0, 1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]


def test_periodic_samples_that_follow_each_other_are_joined_and_others_are_not():
    first = chunks_of_columns(3, range(0, 50, 10), [1] * 5, SampleType.U8, interval=10)
    next_ones = chunks_of_columns(3, range(50, 80, 10), [2] * 3, SampleType.U8, interval=10)
    shifted = chunks_of_columns(3, [85, 95], [3] * 2, SampleType.U8, interval=10)
    slower = chunks_of_columns(3, [105, 125], [4] * 2, SampleType.U8, interval=20)
    (chunk,) = seal(enumerate([*first, *next_ones, *shifted, *slower]), TYPES)
    assert [(item.start_timestamp, item.interval, item.samples) for item in read_chunk(chunk)] == [
        (0, 10, 8),
        (85, 10, 2),
        (105, 20, 2),
    ]


def test_a_damaged_chunk_is_malformed():
    (chunk,) = chunks_of_columns(1, [0], [1.0])
    for packed in (b"\x00", pack(b"\x0a\x05abc" + bytes(chunk.raw_size - 5))):
        with pytest.raises(MalformedError):
            list(seal([(0, chunk._replace(packed=packed))], TYPES))
    assert list(seal([], TYPES)) == []


def test_samples_that_had_no_chunk_each_have_none_when_they_are_sealed():
    count = 30_000
    far = encode_timestamped(ChannelId(1), 1620129055 * 10**9 + np.arange(count) * 101 * 10**9, np.arange(count))
    builder = ChunkBuilder(TYPES)
    builder.feed(burst_of([far]))
    once = sealed(builder.cut())
    assert len(once) == 3
    check_samples(once, [far], TYPES)
    assert sealed(once) == once
