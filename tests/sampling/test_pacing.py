"""Which clock samples live by, and when each of them is due."""

from __future__ import annotations

from fractions import Fraction

from rta.rsmp.message import PLAIN
from rta.sampling.pacing import SamplePacer, SampleSchedule
from rta.stream.clock import LIVE, StreamClock, Tempo
from rta.stream.sample import Sample
from rta.wire.values import Ns

SECOND = 1_000_000_000
WALL = Ns(2_000_000_000 * SECOND)
TWICE = Tempo(Fraction(2), Ns(3 * SECOND))


def sample(seconds: float) -> Sample:
    return Sample(Ns(round(seconds * SECOND)), "v", PLAIN, seconds)


def test_a_live_session_lives_by_the_wall_clock():
    assert SamplePacer().clock({"a": [sample(1)]}, None, WALL, at_newest=False) is LIVE


def test_a_clock_begins_with_the_oldest_or_the_newest_of_its_first_samples_and_stays():
    found = {"a": [sample(5), sample(7)], "b": [sample(6)]}
    for at_newest, first in ((False, 5), (True, 7)):
        pacer = SamplePacer()
        clock = pacer.clock(found, TWICE, WALL, at_newest)
        assert clock == StreamClock(Ns(first * SECOND), Ns(WALL + 3_100_000_000), Fraction(2))
        assert pacer.clock({"a": [sample(1)]}, TWICE, Ns(WALL + SECOND), at_newest) is clock


def test_another_run_has_another_clock():
    pacer = SamplePacer()
    before = pacer.clock({"a": [sample(5)]}, TWICE, WALL, at_newest=False)
    pacer.begin_anew()
    assert pacer.clock({"a": [sample(5)]}, TWICE, Ns(WALL + SECOND), at_newest=False) != before


def test_samples_are_due_in_the_order_of_their_times_and_those_of_one_moment_together():
    clock = StreamClock(Ns(5 * SECOND), WALL, Fraction(2))
    schedule = SampleSchedule({"a": [sample(9), sample(5)], "b": [sample(7), sample(5)]}, clock)
    assert schedule.wait(WALL) == 0
    assert schedule.pop_due(WALL) == {"a": [sample(5)], "b": [sample(5)]}
    assert schedule.wait(WALL) == 1
    assert schedule.pop_due(Ns(WALL + SECOND)) == {"b": [sample(7)]}
    assert len(schedule) == 1
    assert schedule.pop_due(Ns(WALL + 9 * SECOND)) == {"a": [sample(9)]}
    assert not len(schedule)


def test_a_sample_that_is_minutes_ahead_is_not_waited_for():
    schedule = SampleSchedule({"a": [sample(1000)]}, StreamClock(Ns(0), WALL))
    assert schedule.wait(WALL) == 0
    assert schedule.pop_due(WALL) == {"a": [sample(1000)]}
