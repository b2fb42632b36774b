"""Full updates and deltas."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rta.rsmp.message import Component, Value
from rta.stream.definition import AttributeDefinition, Trigger

from .engine_scene import Scene, sample, seconds, span, stream, told

CHANGE, ALONG = Trigger.CHANGE, Trigger.ALONG
A, B = AttributeDefinition("a"), AttributeDefinition("b")
BOTH = {"a": CHANGE, "b": CHANGE}
GROUPS = AttributeDefinition("a", components=(Component("sg/1"), Component("sg/2")))


def begun(definition: Any = None, *attributes: AttributeDefinition) -> Scene:
    """With `a` = 1, known from the beginning."""
    scene = Scene(definition or stream(), *attributes, started=False)
    scene.samples((-1, "a", 1))
    scene.beginning = scene.stream.start(seconds(0), scene.wall)
    return scene


def test_a_start_sends_what_is_known() -> None:
    assert told(begun().beginning) == [(0, {"a": 1}, 1)]


def test_a_start_sends_null_for_what_is_not_known() -> None:
    scene = Scene(stream(attributes={"a": CHANGE, "b": ALONG}), GROUPS, B)
    assert told(scene.beginning) == [(0, {"a": {"sg/1": None, "sg/2": None}, "b": None}, 1)]


def test_a_change_is_sent_with_the_time_of_its_sample() -> None:
    assert begun().samples((1.25, "a", 2)) == [(1.25, {"a": 2}, 2)]


def test_a_change_is_held_until_its_millisecond_is_over() -> None:
    scene = begun()
    assert scene.samples((1.0002, "a", 2), now=1.0009) == []
    assert scene.engine.due() == (seconds(1.001), None)
    assert scene.advance(1.001) == [(1.0002, {"a": 2}, 2)]


def test_changes_within_a_millisecond_are_one_event() -> None:
    scene = begun(stream(attributes=BOTH), A, B)
    scene.samples((0.5, "b", 5))
    found = scene.samples((1.0001, "a", 2), (1.0005, "b", 6), (1.0009, "a", 3), (1.001, "a", 4))
    assert found == [(1.0009, {"a": 3, "b": 6}, 3), (1.001, {"a": 4}, 4)]


def test_a_change_that_is_taken_back_within_a_millisecond_is_none() -> None:
    assert begun().samples((1.0001, "a", 2), (1.0002, "a", 1)) == []


def test_the_same_value_again_is_no_change() -> None:
    assert begun().samples((1, "a", 1), (2, "a", 1.0)) == []


def test_what_is_equal_after_rounding_is_no_change() -> None:
    scene = Scene(stream(), AttributeDefinition("a", round=1))
    assert scene.samples((1, "a", 2.04)) == [(1, {"a": 2.0}, 2)]
    assert scene.samples((2, "a", 1.96)) == []
    assert scene.samples((3, "a", 2.06)) == [(3, {"a": 2.1}, 3)]


@pytest.mark.parametrize(
    ("digits", "value", "sent"),
    [(0, 2.6, 3), (0, -0.4, 0), (2, 1.005, 1.0), (1, -0.04, 0.0), (1, "x", "x"), (0, True, True)],
)
def test_rounding(digits: int, value: Value, sent: Value) -> None:
    ((_, values, _),) = Scene(stream(), AttributeDefinition("a", round=digits)).samples((1, "a", value))
    assert (values["a"], str(values["a"])) == (sent, str(sent))


def test_true_is_not_one() -> None:
    assert begun().samples((1, "a", True)) == [(1, {"a": True}, 2)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, 10**400])
def test_what_is_not_finite_is_null(value: Value) -> None:
    assert begun().samples((1, "a", value)) == [(1, {"a": None}, 2)]


def test_only_what_changed_is_sent_and_whatever_goes_along() -> None:
    scene = begun(stream(attributes={"c": ALONG, "b": CHANGE, "a": CHANGE}), A, B, AttributeDefinition("c"))
    scene.samples((0.5, "b", 5))
    assert scene.samples((1, "c", 7)) == []
    assert scene.samples((2, "b", 6)) == [(2, {"b": 6, "c": 7}, 3)]


def test_only_the_components_that_changed_are_sent() -> None:
    scene = Scene(stream(attributes={"a": CHANGE, "b": ALONG}), GROUPS, B)
    assert scene.samples((1, "a", "sg/1", "red")) == [(1, {"a": {"sg/1": "red"}, "b": None}, 2)]
    assert scene.samples((2, "a", "sg/2", "red")) == [(2, {"a": {"sg/1": "red", "sg/2": "red"}, "b": None}, 3)]
    assert scene.samples((3, "a", "sg/2", "green")) == [(3, {"a": {"sg/2": "green"}, "b": None}, 4)]


def test_when_all_have_a_value_for_the_first_time_everything_is_sent() -> None:
    scene = begun(stream(attributes=BOTH), A, B)
    assert scene.samples((1, "b", 5)) == [(1, {"a": 1, "b": 5}, 2)]
    assert scene.samples((2, "b", None)) == [(2, {"b": None}, 3)]
    assert scene.samples((3, "b", 6)) == [(3, {"b": 6}, 4)]


def test_without_deltas_everything_is_sent_as_soon_as_all_have_a_value() -> None:
    scene = begun(stream(on_change=False, update=10, attributes=BOTH), A, B)
    assert scene.samples((1, "b", 5)) == [(1, {"a": 1, "b": 5}, 2)]
    assert scene.samples((2, "b", None), (3, "b", 6), now=10) == [(10, {"a": 1, "b": 6}, 3)]


def waiting(**settings: Any) -> Scene:
    return Scene(stream(attributes=BOTH, first_known=True, **settings), A, B)


@pytest.mark.parametrize("rates", [{}, {"on_change": False, "delta": 5}, {"on_change": False}])
def test_a_first_update_may_wait_until_all_have_a_value(rates: dict[str, Any]) -> None:
    scene = waiting(update=10, **rates)
    assert told(scene.beginning) == []
    assert scene.samples((1, "a", 1), (2, "a", 2), now=12) == []
    assert scene.stream.reconnected(seconds(12), scene.wall) == []
    assert scene.samples((13, "b", 5)) == [(13, {"a": 2, "b": 5}, 1)]
    assert scene.advance(20)[-1] == (20, {"a": 2, "b": 5}, 2)


def test_a_first_update_does_not_wait_for_what_is_known() -> None:
    scene = Scene(stream(attributes=BOTH, first_known=True), A, B, started=False)
    scene.samples((1, "a", 1), (1, "b", 2))
    assert told(scene.stream.start(seconds(2), scene.wall)) == [(2, {"a": 1, "b": 2}, 1)]


def test_what_goes_along_is_not_waited_for() -> None:
    scene = Scene(stream(attributes={"a": CHANGE, "b": ALONG}, first_known=True), A, B)
    assert scene.samples((1, "a", 1)) == [(1, {"a": 1, "b": None}, 1)]


def test_a_first_update_waits_for_a_while_only() -> None:
    scene = waiting(update=10, first_within=span(10))
    assert scene.samples((1, "a", 1), now=9.999) == []
    assert scene.advance(10) == [(10, {"a": 1, "b": None}, 1)]
    assert scene.samples((11, "b", 5)) == [(11, {"a": 1, "b": 5}, 2)]


def test_each_run_waits_anew() -> None:
    scene = Scene(stream(attributes=BOTH, first_known=True), AttributeDefinition("a", max_age=span(5)), B)
    assert scene.samples((1, "a", 1), (1, "b", 2)) == [(1, {"a": 1, "b": 2}, 1)]
    assert told(scene.stream.stop(seconds(10), scene.wall)) == [(6, {"a": None}, 2)]
    assert scene.stream.start(seconds(11), scene.wall) == []
    assert scene.samples((12, "a", 3)) == [(12, {"a": 3, "b": 2}, 1)]


def test_when_time_jumps_a_first_update_still_waits() -> None:
    scene = waiting(first_within=span(10))
    scene.samples((1, "a", 1))
    scene.engine.begin_anew(seconds(100))
    assert scene.samples((101, "b", 5), now=109) == []
    assert scene.samples((109, "a", 2)) == [(109, {"a": 2, "b": 5}, 1)]


def test_only_complete_messages_are_retained() -> None:
    scene = begun(stream(attributes={"a": CHANGE, "b": CHANGE, "c": ALONG}), A, B, AttributeDefinition("c"))
    taken = [sample(1, "b", 5), sample(2, "a", 2), sample(3, "a", 3), sample(3, "b", 3)]
    messages = [message for _, message in scene.engine.feed(taken, seconds(4), scene.wall)]
    assert [message.retain for message in messages] == [True, False, True]
    assert [message.events[-1].complete for message in messages] == [True, False, True]


def test_the_clock_sends_everything_at_each_boundary_whether_or_not_something_changed() -> None:
    scene = begun(stream(update=10))
    assert scene.advance(25) == [(10, {"a": 1}, 2), (20, {"a": 1}, 3)]
    assert scene.engine.due() == (seconds(30), None)


def test_a_start_between_boundaries_is_followed_by_the_next_one() -> None:
    scene = Scene(stream(update=10), begin=seconds(7))
    assert scene.advance(12) == [(10, {"a": None}, 2)]


def test_a_sample_on_a_boundary_is_behind_its_full_update() -> None:
    assert begun(stream(update=10)).samples((10, "a", 2)) == [(10, {"a": 1}, 2), (10, {"a": 2}, 3)]


def test_a_change_in_the_last_millisecond_before_a_boundary_is_sent_before_it() -> None:
    assert begun(stream(update=10)).samples((9.9995, "a", 2), now=11) == [(9.9995, {"a": 2}, 2), (10, {"a": 2}, 3)]


def test_updates_are_aligned_to_the_local_clock_and_begin_anew_at_midnight() -> None:
    scene = Scene(stream(update=7 * 3600))
    found = scene.advance(30 * 3600)
    assert [at / 3600 for at, *_ in found] == [7, 14, 21, 24]


def test_without_deltas_there_are_full_updates_only() -> None:
    scene = begun(stream(on_change=False, update=10))
    assert scene.samples((1, "a", 2), (2, "a", 3), now=10) == [(10, {"a": 3}, 2)]


def test_delta_ticks_send_what_differs_from_what_was_sent() -> None:
    scene = begun(stream(on_change=False, delta=1, attributes=BOTH), A, B)
    assert scene.samples((0.2, "b", 5), now=1) == [(1, {"a": 1, "b": 5}, 2)]
    assert scene.samples((1.2, "a", 2), (1.8, "a", 3), now=2) == [(2, {"a": 3}, 3)]
    assert scene.samples((2.2, "a", 4), (2.8, "a", 3), now=4) == []


def test_a_delta_tick_on_a_boundary_is_the_full_update() -> None:
    scene = begun(stream(on_change=False, delta=5, update=10))
    assert scene.samples((7, "a", 2), now=10) == [(10, {"a": 2}, 2)]


def test_within_the_min_interval_changes_become_one_event_at_its_end() -> None:
    scene = begun(stream(min_interval=0.1))
    assert scene.samples((1, "a", 2)) == [(1, {"a": 2}, 2)]
    assert scene.samples((1.02, "a", 3), (1.07, "a", 4), now=1.099) == []
    assert scene.engine.due() == (seconds(1.1), None)
    assert scene.advance(1.1) == [(1.07, {"a": 4}, 3)]
    assert scene.samples((1.15, "a", 5), now=1.199) == []
    assert scene.advance(1.2) == [(1.15, {"a": 5}, 4)]
    assert scene.samples((1.3, "a", 6)) == [(1.3, {"a": 6}, 5)]


def test_changes_taken_back_within_the_min_interval_are_not_sent_and_do_not_prolong_it() -> None:
    scene = begun(stream(min_interval=0.1))
    scene.samples((1, "a", 2))
    assert scene.samples((1.02, "a", 3), (1.03, "a", 2), now=1.11) == []
    assert scene.engine.due() == (None, None)
    assert scene.samples((1.12, "a", 4)) == [(1.12, {"a": 4}, 3)]


def test_a_start_begins_a_min_interval() -> None:
    scene = begun(stream(min_interval=0.1))
    assert scene.samples((0.05, "a", 2)) == []
    assert scene.advance(0.1) == [(0.05, {"a": 2}, 2)]


def test_a_full_update_absorbs_what_is_pending_and_begins_another_min_interval() -> None:
    scene = begun(stream(min_interval=4, update=10))
    scene.samples((8, "a", 2))
    assert scene.samples((9, "a", 3), now=10) == [(10, {"a": 3}, 3)]
    assert scene.samples((11, "a", 4), now=13.999) == []
    assert scene.advance(14) == [(11, {"a": 4}, 4)]


def test_a_min_interval_that_ends_on_a_boundary_leaves_it_to_the_full_update() -> None:
    scene = begun(stream(min_interval=2, update=10))
    assert scene.samples((8, "a", 2), (9, "a", 3), now=12) == [(8, {"a": 2}, 2), (10, {"a": 3}, 3)]


def test_a_value_is_null_when_it_has_reached_its_age() -> None:
    scene = begun(stream(), AttributeDefinition("a", max_age=span(5)))
    assert scene.samples((1, "a", 2)) == [(1, {"a": 2}, 2)]
    assert scene.samples((4, "a", 2), now=8.9) == []
    assert scene.advance(9.001) == [(9, {"a": None}, 3)]
    assert scene.engine.due() == (None, None)
    assert scene.samples((20, "a", 2)) == [(20, {"a": 2}, 4)]


def test_a_sample_in_the_moment_of_expiry_comes_in_time() -> None:
    scene = Scene(stream(), AttributeDefinition("a", max_age=span(5)))
    assert scene.samples((1, "a", 2), (6, "a", 2), (11, "a", 2)) == [(1, {"a": 2}, 2)]


def test_a_full_update_in_the_moment_of_expiry_says_null_and_no_delta_follows() -> None:
    scene = Scene(stream(update=10), AttributeDefinition("a", max_age=span(5)))
    assert scene.samples((5, "a", 2), now=12) == [(5, {"a": 2}, 2), (10, {"a": None}, 3)]


def test_an_old_value_is_null_at_the_start_of_a_stream() -> None:
    scene = Scene(stream(), AttributeDefinition("a", max_age=span(5)), started=False)
    scene.samples((1, "a", 2))
    assert told(scene.stream.start(seconds(6), scene.wall)) == [(6, {"a": None}, 1)]


def test_a_value_that_has_expired_before_it_arrives_is_no_news() -> None:
    scene = Scene(stream(), AttributeDefinition("a", max_age=span(5)))
    scene.advance(10)
    assert scene.samples((4, "a", 2), now=10.5) == []


def test_values_that_expire_a_millisecond_apart_are_two_events() -> None:
    ages = AttributeDefinition("a", max_age=span(5)), AttributeDefinition("b", max_age=span(5))
    scene = Scene(stream(attributes=BOTH), *ages)
    scene.samples((1, "a", 1), (1.001, "b", 1))
    assert scene.advance(7) == [(6, {"a": None}, 4), (6.001, {"b": None}, 5)]


def test_what_goes_along_expires_without_a_delta() -> None:
    scene = begun(stream(attributes={"a": CHANGE, "b": ALONG}), A, AttributeDefinition("b", max_age=span(5)))
    assert scene.samples((1, "b", 7), now=7) == []
    assert scene.samples((8, "a", 2)) == [(8, {"a": 2, "b": None}, 2)]


def test_a_sample_older_than_the_newest_changes_nothing_and_is_counted() -> None:
    scene = begun()
    scene.samples((2, "a", 2))
    assert scene.samples((1, "a", 3), now=3) == []
    assert scene.engine.counts == {"out_of_order": 1}


def test_one_component_may_lag_behind_another() -> None:
    scene = Scene(stream(), GROUPS)
    scene.samples((2, "a", "sg/1", 1))
    assert scene.samples((1, "a", "sg/2", 1), now=3) == [(2, {"a": {"sg/1": 1, "sg/2": 1}}, 3)]
    assert not scene.engine.counts


def test_samples_of_one_take_may_come_in_any_order() -> None:
    assert begun().samples((3, "a", 4), (1, "a", 2), (2, "a", 3)) == [
        (1, {"a": 2}, 2), (2, {"a": 3}, 3), (3, {"a": 4}, 4),
    ]  # fmt: skip


def test_of_samples_of_the_same_time_the_last_counts() -> None:
    assert begun().samples((1, "a", 2), (1, "a", 3)) == [(1, {"a": 3}, 2)]


def test_a_sample_that_arrives_after_a_full_update_does_not_take_its_time_back() -> None:
    scene = begun(stream(update=10))
    scene.advance(10)
    assert scene.samples((9.96, "a", 2), now=10.02) == [(10, {"a": 2}, 3)]


def test_late_changes_of_two_milliseconds_are_two_events() -> None:
    scene = begun(stream(update=10))
    scene.advance(10)
    assert scene.samples((9.95, "a", 2), (9.96, "a", 3), now=10.02) == [(10, {"a": 2}, 3), (10, {"a": 3}, 4)]


def test_a_sample_from_the_future_is_sent_when_the_next_comes_or_its_time() -> None:
    scene = begun()
    assert scene.samples((5, "a", 2), now=1) == []
    assert scene.samples((6, "a", 3), now=2) == [(5, {"a": 2}, 2)]
    assert scene.advance(6.001) == [(6, {"a": 3}, 3)]


def test_a_sample_of_nothing_we_know_is_counted() -> None:
    scene = begun()
    assert scene.samples((1, "x", 1), (1, "a", "sg/9", 1)) == []
    assert scene.engine.counts == {"unknown": 2}


def test_streams_of_one_status_keep_to_themselves() -> None:
    scene = begun(stream("at-once"))
    slow = scene.engine.add(stream("slow", on_change=False, delta=10))
    slow.start(seconds(5), scene.wall)
    scene.samples((6, "a", 2))
    scene.samples((7, "a", 3))
    assert [(s.definition.name, told([m])) for s, m in scene.engine.advance(seconds(10), scene.wall)] == [
        ("slow", [(10, {"a": 3}, 2)])
    ]
    assert (scene.stream.seq, slow.seq) == (3, 2)
