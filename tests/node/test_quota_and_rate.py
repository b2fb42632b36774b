"""How often something may be asked, and how much there was a second."""

from __future__ import annotations

import pytest

from rta.node.rate import Rate
from rta.node.token_bucket import TokenBucket


def test_so_many_at_once_and_then_as_they_fill_up():
    quota = TokenBucket(rate=10, burst=5)
    assert [quota.acquire(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert quota.acquire(0.1)
    assert not quota.acquire(0.1)
    assert [quota.acquire(100.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_clock_that_goes_back_fills_nothing():
    quota = TokenBucket(rate=10, burst=1)
    assert quota.acquire(10.0)
    assert not quota.acquire(5.0)


def test_a_rate_is_of_the_last_minute():
    rate = Rate(0.0)
    for second in range(600):
        rate.add(3, float(second))
    assert rate.per_second(600.0) == pytest.approx(3.0)
    assert rate.per_second(700.0) == 0.0


def test_a_young_rate_is_of_the_time_there_was():
    rate = Rate(1000.0)
    for second in range(1000, 1010):
        rate.add(3, float(second))
    assert rate.per_second(1010.0) == pytest.approx(3.0)


def test_what_comes_after_a_pause_counts_alone():
    rate = Rate(0.0)
    for second in (*range(60), *range(1000, 1010)):
        rate.add(3, float(second))
    assert rate.per_second(1010.0) == pytest.approx(30 / 60, rel=0.1)
