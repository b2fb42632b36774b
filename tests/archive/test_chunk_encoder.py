"""Columns of files become sealed chunks, however many samples come at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.archive import ChunkEncoder, chunks_of_columns, read_series, seal, series_of_columns
from rta.wire import ChannelId, DataKind, SampleType, TimestampedData, decode_timestamped, read_chunk

from .naive_samples import check_chunk

TYPES = {ChannelId(16): (SampleType.F64, "le")}
START = 1620129055 * 10**9
MS = 10**6


def columns(seed: int, size: int, step: int, jitter: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return START + np.arange(size) * step + random.integers(0, jitter + 1, size), random.normal(size=size)


@given(
    st.integers(0, 99),
    st.sampled_from([(0, 1), (1, 1), *((n, MS) for n in (127, 128, 129, 20_000)), (300, 700 * MS), (40, 200_000 * MS)]),
    st.sampled_from([0, 1000, 2 * MS]),
    st.booleans(),
)
def test_columns_are_in_sealed_chunks(seed: int, shape: tuple[int, int], jitter: int, is_periodic: bool):
    size, step = shape
    times, values = columns(seed, size, step, jitter)
    chunks = chunks_of_columns(16, times, values, interval=step if is_periodic else None)
    assert list(seal(enumerate(chunks), TYPES)) == chunks
    for chunk in chunks[:3] + chunks[-3:]:
        check_chunk(chunk, TYPES)
    parts = [read_series(chunk.kind, 16, chunk.raw(), TYPES) for chunk in chunks]
    order = np.argsort(times, kind="stable")
    assert np.concatenate([times[:0], *[p.times for p in parts]]).tolist() == times[order].tolist()
    assert b"".join(p.samples.tobytes() for p in parts) == values[order].tobytes()


@given(st.integers(0, 99), st.lists(st.integers(0, 40_000), max_size=3))
def test_chunks_do_not_depend_on_how_much_is_fed_at_once(seed: int, cuts: list[int]):
    series = series_of_columns(*columns(seed, 40_000, 3_000_000, 5000))
    encoder, chunks = ChunkEncoder(DataKind.TIMESTAMPED, (16,)), []
    bounds = sorted({0, 40_000, *cuts})
    for begin, end in pairwise(bounds):
        chunks += encoder.feed(series.part(begin, end))
    whole = ChunkEncoder(DataKind.TIMESTAMPED, (16,))
    assert chunks + encoder.end() == whole.feed(series) + whole.end()


def test_lists_are_nearly_as_large_as_they_may_be():
    chunks = chunks_of_columns(16, *columns(1, 100_000, 1_000_000, 0))
    assert min(chunk.raw_size for chunk in chunks[:-1]) > 62 << 10
    assert {len(item.timestamp_deltas) for chunk in chunks[:-1] for item in read_chunk(chunk)} == {128}


def test_what_is_written_is_what_protobuf_writes():
    for channel, start in ((16, START), (0, 0)):
        (chunk,) = chunks_of_columns(channel, [start, start + 4, start + 10], [1, 2, 3], SampleType.U16, "be")
        (item,) = read_chunk(chunk)
        assert chunk.raw()[2:] == item.SerializeToString()
        assert isinstance(item, TimestampedData)
        assert item.timestamp_deltas_scale == 2
        times, values = decode_timestamped(item, SampleType.U16, "be")
        assert times.tolist() == [start, start + 4, start + 10]
        assert values.tolist() == [1, 2, 3]


def test_periodic_samples_that_are_apart_by_more_are_in_results_of_their_own():
    (chunk,) = chunks_of_columns(3, [0, 10, 20, 35, 45], [1, 2, 3, 4, 5], SampleType.U8, interval=10)
    assert [(i.start_timestamp, i.interval, i.samples, i.buffer) for i in read_chunk(chunk)] == [
        (0, 10, 3, b"\x01\x02\x03"),
        (35, 10, 2, b"\x04\x05"),
    ]


def test_more_times_than_values_are_refused():
    with pytest.raises(ValueError, match="as many times as values"):
        chunks_of_columns(1, [1, 2], [1.0])
    with pytest.raises(ValueError, match="outside u8"):
        chunks_of_columns(1, [1, 2], [1, 256], SampleType.U8)
