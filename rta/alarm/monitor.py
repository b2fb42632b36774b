"""One configured alarm: samples and the time go in, what changes comes out. No clock is read here.

Source: docs/rsmp.md, "Alarms". What is unknown, silent or wrong by the clock is decided in docs/alarms.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import field, frozen

from rta.alarm.definition import AlarmDefinition, Silent, Skew, Threshold
from rta.alarm.level import Level, Turn
from rta.alarm.silence import Silence
from rta.node.node_stream import Now
from rta.rsmp.message import Component, Value
from rta.rsmp.payload import iso
from rta.stream.clock import LIVE, StreamClock
from rta.stream.sample import Sample
from rta.wire.values import Ns

__all__ = ["AlarmChange", "LevelMonitor", "Monitor", "SilenceMonitor", "SkewMonitor", "monitor_of", "steady"]


@frozen(slots=True)
class AlarmChange:
    """An alarm that is raised or cleared."""

    code: str
    component: str
    ts: Ns
    """Stream time; of a skew wall time."""
    active: bool
    values: dict[str, Any] = field(factory=dict)
    """What makes it understandable."""


def steady(now: Now) -> Ns:
    """Our steady clock, ns."""
    return Ns(round(now.steady * 1e9))


class LevelMonitor:
    """A value that is above or below what it may be."""

    def __init__(self, definition: AlarmDefinition, rule: Threshold, now: Now) -> None:
        self.definition = definition
        self._said = {name: limit for name in ("above", "below") if (limit := getattr(rule, name)) is not None}
        self._levels = {component: Level(rule) for component in definition.components}
        self._clock = LIVE

    def begin_anew(self, clock: StreamClock, now: Now) -> list[AlarmChange]:
        self._clock = clock
        for level in self._levels.values():
            level.begin_anew(clock.speed)
        return []

    def feed(self, samples: Sequence[Sample], now: Now, counts: Counter[str]) -> list[AlarmChange]:
        at, until = steady(now), self._clock.now(now.wall)
        out: list[AlarmChange] = []
        for sample in sorted(samples, key=_moment):
            value = _number(sample.value)
            if value is None and sample.value is not None:
                counts["no_number"] += 1
            # One that is ahead counts now: else a clock that was wrong once would shut out all that comes after.
            turns = self._levels[sample.component].feed(min(sample.ts, until), value, at)
            if turns is None:
                counts["out_of_order"] += 1
            else:
                out += self._changes(sample.component, turns)
        return out

    def advance(self, component: Component, now: Now) -> list[AlarmChange]:
        return self._changes(component, self._levels[component].advance(steady(now)))

    def due(self, component: Component) -> Ns | None:
        return self._levels[component].due()

    def _changes(self, component: Component, turns: Iterable[Turn]) -> list[AlarmChange]:
        code = self.definition.code
        return [AlarmChange(code, component, t.ts, t.active, {"value": t.value, **self._said}) for t in turns]


class SkewMonitor:
    """The time of the newest samples, compared with the wall clock. It lives by the wall clock."""

    def __init__(self, definition: AlarmDefinition, rule: Skew, now: Now) -> None:
        self.definition = definition
        self._limit = rule.limit / 1e9
        threshold = Threshold(self._limit, None, rule.hysteresis / 1e9, rule.lasting, rule.clear_lasting)
        self._levels = {component: Level(threshold) for component in definition.components}
        self._skews = dict.fromkeys(definition.components, 0.0)
        self._kept = False

    def begin_anew(self, clock: StreamClock, now: Now) -> list[AlarmChange]:
        """A session that keeps its time has no skew, and ends what there was."""
        self._kept = clock.first is not None
        out: list[AlarmChange] = []
        for component, level in self._levels.items():
            level.begin_anew(LIVE.speed)
            if self._kept:
                out += self._take(component, 0.0, now)
        return out

    def feed(self, samples: Sequence[Sample], now: Now, counts: Counter[str]) -> list[AlarmChange]:
        if self._kept:
            return []
        newest: dict[Component, Ns] = {}
        for sample in samples:
            newest[sample.component] = max(sample.ts, newest.get(sample.component, sample.ts))
        return [change for c, ts in newest.items() for change in self._take(c, (ts - now.wall) / 1e9, now)]

    def advance(self, component: Component, now: Now) -> list[AlarmChange]:
        return self._changes(component, self._levels[component].advance(steady(now)))

    def due(self, component: Component) -> Ns | None:
        return self._levels[component].due()

    def _take(self, component: Component, skew: float, now: Now) -> list[AlarmChange]:
        self._skews[component] = skew
        return self._changes(component, self._levels[component].feed(now.wall, abs(skew), steady(now)) or [])

    def _changes(self, component: Component, turns: Iterable[Turn]) -> list[AlarmChange]:
        values = {"skew": round(self._skews[component], 3), "limit": self._limit}
        return [AlarmChange(self.definition.code, component, turn.ts, turn.active, values) for turn in turns]


class SilenceMonitor:
    """No sample for so long."""

    def __init__(self, definition: AlarmDefinition, rule: Silent, now: Now) -> None:
        self.definition = definition
        self._after = rule.after
        self._silences = {component: Silence(rule.after, steady(now)) for component in definition.components}
        self._clock = LIVE

    def begin_anew(self, clock: StreamClock, now: Now) -> list[AlarmChange]:
        if clock is not self._clock:  # our own clock, by which silence is measured, is never set
            self._clock = clock
            for silence in self._silences.values():
                silence.begin_anew(clock.speed, steady(now))
        return []

    def feed(self, samples: Sequence[Sample], now: Now, counts: Counter[str]) -> list[AlarmChange]:
        newest: dict[Component, Ns] = {}
        for sample in samples:
            newest[sample.component] = max(sample.ts, newest.get(sample.component, sample.ts))
        at = steady(now)
        return [self._change(c, now) for c, ts in newest.items() if self._silences[c].feed(ts, at)]

    def advance(self, component: Component, now: Now) -> list[AlarmChange]:
        return [self._change(component, now)] if self._silences[component].advance(steady(now)) else []

    def due(self, component: Component) -> Ns | None:
        return self._silences[component].due()

    def _change(self, component: Component, now: Now) -> AlarmChange:
        silence = self._silences[component]
        values = {"silent": self._after / 1e9, "last": None if silence.last is None else iso(silence.last)}
        return AlarmChange(self.definition.code, component, self._clock.now(now.wall), silence.active, values)


Monitor = LevelMonitor | SkewMonitor | SilenceMonitor


def monitor_of(definition: AlarmDefinition, now: Now) -> Monitor:
    """As its rule wants it."""
    match definition.rule:
        case Threshold() as rule:
            return LevelMonitor(definition, rule, now)
        case Skew() as rule:
            return SkewMonitor(definition, rule, now)
        case Silent() as rule:
            return SilenceMonitor(definition, rule, now)


def _moment(sample: Sample) -> Ns:
    return sample.ts


def _number(value: Value) -> float | None:
    """True is 1. What is no number, or not finite, is not known."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
