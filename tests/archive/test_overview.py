"""Overviews count every sample in the stretch that it is of, whatever they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.archive import Stretches, chunks_of_columns, combine_overviews, pack_overview, read_series, values_of
from rta.errors import MalformedError
from rta.wire import ByteOrder, ChannelId, SampleType

SECOND = 10**9
GOOD = pack_overview(np.arange(2), np.arange(2.0))
Columns = tuple[list[int], list[int], list[int], list[float], list[float], list[float]]

steps = st.sampled_from([1, 999, 10**6, 10**7, 333_333_333, 5 * SECOND])
begins = st.sampled_from([0, -7, 1620129055 * SECOND + 123, -(1 << 63), -2_000_000_001, (1 << 63) - 1 - 3000 * SECOND])
moments = st.integers(-(1 << 63), (1 << 63) - 1)


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Times that rise, and whole numbers, so that sums are exact; some NaN."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    size, step = draw(st.sampled_from([1, 2, 40, 600])), draw(steps)
    times = draw(begins) + np.cumsum(random.choice([0, 1, 1, 1, 30], size)) * np.int64(step // 30 + 1)
    values = random.integers(-1000, 1000, size).astype(np.float64)
    values[random.random(size) < draw(st.sampled_from([0.0, 0.1, 1.0]))] = np.nan
    return times, values


def naive(times: Any, values: Any, start: int, length: int, count: int) -> Columns:
    rows = []
    for i in range(count):
        begin, end = start + i * length, start + (i + 1) * length
        inside = [v for t, v in zip(times.tolist(), values.tolist(), strict=True) if begin <= t < end and v == v]
        if inside:
            rows.append((begin, end, len(inside), min(inside), max(inside), float(np.sum(inside)) / len(inside)))
    return tuple(map(list, zip(*rows, strict=True))) or ([],) * 6  # type: ignore[return-value]


def parts(times: Any, values: Any, size: int) -> list[tuple[Any, Any]]:
    return [(times[i : i + size], values[i : i + size]) for i in range(0, len(times), size)]


@given(samples(), st.sampled_from([7, 50, 1000]), st.integers(1, 40), st.data())
def test_each_sample_is_in_its_stretch(columns: Any, size: int, points: int, data: st.DataObject):
    times, values = columns
    inside = st.integers(max(-(1 << 63), int(times[0]) - 50), min((1 << 63) - 1, int(times[-1]) + 50))
    start, end = sorted([data.draw(st.one_of(inside, moments)), data.draw(st.one_of(inside, moments))])
    stretches = Stretches.covering(start, end, points)
    first, length, count = stretches.start, stretches.length, stretches.count
    assert first <= start
    assert end < stretches.end
    assert count <= max(points, 2 if end - start < 1 << 62 else 4)
    for some_times, some_values in parts(times, values, size):
        if data.draw(st.booleans()) or not stretches.add(pack_overview(some_times, some_values)):
            stretches.add_samples(some_times, some_values)
    assert stretches.columns() == naive(times, values, first, length, count)


@given(samples(), st.sampled_from([7, 50, 1000]), st.integers(1, 3000), st.integers(-50, 50), st.integers(1, 9))
def test_other_stretches_are_filled_from_samples_where_buckets_are_cut(
    columns: Any, size: int, length: int, before: int, count: int
):
    times, values = columns
    length *= max(1, int(times[-1]) - int(times[0])) // 2000 + 1
    stretches = Stretches(int(times[0]) - before, length, count)
    for some_times, some_values in parts(times, values, size):
        if not stretches.add(pack_overview(some_times, some_values)):
            stretches.add_samples(some_times, some_values)
    assert stretches.columns() == naive(times, values, int(times[0]) - before, length, count)


@given(samples(), st.sampled_from([7, 50]), st.integers(1, 20))
def test_combined_overviews_say_the_same(columns: Any, size: int, points: int):
    times, values = columns
    overviews = [pack_overview(*part) for part in parts(times, values, size)]
    stretches = Stretches.covering(int(times[0]), int(times[-1]), points)
    combined = combine_overviews(overviews)
    if stretches.add(combined):
        assert stretches.columns() == naive(times, values, stretches.start, stretches.length, stretches.count)
    else:
        assert stretches.columns()[0] == []
    assert len(combined) < 30 * 515
    assert combine_overviews([combined]) == combined


def test_a_chunk_has_some_tens_of_buckets_each_of_some_tens_of_samples():
    for interval in (10**6, 10**7, 33_333_333):
        times = 1620129055 * SECOND + np.arange(7000) * interval
        packed = pack_overview(times, np.arange(7000.0))
        assert 13 <= (len(packed) - 13) / 30 <= 64
        stretches = Stretches.covering(int(times[0]), int(times[-1]), 14)
        assert stretches.add(packed)
        assert sum(stretches.columns()[2]) == 7000


def test_stretches_are_about_as_many_as_are_asked_for():
    for span in (1, 999, 86_400 * SECOND, 3600 * SECOND):
        for points in (10, 100, 2000):
            start = 1620129055 * SECOND
            count = Stretches.covering(start, start + span, points).count
            assert min(points, span) // 3 <= count <= points


def test_the_order_of_samples_does_not_matter():
    times, values = np.array([50, 10, 30]), np.array([5.0, 1.0, 3.0])
    assert pack_overview(times, values) == pack_overview(np.sort(times), np.sort(values))
    stretches = Stretches(0, 20, 2)
    stretches.add_samples(times, values)
    assert stretches.columns()[2:] == ([1, 1], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0])


def test_infinities_are_kept():
    stretches = Stretches.covering(0, 99, 2)
    stretches.add(pack_overview(np.arange(4), np.array([np.inf, 1.0, -np.inf, np.nan])))
    starts, _, counts, minima, maxima, means = stretches.columns()
    assert (starts, counts, minima, maxima) == ([0], [3], [-np.inf], [np.inf])
    assert np.isnan(means[0])


@pytest.mark.parametrize(("kind", "order"), [(SampleType.S16, "be"), (SampleType.F32, "le"), (SampleType.U32, "be")])
def test_the_values_are_those_of_the_type_of_the_channel(kind: SampleType, order: ByteOrder):
    values = [1, 2, 77, 30_000]
    (chunk,) = chunks_of_columns(4, [1, 2, 3, 4], values, kind, order)
    types = {ChannelId(4): (kind, order)}
    series = read_series(chunk.kind, 4, chunk.raw(), types)
    raw = values_of(4, series, types)
    assert raw is not None
    assert raw.tolist() == values
    stretches = Stretches.covering(1, 4, 2)
    assert stretches.add(pack_overview(series.times, raw))
    assert stretches.columns()[2:] == ([4], [1], [30_000], [30_080 / 4])


def test_samples_of_an_unknown_channel_are_read_by_their_width():
    (chunk,) = chunks_of_columns(4, [1, 2], [0.5, 0.25], SampleType.F32)
    raw = values_of(4, read_series(chunk.kind, 4, chunk.raw(), {}), {})
    assert raw is not None
    assert raw.tolist() == [0.5, 0.25]


@given(st.binary(max_size=60))
def test_any_bytes_are_an_overview_or_malformed(raw: bytes):
    stretches = Stretches.covering(0, 10, 5)
    for packed in (raw, b"\x01" + raw, GOOD[:13] + raw):
        try:
            stretches.add(packed)
        except MalformedError:
            pass


@pytest.mark.parametrize(
    "raw", [b"", GOOD[:-1], b"\x02" + GOOD[1:], GOOD[:1] + b"\x08" + GOOD[2:], GOOD[:2] + b"\xff" + GOOD[3:]]
)
def test_what_is_no_overview_is_malformed(raw: bytes):
    with pytest.raises(MalformedError) as e:
        Stretches.covering(0, 10, 5).add(raw)
    assert e.value.kind == "overview"
