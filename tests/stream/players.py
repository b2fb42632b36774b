"""Those who play a story: the engine, in several ways, and the naive model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import pytest
from attrs import define

from rta.rsmp.message import StatusMessage, Values
from rta.stream.engine import Sample, StatusEngine
from rta.wire.values import Ns

from .naive import NaiveStatus, NaiveStream
from .naive_updates import NaiveUpdates
from .naive_windows import NaiveWindows
from .stories import Act, Story

Seen = tuple[int, Values, int, bool, bool]
"""`ts`, values, `seq`, complete, retained."""


@define
class Engine:
    """The engine."""

    story: Story
    engine: StatusEngine
    messages: dict[str, list[StatusMessage]]

    @classmethod
    def of(cls, story: Story) -> Self:
        engine = StatusEngine(story.status, story.zone)
        for definition in story.streams:
            engine.add(definition)
        return cls(story, engine, {definition.name: [] for definition in story.streams})

    @property
    def sent(self) -> dict[str, list[Seen]]:
        return {name: [seen for m in messages for seen in entries(m)] for name, messages in self.messages.items()}

    def take(self, samples: Sequence[Sample], now: int) -> None:
        for stream, message in self.engine.feed(samples, Ns(now), Ns(now)):
            self.messages[stream.definition.name].append(message)

    def do(self, act: Act, now: int) -> None:
        if act.kind == "reconnected":  # What is being sent for the first time is not sent again.
            self.take([], now)
        stream = self.engine.streams[self.story.streams[act.stream].name]
        self.messages[stream.definition.name] += getattr(stream, act.kind)(Ns(now), Ns(now))
        self.take([], now)


@define
class Woken(Engine):
    """The engine, called at each of its deadlines besides."""

    def take(self, samples: Sequence[Sample], now: int) -> None:
        first = min((sample.ts for sample in samples), default=now)
        while (due := self.engine.due()[0]) is not None and due <= min(first, now):
            super().take([], due)
            assert self.engine.due()[0] != due
        super().take(samples, now)


@define
class Naive:
    """The model."""

    story: Story
    status: NaiveStatus
    streams: list[NaiveStream]

    @classmethod
    def of(cls, story: Story) -> Self:
        status = NaiveStatus(story.status, story.zone, story.begin)
        for definition in story.streams:
            kind = NaiveWindows if definition.aggregating else NaiveUpdates
            status.streams.append(kind(status, definition))
        return cls(story, status, status.streams)

    @property
    def sent(self) -> dict[str, list[Seen]]:
        return {
            s.definition.name: [(e.event.ts, e.event.values, e.event.seq, e.event.complete, e.retain) for e in s.sent]
            for s in self.streams
        }

    def take(self, samples: Sequence[Sample], now: int) -> None:
        self.status.take(samples, now)

    def do(self, act: Act, now: int) -> None:
        self.take([], now)
        stream = self.streams[act.stream]
        if stream.running != (act.kind == "start"):
            getattr(stream, act.kind)()


Moment = tuple[Act, list[Sample], int]
"""What happens, the samples that come, and when."""


def moments(story: Story) -> Iterator[Moment]:
    """Everything that happens, and after all some time without anything."""
    now = story.begin
    for act in (*story.acts, Act(60, "take")):
        now += int(act.steps * story.step)
        yield act, [Sample(Ns(now - int(ago * story.step)), *story.sources[i], v) for i, ago, v in act.samples], now


def play(story: Story, *players: Engine | Naive) -> Iterator[Moment]:
    """Let it happen to them, one by one."""
    for act, samples, now in moments(story):
        for player in players:
            if act.kind == "take":
                player.take(samples, now)
            else:
                player.do(act, now)
        yield act, samples, now


def entries(message: StatusMessage) -> Iterator[Seen]:
    """A message's events; the last is what may be retained."""
    for event in message.events:
        retained = message.retain and event is message.events[-1]
        yield event.ts, event.values, event.seq, event.complete, retained


def about(values: Any) -> Any:
    """Equal but for the last digits of floats."""
    if isinstance(values, dict):
        return {name: about(value) for name, value in values.items()}
    return pytest.approx(values, rel=1e-9, abs=1e-9) if isinstance(values, float) else values


def same(sent: dict[str, list[Seen]], expected: dict[str, list[Seen]]) -> bool:
    return sent == {
        name: [(ts, about(values), *rest) for ts, values, *rest in events] for name, events in expected.items()
    }
