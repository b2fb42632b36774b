"""The time range that is told of a session: what cannot be right does not stretch it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rta.clock_bounds import ClockBounds
from rta.session.session_range import SessionRange
from rta.wire import TimeRange

from .simulation import MS, Table, json_data, range_data, samples

NOW = MS * 1_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
YEAR = 365 * DAY
BOOTED = 30 * SECOND
"""A clock that was never set, half a minute after the start."""


def told(*spans: tuple[int, int], arrived_ms: int = MS) -> TimeRange | None:
    known = SessionRange(ClockBounds())
    for start, end in spans:
        known.expand(TimeRange(start, end), arrived_ms)
    return known.told


def test_a_range_far_from_its_arrival_stretches_nothing() -> None:
    right = (NOW - 60 * SECOND, NOW)
    for wrong in (BOOTED, NOW + 14 * YEAR):
        assert told(right, (wrong, wrong)) == TimeRange(*right)
        assert told((wrong, wrong), right) == TimeRange(*right)
        assert told(right, (wrong, wrong), (NOW, NOW + SECOND)) == TimeRange(NOW - 60 * SECOND, NOW + SECOND)


def test_of_a_range_with_one_end_far_away_the_other_counts() -> None:
    assert told((BOOTED, NOW)) == TimeRange(NOW, NOW)
    assert told((NOW - SECOND, NOW + 14 * YEAR), (NOW, NOW)) == TimeRange(NOW - SECOND, NOW)


def test_a_session_in_a_time_of_its_own_has_all_of_it() -> None:
    assert told((0, SECOND), (SECOND, 9 * SECOND), (2 * SECOND, 3 * SECOND)) == TimeRange(0, 9 * SECOND)
    assert told((NOW - 14 * YEAR, NOW - 14 * YEAR), (NOW, NOW)) == TimeRange(NOW - 14 * YEAR, NOW)


def test_without_bounds_or_an_arrival_everything_counts() -> None:
    assert told((BOOTED, BOOTED), (NOW, NOW), arrived_ms=0) == TimeRange(BOOTED, NOW)
    known = SessionRange(ClockBounds(None, None))
    assert all(known.expand(TimeRange(t, t), MS) for t in (BOOTED, NOW, NOW + 14 * YEAR))
    assert (known.told, known.odd) == (TimeRange(BOOTED, NOW + 14 * YEAR), None)


def test_the_first_that_cannot_be_right_is_remembered() -> None:
    known = SessionRange(ClockBounds())
    assert known.expand(TimeRange(BOOTED, BOOTED), MS)
    assert known.odd is None
    assert known.expand(TimeRange(NOW, NOW), MS)
    assert known.odd == TimeRange(BOOTED, BOOTED)
    assert not known.expand(TimeRange(1, 1), MS)
    assert known.odd == TimeRange(BOOTED, BOOTED)


times = st.one_of(st.integers(0, 9), st.integers(NOW - 9, NOW + 9), st.integers(NOW + 2 * DAY, NOW + 2 * DAY + 9))
spans = st.lists(st.tuples(times, times).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=8)


@given(spans)
def test_what_is_told_is_of_the_times_that_can_be_right_if_there_are_any(given: list[tuple[int, int]]) -> None:
    ends = [t for span in given for t in span]
    right = [t for t in ends if NOW - 9 <= t <= NOW + 9]
    counted = right or ends
    assert told(*given) == TimeRange(min(counted), max(counted))


def test_clients_are_told_so_and_the_bursts_stay_as_they_are() -> None:
    table = Table()
    table.publish(json_data('{"identity":"s","state":"open"}'), range_data(NOW - SECOND, NOW))
    odd = table.publish(samples(1, 1), range_data(BOOTED, NOW))
    assert table.feed.summary.time_range == TimeRange(NOW - SECOND, NOW)
    assert table.counters.odd_ranges == 1
    assert odd.burst.time_range == TimeRange(BOOTED, NOW)
    actor = table.following()
    assert actor.socket.received.time_ranges == [TimeRange(NOW - SECOND, NOW)]
