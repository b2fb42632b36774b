"""What time it is for streams."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.stream.clock import LIVE, StreamClock, Tempo
from rta.wire import SessionModel
from rta.wire.values import Ns

SECOND = 1_000_000_000


def kept(first: int, wall: int, speed: str) -> StreamClock:
    return StreamClock(Ns(first), Ns(wall), Fraction(speed))


def tempo(**details: object) -> Tempo | None:
    return Tempo.from_session(SessionModel("s", details=details))


def test_live_stream_time_is_wall_time() -> None:
    assert LIVE.now(Ns(17)) == 17
    assert LIVE.wall_at(Ns(17)) == 17


def test_kept_time_runs_at_its_speed_from_the_first_sample_on() -> None:
    clock = kept(1000 * SECOND, 5 * SECOND, "3600")
    assert clock.now(Ns(5 * SECOND)) == 1000 * SECOND
    assert clock.now(Ns(7 * SECOND)) == 8200 * SECOND


def test_kept_time_stands_still_before_it_begins() -> None:
    assert kept(1000, 500, "2").now(Ns(0)) == 1000


def test_nothing_is_lost_to_rounding_over_years() -> None:
    years = 10 * 365 * 86_400 * SECOND
    assert kept(7, 0, "1.1").now(Ns(years)) == 7 + years * 11 // 10


@given(
    first=st.integers(-(10**18), 10**18),
    span=st.integers(0, 10**18),
    speed=st.fractions(Fraction(1, 1000), 10**6, max_denominator=1000),
)
def test_a_timer_set_for_a_stream_time_never_wakes_before_it_nor_a_moment_late(
    first: int, span: int, speed: Fraction
) -> None:
    clock = StreamClock(Ns(first), Ns(12_345), speed)
    wall = clock.wall_at(Ns(first + span))
    assert clock.now(wall) >= first + span
    assert wall == clock.wall or clock.now(Ns(wall - 1)) < first + span


def test_a_session_is_live_unless_it_says_otherwise() -> None:
    assert Tempo.from_session(SessionModel("s")) is None
    assert tempo(driver="A. Smith", time="noon") is None


def test_a_session_that_keeps_its_time_says_how_fast_it_is_played() -> None:
    assert tempo(time="kept") == Tempo(Fraction(1), Ns(0))
    assert tempo(time="kept", speed=0.1, delay=0.5) == Tempo(Fraction(1, 10), Ns(SECOND // 2))


@pytest.mark.parametrize("wrong", [0, -1, True, "fast", None, float("nan"), float("inf"), 10**400, [1]])
def test_numbers_that_make_no_sense_count_as_absent(wrong: object) -> None:
    assert tempo(time="kept", speed=wrong) == Tempo()


@pytest.mark.parametrize("wrong", [-1, "late", None, float("nan"), float("inf"), {}])
def test_a_delay_that_makes_no_sense_counts_as_none(wrong: object) -> None:
    assert tempo(time="kept", delay=wrong) == Tempo()
