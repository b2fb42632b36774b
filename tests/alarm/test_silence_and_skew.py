"""Sources that say nothing, and sources whose clock is wrong."""

from __future__ import annotations

from fractions import Fraction

from rta.rsmp.message import PLAIN
from rta.stream.clock import LIVE, StreamClock
from rta.stream.sample import Sample
from rta.wire.values import Ns

from .alarms import BASE, CODE, Story, alarm

KEPT = StreamClock(Ns(BASE - 10**15), Ns(BASE), Fraction(10))


def test_silence_is_raised_by_time_alone_and_ends_with_a_sample():
    story = Story(silent="10s").sample(1, 5).sample(3, 5).until(12.9)
    assert story.told == []
    assert story.until(60).sample(61, 6).told == [(13, True), (61, False)]
    assert story.changes[0].values == {"silent": 10.0, "last": "2023-11-14T22:13:23.000Z"}


def test_a_source_that_never_said_anything_is_silent():
    story = Story(silent="10s").until(60)
    assert story.told == [(10, True)]
    assert story.changes[0].values == {"silent": 10.0, "last": None}


def test_a_sample_without_a_value_is_a_sample():
    assert Story(silent="10s").sample(8, None).sample(16, "x").until(25).told == []


def test_a_sample_counts_when_it_comes_however_old_it_is():
    assert Story(silent="10s").sample(8, 1, ts=-3600).sample(16, 1, ts=-7200).until(25).told == []


def test_a_clock_that_is_set_makes_nobody_silent():
    story = Story(silent="10s").sample(1, 5)
    story.ahead = 3600.0
    assert story.until(10.9).told == []
    assert len(story.until(11).told) == 1


def test_a_session_played_at_ten_times_the_speed_is_silent_after_a_tenth():
    story = Story(silent="10s").clock(5, KEPT).sample(5, 1).until(5.9)
    assert story.told == []
    assert [active for _, active in story.until(6).told] == [True]


def test_another_session_does_not_end_a_silence_but_its_samples_do():
    story = Story(silent="10s").until(10).clock(11, LIVE)
    assert story.told == [(10, True)]
    assert story.sample(12, 1).told == [(10, True), (12, False)]


def test_a_source_whose_clock_is_wrong_is_found_out_after_a_while():
    story = Story(skew="5s", for_="10s").sample(1, 0, ts=8).sample(6, 0, ts=13).until(20)
    assert story.told == [(11, True)]
    assert story.changes[0].values == {"skew": 7.0, "limit": 5.0}
    assert Story(skew="5s", for_="10s").sample(10, 0, ts=1).sample(15, 0, ts=6).sample(20, 0, ts=11).told == [
        (20, True)
    ]


def test_a_skew_that_is_not_said_to_last_lasts_ten_seconds():
    assert Story(skew="5s").sample(1, 0, ts=8).until(10.9).told == []
    assert Story(skew="5s").sample(1, 0, ts=8).until(11).told == [(11, True)]


def test_a_skew_is_over_when_it_is_back_within_the_hysteresis():
    story = Story(skew="5s", hysteresis=2, for_=0).sample(1, 0, ts=8).sample(2, 0, ts=6).sample(3, 0, ts=6)
    assert story.told == [(1, True), (3, False)]


def test_of_samples_that_come_together_the_newest_counts_wherever_it_stands():
    story = Story(skew="5s", for_=0)
    samples = [Sample(Ns(BASE + ts * 10**9), "value", PLAIN, 0) for ts in (1, 19, 3)]
    assert story.watch.feed(CODE, samples, story.now(20)) == []


def test_of_late_data_the_newest_counts():
    story = Story(skew="5s", for_=0)
    early = [s.sample(20, 0, ts=ts) for s, ts in ((Story(skew="5s", for_=0), 1), (story, 19))]
    assert [len(s.told) for s in early] == [1, 0]


def test_a_session_that_keeps_its_time_has_no_skew_and_ends_what_there_was():
    story = Story(skew="5s", for_=0).sample(1, 0, ts=100).clock(2, KEPT).sample(3, 0, ts=-(10**6))
    assert story.told == [(1, True), (2, False)]


def test_for_silence_it_does_not_matter_what_a_topic_says():
    assert alarm(from_="topic:plant/x", silent="10s").binding.heard_only
    assert not alarm(from_="topic:plant/x", above=1).binding.heard_only
