"""When a clock counts as set: by how much the wall clock leads or lags behind the steady one between two looks."""

from __future__ import annotations

import pytest

from rta.stream.clock_step import ClockStepDetector
from rta.wire.values import Ns

SECOND = 1_000_000_000


def detector() -> ClockStepDetector:
    return ClockStepDetector(Ns(100 * SECOND), 5.0, back=1.0, forward=10.0)


@pytest.mark.parametrize("seconds", [-1, 0, 0.5, 10])
def test_a_difference_within_the_limits_is_no_step(seconds):
    assert detector().step(Ns(round((160 + seconds) * SECOND)), 65.0) is None


@pytest.mark.parametrize("seconds", [-3600, -1.5, 10.5, 3600])
def test_a_difference_beyond_a_limit_is_a_step_of_that_many_seconds(seconds):
    assert detector().step(Ns(round((160 + seconds) * SECOND)), 65.0) == pytest.approx(seconds)


def test_a_step_is_told_once():
    watched = detector()
    assert watched.step(Ns(3700 * SECOND), 5.0) == 3600
    assert watched.step(Ns(3701 * SECOND), 6.0) is None


def test_small_differences_do_not_add_up():
    watched = detector()
    wall, steady = 100.0, 5.0
    for _ in range(20):
        wall, steady = wall + 0.1, steady + 1.0
        assert watched.step(Ns(round(wall * SECOND)), steady) is None
