"""Aggregated updates."""

from __future__ import annotations

import math
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rta.rsmp.message import Component
from rta.stream.definition import Aggregate, AttributeDefinition, StreamDefinition, Trigger
from rta.stream.engine import Sample
from rta.wire.values import Ns

from .engine_scene import SECOND, Scene, moment, seconds, span, stream, told

CHICAGO = ZoneInfo("America/Chicago")
COUNT, SUM, AVG, MEDIAN = Aggregate.COUNT, Aggregate.SUM, Aggregate.AVG, Aggregate.MEDIAN
HOUR = 3600


def windows(*aggregates: Aggregate, **settings: Any) -> StreamDefinition:
    """Of `a`, over ten seconds, without lateness."""
    defaults = {"aggregates": {"a": aggregates or (SUM,)}, "update": 10, "lateness": 0}
    return stream(**{**defaults, **settings})


def test_a_window_is_sent_at_its_end() -> None:
    scene = Scene(windows(*Aggregate))
    found = scene.samples((0, "a", 4), (5, "a", 1), (9.999, "a", 4), now=10)
    assert found == [(10, {
        "a.count": 3, "a.sum": 9, "a.avg": 3, "a.median": 4, "a.min": 1, "a.max": 4, "a.std": pytest.approx(2**0.5),
    }, 1)]  # fmt: skip


def test_there_is_no_update_at_the_start_and_no_delta() -> None:
    scene = Scene(windows(attributes={"b": Trigger.CHANGE}), AttributeDefinition("a"), AttributeDefinition("b"))
    assert scene.beginning == []
    assert scene.samples((1, "a", 1), (2, "b", 2), now=9) == []


def test_a_sample_at_the_end_of_a_window_belongs_to_the_next() -> None:
    scene = Scene(windows())
    assert scene.samples((5, "a", 1), (10, "a", 2), now=20) == [(10, {"a.sum": 1}, 1), (20, {"a.sum": 2}, 2)]


def test_every_sample_counts_changed_or_not() -> None:
    assert Scene(windows(COUNT, SUM)).samples((1, "a", 2), (2, "a", 2), now=10) == [(10, {"a.count": 2, "a.sum": 4}, 1)]


def test_null_is_no_sample() -> None:
    scene = Scene(windows(COUNT, SUM))
    assert scene.samples((1, "a", math.nan), (2, "a", None), now=10) == [(10, {"a.count": 0, "a.sum": None}, 1)]


def test_a_started_in_mid_window_stream_begins_with_the_next_window() -> None:
    scene = Scene(windows(update=15 * 60), begin=seconds(607 * 60))  # 10:07
    assert scene.samples((610 * 60, "a", 1), (620 * 60, "a", 2), now=630 * 60) == [(630 * 60, {"a.sum": 2}, 1)]
    assert not scene.engine.counts


def test_a_start_on_a_boundary_sees_the_whole_window() -> None:
    scene = Scene(windows(), begin=seconds(20))
    assert scene.samples((20, "a", 1), now=30) == [(30, {"a.sum": 1}, 1)]


def test_an_empty_window_is_sent_as_null() -> None:
    assert Scene(windows(*Aggregate)).advance(10) == [(10, {
        "a.count": 0, "a.sum": None, "a.avg": None, "a.median": None, "a.min": None, "a.max": None, "a.std": None,
    }, 1)]  # fmt: skip


def test_the_sum_of_an_empty_window_may_be_zero() -> None:
    assert Scene(windows(SUM, AVG, empty_sum=0)).advance(10) == [(10, {"a.sum": 0, "a.avg": None}, 1)]


def test_a_gap_is_as_many_empty_windows() -> None:
    scene = Scene(windows())
    found = scene.samples((5, "a", 1), (45, "a", 2), now=50)
    assert [(at, values["a.sum"]) for at, values, _ in found] == [(10, 1), (20, None), (30, None), (40, None), (50, 2)]


def test_a_window_stays_open_for_its_lateness() -> None:
    scene = Scene(windows(lateness=2))
    assert scene.samples((11, "a", 5), now=11.9) == []
    assert scene.engine.due() == (seconds(12), None)
    assert scene.samples((9, "a", 1), now=11.99) == []
    assert scene.advance(12) == [(10, {"a.sum": 1}, 1)]
    assert scene.advance(22) == [(20, {"a.sum": 5}, 2)]
    assert scene.engine.counts == {"out_of_order": 1}


def test_a_sample_that_comes_too_late_is_dropped_and_counted() -> None:
    scene = Scene(windows(lateness=2))
    scene.advance(12)
    assert scene.samples((9, "a", 1), now=22) == [(20, {"a.sum": None}, 2)]
    assert scene.engine.counts == {"late": 1}


def test_several_windows_are_open_at_once() -> None:
    scene = Scene(windows(lateness=25))
    for at, value in ((31, 4), (21, 3), (11, 2), (1, 1)):
        assert scene.samples((at, "a", value), now=34) == []
    assert [(at, values["a.sum"]) for at, values, _ in scene.advance(65)] == [(10, 1), (20, 2), (30, 3), (40, 4)]


def test_samples_from_far_in_the_future_open_a_bounded_number_of_windows() -> None:
    scene = Scene(windows())
    for i in range(1000):
        scene.samples((1000 + 10 * i, "a", 1), now=1)
    assert scene.engine.counts == {"early": 1000 - 64}


def test_components_are_aggregated_one_by_one() -> None:
    lanes = AttributeDefinition("a", components=(Component("dl/1"), Component("dl/2")))
    scene = Scene(windows(COUNT, SUM), lanes)
    assert scene.samples((1, "a", "dl/1", 3), now=10) == [
        (10, {"a.count": {"dl/1": 1, "dl/2": 0}, "a.sum": {"dl/1": 3, "dl/2": None}}, 1)
    ]


def test_results_are_rounded_and_samples_are_not() -> None:
    scene = Scene(windows(SUM, AVG, COUNT), AttributeDefinition("a", round=0))
    assert scene.samples((1, "a", 0.4), (2, "a", 0.4), (3, "a", 0.4), now=10) == [
        (10, {"a.sum": 1, "a.avg": 0, "a.count": 3}, 1)
    ]


def test_a_plain_attribute_has_its_value_at_the_end_of_the_window() -> None:
    attributes = AttributeDefinition("a"), AttributeDefinition("b")
    scene = Scene(windows(attributes={"b": Trigger.ALONG}, lateness=5), *attributes, started=False)
    scene.samples((-5, "b", "before"))
    scene.stream.start(seconds(0), scene.wall)
    assert scene.advance(15) == [(10, {"b": "before", "a.sum": None}, 1)]
    assert scene.samples((19, "b", "within"), (20, "b", "behind"), now=25) == [(20, {"b": "within", "a.sum": None}, 2)]
    assert scene.advance(35) == [(30, {"b": "behind", "a.sum": None}, 3)]


def test_a_plain_attribute_is_null_at_the_end_of_the_window_if_it_is_too_old_by_then() -> None:
    old = AttributeDefinition("b", max_age=span(12))
    scene = Scene(windows(attributes={"b": Trigger.ALONG}), AttributeDefinition("a"), old)
    assert scene.samples((8, "b", 1), now=20) == [
        (10, {"b": 1, "a.sum": None}, 1), (20, {"b": None, "a.sum": None}, 2),
    ]  # fmt: skip


def test_aggregated_messages_are_retained() -> None:
    scene = Scene(windows())
    assert [m.retain for m in scene.messages_at(seconds(20))] == [True, True]


def test_a_reconnect_sends_the_last_message_again_unchanged() -> None:
    scene = Scene(windows())
    assert scene.stream.reconnected(seconds(3), scene.wall) == []
    scene.advance(10)
    assert told(scene.stream.reconnected(seconds(13), scene.wall)) == [(10, {"a.sum": None}, 1)]
    assert scene.stream.seq == 1


def test_a_reconnect_sends_its_last_message_though_other_streams_have_something_waiting() -> None:
    scene = Scene(windows(name="w"))
    scene.engine.add(stream("other", update=15)).start(seconds(0), scene.wall)
    scene.advance(10)
    assert told(scene.stream.reconnected(seconds(16), scene.wall)) == [(10, {"a.sum": None}, 1)]
    assert scene.advance(16) == [(15, {"a": None}, 2)]


def test_a_reconnect_leaves_the_open_window_as_it_is() -> None:
    scene = Scene(windows())
    scene.samples((4, "a", 1))
    scene.stream.reconnected(seconds(5), scene.wall)
    assert scene.advance(10) == [(10, {"a.sum": 1}, 1)]


def test_a_restart_drops_the_open_window_and_the_last_message() -> None:
    scene = Scene(windows())
    scene.samples((4, "a", 1), now=12)
    assert scene.stream.stop(seconds(13), scene.wall) == []
    scene.stream.start(seconds(14), scene.wall)
    assert scene.stream.reconnected(seconds(15), scene.wall) == []
    assert scene.samples((25, "a", 2), now=30) == [(30, {"a.sum": 2}, 1)]


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    begin = moment("2018-11-04T00:00", CHICAGO)
    scene = Scene(windows(COUNT, update=HOUR), zone=CHICAGO, begin=begin)
    each_half_hour = [Sample(Ns(begin + i * 1800 * SECOND), "a", Component(""), 1) for i in range(50)]
    end = moment("2018-11-05T00:00", CHICAGO)
    messages = scene.engine.feed(each_half_hour, end, scene.wall)
    assert [m.events[0].ts for _, m in messages] == [begin + i * HOUR * SECOND for i in range(1, 26)]
    assert {m.events[0].values["a.count"] for _, m in messages} == {2}


@pytest.mark.parametrize(
    ("day", "after", "hours"), [("2018-03-11", "2018-03-12", 23), ("2018-11-04", "2018-11-05", 25)]
)
def test_a_day_has_the_samples_of_all_its_hours(day: str, after: str, hours: int) -> None:
    begin, end = moment(day, CHICAGO), moment(after, CHICAGO)
    scene = Scene(windows(COUNT, update=24 * HOUR), zone=CHICAGO, begin=begin)
    hourly = [Sample(Ns(begin + i * HOUR * SECOND), "a", Component(""), 1) for i in range(30)]
    ((_, message),) = scene.engine.feed(hourly, end, scene.wall)
    assert (message.events[0].ts, message.events[0].values) == (end, {"a.count": hours})


def test_a_median_of_too_many_samples_is_null_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rta.stream.aggregate.MEDIAN_LIMIT", 300)
    scene = Scene(windows(MEDIAN, COUNT))
    found = scene.samples(*[(i / 100, "a", 1) for i in range(301)], now=20)
    assert found == [(10, {"a.median": None, "a.count": 301}, 1), (20, {"a.median": None, "a.count": 0}, 2)]
    assert scene.engine.counts == {"median_overflow": 1}


def test_a_batch_of_windows_is_one_message_and_is_what_a_reconnect_sends() -> None:
    scene = Scene(windows(batch=60))
    assert scene.messages_at(seconds(20), wall=20) == []
    (flushed,) = scene.stream.reconnected(seconds(25), Ns(25 * SECOND))
    assert told([flushed]) == [(10, {"a.sum": None}, 1), (20, {"a.sum": None}, 2)]
    assert scene.stream.reconnected(seconds(26), Ns(26 * SECOND)) == [flushed]


def test_windows_need_an_interval() -> None:
    with pytest.raises(ValueError, match="over no interval"):
        Scene(windows(update=None))
