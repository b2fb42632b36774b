"""All configured alarms of a node: samples and the time go in, changes come out. No clock is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from rta.alarm.definition import AlarmDefinition
from rta.alarm.monitor import AlarmChange, Monitor, monitor_of, steady
from rta.node.node_stream import Now
from rta.rsmp.message import Component
from rta.stream.clock import LIVE, StreamClock
from rta.stream.clock_step import ClockStepDetector
from rta.stream.sample import Sample
from rta.stream.timer_heap import Timer, TimerHeap
from rta.wire.values import Ns

__all__ = ["AlarmWatch"]

_SET = 1.0
"""Seconds by which the wall clock may be set, back or forward, and nothing begins anew. Thresholds compare the times of
samples with each other: a larger step would count as time for which a value was beyond its limit."""


class AlarmWatch:
    """Watches the samples of all alarms. Every call is given the moment at which it is made."""

    def __init__(self, definitions: Iterable[AlarmDefinition], now: Now) -> None:
        """Silence counts from `now`."""
        self.counts: Counter[str] = Counter()
        """Samples that were left out, by reason: `out_of_order`, `no_number`, `unknown`."""
        self._heap = TimerHeap()
        self._clocks: dict[str, StreamClock] = {}
        self._monitors: dict[str, Monitor] = {}
        self._timers: dict[tuple[str, Component], Timer] = {}
        self._latest = now
        self._clock_step = ClockStepDetector(now.wall, now.steady, back=_SET, forward=_SET)
        self._out: list[AlarmChange] = []
        for definition in definitions:
            code = definition.code
            self._monitors[code] = monitor_of(definition, now)
            self._clocks[code] = LIVE
            for component in definition.components:
                self._timers[code, component] = Timer(partial(self._fire, code, component))
                self._schedule(code, component)

    def feed(self, code: str, samples: Sequence[Sample], now: Now) -> list[AlarmChange]:
        """New samples of an alarm, in any order: the changes that follow, and those that are due by now."""
        self._reach(now)
        monitor = self._monitors.get(code)
        known = [s for s in samples if (code, s.component) in self._timers]
        if len(known) < len(samples):
            self.counts["unknown"] += len(samples) - len(known)
        if monitor is not None and known:
            # Samples come before timers: they tell what happened in the time that has passed.
            self._out += monitor.feed(known, now, self.counts)
            for component in {sample.component for sample in known}:
                self._schedule(code, component)
        return self._run(now)

    def set_clock(self, code: str, clock: StreamClock, now: Now) -> list[AlarmChange]:
        """From now on, samples have another stream time, or are of another session. The changes that follow."""
        self._reach(now)
        if code in self._monitors:
            self._clocks[code] = clock
            self._begin_anew(code, now)
        return self._run(now)

    def advance(self, now: Now) -> list[AlarmChange]:
        """The changes that are due by now."""
        self._reach(now)
        return self._run(now)

    def due(self) -> float | None:
        """When to call `advance` at the latest, steady seconds."""
        head = self._heap.head()
        return None if head is None else head[0] / 1e9

    def _reach(self, now: Now) -> None:
        """If the wall clock has been set, the times of samples are no longer comparable."""
        self._latest = now
        if self._clock_step.step(now.wall, now.steady) is not None:
            for code in self._monitors:
                self._begin_anew(code, now)

    def _begin_anew(self, code: str, now: Now) -> None:
        monitor = self._monitors[code]
        self._out += monitor.begin_anew(self._clocks[code], now)
        for component in monitor.definition.components:
            self._schedule(code, component)

    def _schedule(self, code: str, component: Component) -> None:
        due, timer = self._monitors[code].due(component), self._timers[code, component]
        # A timer that fires too early is set again; that is cheaper than to set it at each sample.
        if due is not None and (timer.entry is None or due < timer.entry[0]):
            self._heap.set(timer, due)

    def _run(self, now: Now) -> list[AlarmChange]:
        at = steady(now)
        while (head := self._heap.head()) is not None and head[0] <= at:
            self._heap.fire_head()
        out, self._out = self._out, []
        return out

    def _fire(self, code: str, component: Component, _: Ns) -> None:
        self._out += self._monitors[code].advance(component, self._latest)
        self._schedule(code, component)
