"""Slices of time cover all there is, once."""

from __future__ import annotations

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.export.slices import TimeSlices
from rta.wire.values import TimeRange

SECOND = 10**9
TIMES = st.lists(st.integers(-(10**12), 10**12), max_size=60).map(sorted)
BOUND = st.none() | st.integers(-(10**12), 10**12)


@given(TIMES, BOUND, BOUND, st.none() | st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), st.integers(1, 10))
def test_they_cover_every_time_of_the_range_once_whatever_is_known_of_the_data(times, start, end, known, aim):
    slices = TimeSlices(start, end, None if known is None else TimeRange(min(known), max(known)), aim)
    covered = []
    for _ in range(1000):
        if slices.over:
            break
        low, high = slices.current
        begin = 0 if low is None else bisect.bisect_left(times, low)
        inside = times[begin : len(times) if high is None else bisect.bisect_right(times, high)]
        if len(inside) > 4 * aim and slices.split(inside[0], inside[-1]):
            continue
        covered += inside
        slices.end(len(inside))
    assert slices.over
    assert covered == [t for t in times if (start is None or t >= start) and (end is None or t <= end)]


def test_many_samples_of_one_moment_are_one_slice():
    slices = TimeSlices(5, 5, TimeRange(0, 10), 1)
    assert not slices.split(5, 5)
    slices.end(100)
    assert slices.over


@pytest.mark.parametrize("rate", [10, 100_000])
def test_they_become_as_long_as_the_data_allow(rate):
    slices = TimeSlices(None, None, TimeRange(0, 100_000 * SECOND), 100_000)
    begin, longest = 0, 0
    while not slices.over and begin < 10_000 * SECOND:
        end = slices.current[1]
        if end is None:
            break
        longest = max(longest, end - begin + 1)
        slices.end(rate * (end - begin + 1) // SECOND)
        begin = end + 1
    assert 0.5 < longest * rate / SECOND / 100_000 < 20
