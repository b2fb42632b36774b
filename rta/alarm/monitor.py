"""One configured alarm: samples and the time go in, changes come out. No clock is read here.

Source: docs/rsmp.md, "Alarms". Unknown values, silence and wrong clocks are described in docs/alarms.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import field, frozen

from rta.alarm.definition import AlarmDefinition, Silent, Skew, Threshold
from rta.alarm.level import Level, LevelChange
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
    """An alarm is raised, or over, or active with other values."""

    code: str
    component: str
    ts: Ns
    """Stream time; of a skew wall time."""
    active: bool
    values: dict[str, Any] = field(factory=dict)
    """The values that explain the alarm to people."""


def steady(now: Now) -> Ns:
    """Steady time, ns."""
    return Ns(round(now.steady * 1e9))


class LevelMonitor:
    """Watches for values above or below the threshold."""

    def __init__(self, definition: AlarmDefinition, rule: Threshold, now: Now) -> None:
        self.definition = definition
        self._limits = {name: limit for name in ("above", "below") if (limit := getattr(rule, name)) is not None}
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
            # A sample from the future counts as of now: otherwise a clock that was wrong once shuts out all that come.
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

    def _changes(self, component: Component, turns: Iterable[LevelChange]) -> list[AlarmChange]:
        code = self.definition.code
        return [AlarmChange(code, component, t.ts, t.active, {"value": t.value, **self._limits}) for t in turns]


class SkewMonitor:
    """Compares the time of the newest samples with the wall clock, which it also counts durations by."""

    def __init__(self, definition: AlarmDefinition, rule: Skew, now: Now) -> None:
        self.definition = definition
        self._limit = rule.limit / 1e9
        threshold = Threshold(self._limit, None, rule.hysteresis / 1e9, rule.lasting, rule.clear_lasting)
        self._levels = {component: Level(threshold) for component in definition.components}
        self._skews = dict.fromkeys(definition.components, 0.0)
        self._kept = False

    def begin_anew(self, clock: StreamClock, now: Now) -> list[AlarmChange]:
        """A session that keeps its time has no skew: an active alarm is over."""
        self._kept = clock.first is not None
        out: list[AlarmChange] = []
        for component, level in self._levels.items():
            level.begin_anew(LIVE.speed)
            if self._kept:
                out += self._judge(component, 0.0, now)
        return out

    def feed(self, samples: Sequence[Sample], now: Now, counts: Counter[str]) -> list[AlarmChange]:
        if self._kept:
            return []
        newest: dict[Component, Ns] = {}
        for sample in samples:
            newest[sample.component] = max(sample.ts, newest.get(sample.component, sample.ts))
        return [change for c, ts in newest.items() for change in self._judge(c, (ts - now.wall) / 1e9, now)]

    def advance(self, component: Component, now: Now) -> list[AlarmChange]:
        return self._changes(component, self._levels[component].advance(steady(now)))

    def due(self, component: Component) -> Ns | None:
        return self._levels[component].due()

    def _judge(self, component: Component, skew: float, now: Now) -> list[AlarmChange]:
        self._skews[component] = skew
        return self._changes(component, self._levels[component].feed(now.wall, abs(skew), steady(now)) or [])

    def _changes(self, component: Component, turns: Iterable[LevelChange]) -> list[AlarmChange]:
        values = {"skew": round(self._skews[component], 3), "limit": self._limit}
        return [AlarmChange(self.definition.code, component, turn.ts, turn.active, values) for turn in turns]


class SilenceMonitor:
    """Watches for the absence of samples."""

    def __init__(self, definition: AlarmDefinition, rule: Silent, now: Now) -> None:
        self.definition = definition
        self._after = rule.after
        self._silences = {component: Silence(rule.after, steady(now)) for component in definition.components}
        self._clock = LIVE

    def begin_anew(self, clock: StreamClock, now: Now) -> list[AlarmChange]:
        if clock is not self._clock:  # silence is measured by the steady clock, which is never set
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
    """The monitor for the rule of a definition."""
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
    """The value as a number, true as 1; None: it is not a finite number."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
