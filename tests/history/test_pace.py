"""How much may be on its way at once."""

from __future__ import annotations

from rta.history.pace import Pace


def deliver(pace: Pace, bytes_per_second: float, distance: float, rounds: int) -> float:
    """Fill a line of which the other end is `distance` seconds away; the longest that one more message would wait."""
    wait = 0.0
    for _ in range(rounds):
        size = pace.message
        ahead = max(pace.allowed, size)
        wait = ahead / bytes_per_second
        pace.acknowledged(size, distance + wait)
    return wait


def test_a_fast_line_is_filled():
    pace = Pace()
    deliver(pace, 100e6, 0.001, 50)
    assert (pace.allowed, pace.message) == (512 << 10, 64 << 10)


def test_a_distant_one_too():
    pace = Pace()
    deliver(pace, 100e6, 0.7, 50)
    assert pace.allowed == 512 << 10


def test_on_a_slow_line_little_is_ahead_of_what_is_urgent():
    pace = Pace()
    pace.acknowledged(100, 0.05)
    assert deliver(pace, 12_500, 0.05, 50) < 1.0


def test_there_is_always_something_on_its_way():
    pace = Pace()
    pace.acknowledged(100, 0.0)
    for _ in range(100):
        pace.acknowledged(4096, 60.0)
    assert pace.allowed == pace.message == 4096
