"""A status with streams, played by hand in seconds and written down as plain tuples."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

from rta.rsmp.message import PLAIN, Component, StatusMessage, Value
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.stream.engine import Sample, StatusEngine
from rta.wire.values import Ns

SECOND = 1_000_000_000
MIDNIGHT = 1_772_409_600 * SECOND  # 2026-03-02T00:00Z

Told = tuple[float, Any, int]
"""Seconds, values, `seq`."""


def seconds(at: float) -> Ns:
    """So many seconds after midnight, to the microsecond."""
    return Ns(MIDNIGHT + round(at * 1_000_000) * 1000)


def moment(text: str, zone: tzinfo = UTC) -> Ns:
    """ISO 8601, of `zone` where it names none."""
    when = datetime.fromisoformat(text)
    return Ns(int((when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()) * SECOND)


def span(length: float) -> Ns:
    return Ns(round(length * SECOND))


def stream(name: str = "s", **settings: Any) -> StreamDefinition:
    """By default, every change of `a` and nothing else. Spans in seconds."""
    for key in ("update", "delta", "min_interval", "batch", "lateness"):
        if settings.get(key) is not None:
            settings[key] = span(settings[key])
    if "aggregates" not in settings:
        settings.setdefault("attributes", {"a": Trigger.CHANGE})
    return StreamDefinition("plant.x", name, **settings)


class Scene:
    """Attributes by name, and one stream that is started at midnight unless told otherwise."""

    def __init__(
        self,
        definition: StreamDefinition,
        *attributes: AttributeDefinition,
        zone: tzinfo = UTC,
        begin: Ns | None = None,
        started: bool = True,
    ) -> None:
        named = {a.name: a for a in attributes or (AttributeDefinition("a"),)}
        self.engine = StatusEngine(StatusDefinition("plant.x", "", named), zone)
        self.stream = self.engine.add(definition)
        self.wall = Ns(0)
        if started:
            at = begin if begin is not None else seconds(0)
            self.beginning = self.stream.start(at, self.wall)

    def samples(self, *samples: tuple[Any, ...], now: float | None = None) -> list[Told]:
        """(seconds, attribute, value) or (seconds, attribute, component, value), seen at `now`: the end of the newest
        one's millisecond if not given."""
        taken = [sample(*item) for item in samples]
        ts = seconds(now) if now is not None else Ns(max(s.ts for s in taken) + 1_000_000)
        return told(message for _, message in self.engine.feed(taken, ts, self.wall))

    def advance(self, at: float) -> list[Told]:
        return told(message for _, message in self.engine.advance(seconds(at), self.wall))

    def messages_at(self, ts: Ns, wall: float = 0) -> list[StatusMessage]:
        self.wall = Ns(round(wall * SECOND))
        return [message for _, message in self.engine.advance(ts, self.wall)]


def sample(at: float, attribute: str, *rest: Value) -> Sample:
    component, value = (Component(str(rest[0])), rest[1]) if len(rest) == 2 else (PLAIN, rest[0])
    return Sample(seconds(at), attribute, component, value)


def told(messages: Iterable[StatusMessage]) -> list[Told]:
    """All events; times in seconds after midnight."""
    return [((event.ts - MIDNIGHT) / SECOND, event.values, event.seq) for m in messages for event in m.events]
