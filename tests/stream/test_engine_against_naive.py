"""The stream engine sends what the naive model says, whatever happens in whatever order."""

from __future__ import annotations

import itertools
from datetime import UTC
from typing import Any

from attrs import evolve
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.rsmp.message import Values
from rta.stream.definition import Aggregate, AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.stream.engine import Sample, StatusEngine
from rta.wire.values import Ns

from .naive import MS
from .naive_updates import NaiveUpdates
from .players import Engine, Naive, Seen, Woken, play, same
from .stories import SECOND, Story, stories

judged = settings(deadline=None, derandomize=True, database=None)
either = st.booleans().flatmap(lambda windows: stories(windows=windows))


def agree(story: Story) -> None:
    engine, naive = Engine.of(story), Naive.of(story)
    for act, *_ in play(story, engine, naive):
        assert same(engine.sent, naive.sent), act


@settings(judged, max_examples=examples(200))
@given(stories(windows=False))
def test_updates_are_those_of_the_model(story: Story) -> None:
    agree(story)


@settings(judged, max_examples=examples(120))
@given(stories(windows=True))
def test_windows_are_those_of_the_model(story: Story) -> None:
    agree(story)


@settings(judged, max_examples=examples(100))
@given(either)
def test_the_newest_event_has_what_a_consumer_has_merged_by_then(story: Story) -> None:
    engine = Engine.of(story)
    for act, *_ in play(story, engine):
        for name, stream in engine.engine.streams.items():
            newest, merged = stream.newest, merge(engine.sent[name])
            if not stream.running:
                assert newest is None, act
            elif newest is not None and merged is not None and merged[1] == newest.seq:  # else it is in a batch
                assert (newest.ts, newest.seq, newest.values) == merged, act


def merge(sent: list[Seen]) -> tuple[int, int, Values] | None:
    """Time and number of the last event of a stream, and all values since the start of its run."""
    found: tuple[int, int, Values] | None = None
    for ts, values, seq, *_ in sent:
        known: Any = {} if found is None or seq == 1 else dict(found[2])
        for name, value in values.items():
            known[name] = {**known.get(name, {}), **value} if isinstance(value, dict) else value
        found = ts, seq, known
    return found


@settings(judged, max_examples=examples(60))
@given(either)
def test_an_engine_that_is_woken_at_each_deadline_sends_the_same(story: Story) -> None:
    slept, woken = Engine.of(story), Woken.of(story)
    for act, *_ in play(story, slept, woken):
        assert woken.sent == slept.sent, act


@settings(judged, max_examples=examples(60))
@given(st.booleans().flatmap(lambda windows: stories(windows=windows, calm=True)))
def test_samples_that_come_together_are_taken_as_if_each_came_at_its_moment(story: Story) -> None:
    apart, together = Engine.of(story), Engine.of(story)
    waiting: list[Sample] = []
    for act, samples, now in play(story, apart):
        if act.kind == "start":
            together.do(act, now)
        waiting += samples
    together.take(sorted(waiting, key=lambda sample: -sample.ts), now)
    assert together.sent == apart.sent


@settings(judged, max_examples=examples(60))
@given(stories(windows=False), st.sampled_from([0.02, 1, 7, 40]))
def test_a_batch_holds_the_same_events_for_no_longer_than_its_interval(story: Story, interval: float) -> None:
    batch = Ns(int(interval * story.step))
    story = evolve(story, acts=tuple(act for act in story.acts if act.kind != "reconnected"))
    single = Engine.of(story)
    batched = Engine.of(evolve(story, streams=tuple(evolve(s, batch=batch) for s in story.streams)))
    happened: dict[str, list[int]] = {definition.name: [] for definition in story.streams}
    for act, _, now in play(story, single, batched):
        for name, times in happened.items():
            events = [event for message in single.messages[name] for event in message.events]
            times += [now] * (len(events) - len(times))
            out = [event for message in batched.messages[name] for event in message.events]
            assert out == events[: len(out)], act
            assert all(then + batch > now for then in times[len(out) :]), act
            stopped = not batched.engine.streams[name].running
            assert len(out) == len(events) or not stopped, act
    for message in itertools.chain(*batched.messages.values()):
        assert message.retain == message.events[-1].complete
        assert message.retain or not any(event.complete for event in message.events)


@settings(judged, max_examples=examples(60))
@given(stories(windows=False))
def test_a_consumer_that_merges_what_it_gets_has_the_present_picture(story: Story) -> None:
    at_once = [evolve(s, on_change=True, delta=None, min_interval=Ns(0), first_known=False) for s in story.streams]
    acts = [evolve(act, steps=max(act.steps, 0.01)) for act in story.acts]
    story = evolve(story, streams=tuple(at_once), acts=tuple(acts))
    engine, naive = Engine.of(story), Naive.of(story)
    for act, _, now in play(story, engine, naive):
        engine.take([], now + MS)  # What happens in a millisecond is sent when it is over.
        naive.take([], now + MS)
        for stream in naive.streams:
            if isinstance(stream, NaiveUpdates) and stream.running:
                wanted = [name for name, trigger in stream.definition.attributes.items() if trigger is Trigger.CHANGE]
                picture, present = (
                    merged(engine.sent[stream.definition.name]),
                    stream.tree(stream.picture(naive.status.now)),
                )
                assert {name: picture[name] for name in wanted} == {name: present[name] for name in wanted}, act


def merged(sent: list[Seen]) -> Values:
    """What a consumer knows."""
    picture: Values = {}
    for _, values, *_ in sent:
        for name, value in values.items():
            known = picture.get(name)
            picture[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return picture


@settings(judged, max_examples=examples(60))
@given(st.booleans().flatmap(lambda windows: stories(windows=windows, ahead=True)))
def test_numbers_have_no_gaps_time_never_goes_back_and_only_complete_events_are_retained(story: Story) -> None:
    engine = Engine.of(story)
    for _ in play(story, engine):
        pass
    for definition in story.streams:
        sent = engine.sent[definition.name]
        assert all(complete or not retained for *_, complete, retained in sent)
        for (ts, _, seq, *_), (next_ts, _, next_seq, *_) in itertools.pairwise(sent):
            assert next_seq in ((1, seq, seq + 1) if definition.aggregating else (1, seq + 1))
            assert next_ts >= ts or next_seq == 1


def test_a_last_window_is_published_again_though_another_stream_has_something_to_send() -> None:
    engine = StatusEngine(StatusDefinition("plant.x", attributes={"a": AttributeDefinition("a")}), UTC)
    for name, update in (("short", SECOND), ("long", 2 * SECOND)):
        counting = StreamDefinition(
            "plant.x", name, aggregates={"a": (Aggregate.COUNT,)}, update=Ns(update), lateness=Ns(0)
        )
        engine.add(counting).start(Ns(0), Ns(0))
    last = [message for stream, message in engine.advance(Ns(2 * SECOND), Ns(0)) if stream.definition.name == "long"]
    assert len(last) == 1
    assert engine.streams["long"].reconnected(Ns(3 * SECOND), Ns(0)) == last
