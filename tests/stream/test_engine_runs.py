"""Starts, stops, reconnects, batches, and stream time that jumps."""

from __future__ import annotations

import pytest

from rta.stream.definition import Aggregate, AttributeDefinition, Trigger
from rta.wire.values import Ns

from .engine_scene import SECOND, Scene, seconds, span, stream, told

CHANGE = Trigger.CHANGE
BOTH = {"a": CHANGE, "b": CHANGE}
A, B = AttributeDefinition("a"), AttributeDefinition("b")


def test_numbers_begin_anew_at_each_start() -> None:
    scene = Scene(stream())
    scene.samples((1, "a", 1))
    assert scene.stream.seq == 2
    scene.stream.stop(seconds(2), scene.wall)
    assert not scene.stream.running
    assert told(scene.stream.start(seconds(3), scene.wall)) == [(3, {"a": 1}, 1)]
    assert scene.stream.running


def test_a_start_of_a_running_stream_does_nothing() -> None:
    scene = Scene(stream())
    assert scene.stream.start(seconds(1), scene.wall) == []
    assert scene.stream.seq == 1


def test_a_stopped_stream_says_nothing_but_goes_on_listening() -> None:
    scene = Scene(stream(update=10), started=False)
    assert scene.samples((1, "a", 1), now=25) == []
    assert scene.engine.due() == (None, None)
    assert scene.stream.stop(seconds(26), scene.wall) == []
    assert scene.stream.reconnected(seconds(26), scene.wall) == []
    assert told(scene.stream.start(seconds(27), scene.wall)) == [(27, {"a": 1}, 1)]


def test_a_stop_drops_what_is_pending() -> None:
    scene = Scene(stream(min_interval=10))
    scene.samples((1, "a", 1))
    assert scene.stream.stop(seconds(2), scene.wall) == []
    assert scene.advance(30) == []


def test_a_reconnect_sends_everything_and_absorbs_what_is_pending() -> None:
    scene = Scene(stream(min_interval=10))
    scene.samples((1, "a", 1))
    assert told(scene.stream.reconnected(seconds(2), scene.wall)) == [(2, {"a": 1}, 2)]
    assert scene.samples((3, "a", 2), now=11.9) == []
    assert scene.advance(12) == [(3, {"a": 2}, 3)]


def test_what_was_due_before_a_start_or_stop_is_not_lost() -> None:
    scene = Scene(stream("one", update=10))
    other = scene.engine.add(stream("other", update=10))
    assert told(other.start(seconds(15), scene.wall)) == [(15, {"a": None}, 1)]
    assert scene.engine.due() == (seconds(15), None)
    assert scene.advance(15) == [(10, {"a": None}, 2)]
    assert told(other.stop(seconds(20), scene.wall)) == [(20, {"a": None}, 2)]


def test_a_removed_stream_is_gone() -> None:
    scene = Scene(stream("s", update=10, batch=1))
    scene.engine.remove("s")
    assert (scene.engine.streams, scene.engine.due(), scene.advance(20)) == ({}, (None, None), [])
    scene.engine.add(stream("s"))


def test_names_of_streams_are_used_once() -> None:
    with pytest.raises(ValueError, match=r"plant\.x has a stream 's' already"):
        Scene(stream("s")).engine.add(stream("s"))


def test_an_attribute_that_the_status_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"plant\.x has no attribute 'z'"):
        Scene(stream(attributes={"z": CHANGE}))


def batched(interval: float = 5) -> Scene:
    """A stream with batches, the start's update behind it."""
    return Scene(stream(batch=interval, attributes=BOTH), A, B)


def test_a_batch_holds_events_until_its_interval_is_over_by_the_wall_clock() -> None:
    scene = batched()
    scene.wall = Ns(100 * SECOND)
    assert scene.samples((1, "a", 1), (2, "a", 2)) == []
    assert scene.engine.due() == (None, 105 * SECOND)
    assert scene.messages_at(seconds(2.5), wall=104.9) == []
    (message,) = scene.messages_at(seconds(2.5), wall=105)
    assert told([message]) == [(1, {"a": 1}, 2), (2, {"a": 2}, 3)]
    assert not message.retain
    assert scene.engine.due() == (None, None)


def test_a_batch_that_ends_incomplete_is_two_messages() -> None:
    scene = batched()
    assert scene.samples((1, "a", 1), (1, "b", 1), (2, "b", 2)) == []
    first, second = scene.messages_at(seconds(3), wall=5)
    assert (told([first]), first.retain) == ([(1, {"a": 1, "b": 1}, 2)], True)
    assert (told([second]), second.retain) == ([(2, {"b": 2}, 3)], False)


def test_the_start_does_not_wait_for_a_batch() -> None:
    assert told(batched().beginning) == [(0, {"a": None, "b": None}, 1)]


def test_a_reconnect_sends_the_batch_and_then_everything_at_once() -> None:
    scene = batched()
    scene.samples((1, "a", 1))
    batch, full = scene.stream.reconnected(seconds(2), scene.wall)
    assert (told([batch]), told([full])) == ([(1, {"a": 1}, 2)], [(2, {"a": 1, "b": None}, 3)])


def test_a_stop_and_a_shutdown_send_the_batch() -> None:
    scene = batched()
    scene.samples((1, "a", 1))
    assert [told([m]) for m in scene.stream.flush(scene.wall)] == [[(1, {"a": 1}, 2)]]
    scene.samples((2, "a", 2))
    assert [told([m]) for m in scene.stream.stop(seconds(3), scene.wall)] == [[(2, {"a": 2}, 3)]]
    assert scene.engine.due() == (None, None)


def test_a_batch_goes_when_it_has_become_long() -> None:
    scene = Scene(stream(batch=5))
    found = scene.samples(*[(i, "a", f"{i}" * 3000) for i in range(10, 50)])
    assert found[:3] == [(10 + i, {"a": f"{10 + i}" * 3000}, 2 + i) for i in range(3)]
    assert len(found) == 40 - 10


def test_when_time_jumps_back_values_are_forgotten_and_sent_as_null_unless_others_come_at_once() -> None:
    scene = Scene(stream(attributes=BOTH, update=10), A, B)
    scene.samples((105, "a", 1), (105, "b", 2))
    scene.engine.begin_anew(seconds(12))
    assert scene.samples((12, "a", 1), (12.5, "b", 3)) == [
        (12, {"b": None}, 13), (12.5, {"a": 1, "b": 3}, 14),
    ]  # fmt: skip
    assert scene.advance(20) == [(20, {"a": 1, "b": 3}, 15)]


def test_when_time_jumps_pending_changes_are_forgotten() -> None:
    scene = Scene(stream(min_interval=60))
    scene.samples((30, "a", 1))
    scene.engine.begin_anew(seconds(1000))
    assert scene.advance(2000) == []


def test_when_time_jumps_ages_are_counted_anew() -> None:
    scene = Scene(stream(), AttributeDefinition("a", max_age=span(5)))
    scene.samples((100, "a", 1))
    scene.engine.begin_anew(seconds(10))
    assert scene.samples((10, "a", 1), now=14) == []
    assert scene.advance(15.001) == [(15, {"a": None}, 3)]


def test_when_time_jumps_an_aggregating_stream_begins_with_the_next_whole_window() -> None:
    definition = stream(aggregates={"a": (Aggregate.SUM,)}, update=10, lateness=0)
    scene = Scene(definition)
    scene.samples((5, "a", 1))
    scene.engine.begin_anew(seconds(112))
    assert scene.samples((115, "a", 2), (125, "a", 3), now=130) == [(130, {"a.sum": 3}, 1)]


def test_samples_that_come_together_give_what_each_gives_at_its_moment() -> None:
    definition = stream(min_interval=0.3, update=2, attributes=BOTH)
    samples = [(i * 0.13, "ab"[i % 2], i // 3) for i in range(1, 60)]
    apart, together = Scene(definition, A, B), Scene(definition, A, B)
    found = [told for item in samples for told in apart.samples(item, now=item[0])]
    found += apart.advance(9)
    assert found == together.samples(*samples, now=9)
