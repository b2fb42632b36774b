"""Credentials end when the wall clock says so, unless it has only just jumped there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rta.actors.credential_ends import CredentialEnds

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def due(ends: CredentialEnds, after: float, ahead: float = 0.0) -> list[int]:
    """At so many seconds, where the wall clock is so many ahead of what it should be."""
    return ends.due(START + round((after + ahead) * SECOND), after)


def ending(*seconds: float) -> CredentialEnds:
    ends = CredentialEnds()
    for number, second in enumerate(seconds):
        ends.add(number, START + round(second * SECOND))
    due(ends, 0.0)
    return ends


def test_each_is_said_once_when_it_has_ended() -> None:
    ends = ending(3, 1, 2)
    assert due(ends, 0.5) == []
    assert due(ends, 1.0) == [1]
    assert due(ends, 5.0) == [2, 0]
    assert due(ends, 9.0) == []


def test_what_had_ended_before_is_due_at_once() -> None:
    assert CredentialEnds().due(START, 5.0) == []
    ends = CredentialEnds()
    ends.add(7, START - 1)
    assert due(ends, 0.0) == [7]


def test_a_clock_that_jumps_ahead_and_is_put_right_signs_nobody_out() -> None:
    ends = ending(60, 3600)
    for step in range(1, 16):
        assert due(ends, step * 0.5, ahead=86_400.0) == []
    for step in range(16, 119):
        assert due(ends, step * 0.5) == []
    assert due(ends, 60.0) == [0]


def test_a_clock_that_stays_where_it_has_jumped_is_believed() -> None:
    ends = ending(60, 3600)
    assert due(ends, 1.0, ahead=100.0) == []
    assert due(ends, 10.5, ahead=100.0) == []
    assert due(ends, 11.0, ahead=100.0) == [0]
    assert due(ends, 3500.5, ahead=100.0) == [1]


def test_a_clock_that_was_ahead_and_is_put_back_is_believed_too() -> None:
    ends = CredentialEnds()
    ends.add(0, START + 100 * SECOND)
    assert due(ends, 0.0, ahead=80.0) == []
    assert due(ends, 30.0) == []
    assert due(ends, 99.0) == []
    assert due(ends, 100.0) == [0]


def test_a_clock_that_is_slewed_or_late_is_no_jump() -> None:
    ends = ending(10)
    for step in range(1, 20):
        assert due(ends, step * 0.5, ahead=step * 0.01) == []
    assert due(ends, 30.0, ahead=0.5) == [0]


@given(st.lists(st.tuples(st.floats(0.01, 30.0), st.floats(-1e6, 1e6)), max_size=30), st.floats(0.1, 100.0))
def test_however_often_it_jumps_once_it_is_right_and_steady_whoever_has_ended_is_told(
    jumps: list[tuple[float, float]], end: float
) -> None:
    ends = ending(end)
    now, told = 0.0, []
    for elapsed, ahead in jumps:
        now += elapsed
        told += due(ends, now, ahead)
    now = max(now, end)
    for _ in range(23):
        now += 0.5
        told += due(ends, now)
    assert told == [0]
