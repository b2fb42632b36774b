"""Thresholds: when a value is an alarm, and when it no longer is."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest

from rta.stream.clock import LIVE, StreamClock
from rta.wire.values import Ns

from .alarms import BASE, Story


def test_a_value_above_the_limit_raises_and_one_at_the_limit_clears():
    story = Story(above=110.0).sample(1, 110.0).sample(2, 110.1).sample(3, 111.0).sample(4, 110.0)
    assert story.told == [(2, True), (4, False)]
    assert [change.values for change in story.changes] == [
        {"value": 110.1, "above": 110.0},
        {"value": 110.0, "above": 110.0},
    ]


def test_a_value_below_the_limit_raises():
    assert Story(below=60).sample(1, 60).sample(2, 59.9).sample(3, 60).told == [(2, True), (3, False)]


def test_with_both_limits_either_raises_and_only_what_is_between_them_clears():
    story = Story(above=110, below=60).sample(1, 59).sample(2, 111).sample(3, 80).sample(4, 112)
    assert story.told == [(1, True), (3, False), (4, True)]


def test_within_the_hysteresis_everything_stays_as_it_is():
    story = Story(above=110, hysteresis=5).sample(1, 109).sample(2, 111).sample(3, 106).sample(4, 105).sample(5, 109)
    assert story.told == [(2, True), (4, False)]


def test_it_is_raised_when_it_has_lasted_whether_or_not_samples_come():
    assert Story(above=110, for_="10s").sample(1, 111).sample(5, 112).sample(20, 111).told == [(11, True)]
    assert Story(above=110, for_="10s").sample(1, 111).until(20).told == [(11, True)]


def test_what_did_not_last_is_no_alarm():
    assert Story(above=110, for_="10s").sample(1, 111).sample(10.9, 110).sample(11.5, 111).until(21.4).told == []


def test_it_is_over_when_it_has_been_fine_for_long_enough():
    story = Story(above=110, clear_for="5s").sample(1, 111).sample(2, 100).sample(4, 111).sample(6, 100).until(20)
    assert story.told == [(1, True), (11, False)]


def test_an_unknown_value_neither_raises_nor_clears_and_lets_what_was_to_be_begin_anew():
    story = Story(above=110, for_="10s").sample(1, 111).sample(5, None).sample(6, 111).until(15.9)
    assert story.told == []
    assert story.until(16).sample(17, None).until(100).told == [(16, True)]


@pytest.mark.parametrize("value", ["hot", nan, inf, 10**400, ""])
def test_what_is_no_number_is_unknown_and_counted(value):
    story = Story(above=110).sample(1, 111).sample(2, value)
    assert story.told == [(1, True)]
    assert story.watch.counts["no_number"] == 1


def test_true_is_one():
    assert Story(above=0.5).sample(1, True).sample(2, False).told == [(1, True), (2, False)]


def test_a_value_that_is_too_old_is_unknown():
    story = Story(above=110, for_="10s", max_age="4s").sample(1, 111).sample(4, 111).until(30)
    assert story.told == []
    assert story.sample(31, 111).sample(34, 111).sample(37, 111).sample(40, 111).until(50).told == [(41, True)]


def test_samples_that_come_late_are_judged_by_their_own_times():
    story = Story(above=110, for_="10s").sample(5, 111, ts=1).sample(14, 100, ts=10)
    assert story.until(60).told == []
    assert story.sample(61, 111, ts=50).sample(62, 100, ts=60).told == [(60, True), (60, False)]


def test_what_is_told_after_our_clock_was_first_is_no_earlier():
    story = Story(above=110, for_="10s").sample(1, 111).until(11).sample(12, 100, ts=5)
    assert story.told == [(11, True), (11, False)]


def test_old_samples_alone_do_not_make_it_last():
    assert Story(above=110, for_="10s").sample(100, 111, ts=5).until(109).told == []


def test_a_sample_older_than_the_newest_changes_nothing_and_is_counted():
    story = Story(above=110).sample(5, 100).sample(6, 111, ts=4)
    assert story.told == []
    assert story.watch.counts["out_of_order"] == 1


def test_a_sample_from_the_future_counts_now_and_shuts_out_none_that_follow():
    story = Story(above=110).sample(1, 111, ts=86400).sample(2, 100)
    assert story.told == [(1, True), (2, False)]


@pytest.mark.parametrize("step", [3600.0, -3600.0, 2.0])
def test_a_clock_that_is_set_raises_nothing_and_leaves_what_is_active(step):
    story = Story(above=110, for_="10s").sample(1, 111)
    story.ahead = step
    assert story.until(5).sample(6, 111).until(15.9).told == []
    assert [active for _, active in story.until(16).told] == [True]
    story.ahead = 0.0
    assert [active for _, active in story.until(20).told] == [True]
    assert [active for _, active in story.sample(21, 100).told] == [True, False]


def test_durations_are_in_the_time_of_a_session_that_keeps_its_own():
    kept = StreamClock(Ns(BASE - 10**15), Ns(BASE + 2 * 10**9), Fraction(10))
    story = Story(above=110, for_="10s").clock(2, kept).sample(2, 111, ts=-(10**6)).until(2.99)
    assert story.told == []
    assert story.until(3).told == [(-(10**6) + 10, True)]


def test_another_session_begins_anew_and_clears_by_its_own_values_only():
    story = Story(above=110, for_="10s").sample(1, 111).clock(5, LIVE).sample(6, 111).until(15)
    assert story.told == []
    assert story.until(16).clock(17, LIVE).until(30).sample(31, 100).told == [(16, True), (31, False)]


def test_components_are_judged_one_by_one():
    story = Story(above=110, components={"sg/1": "parameter:A", "sg/2": "parameter:B"})
    story.sample(1, 111, component="sg/1").sample(2, 100, component="sg/2").sample(3, 1, component="sg/3")
    assert [(change.component, change.active) for change in story.changes] == [("sg/1", True)]
    assert story.watch.counts["unknown"] == 1


def test_thousands_of_components_are_one_alarm_each():
    story = Story(above=1, for_="1s", components={f"sg/{i}": f"channel:{i}" for i in range(5000)})
    for i in range(5000):
        story.sample(1, i, component=f"sg/{i}")
    assert len(story.until(2).changes) == 4998
