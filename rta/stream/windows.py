"""Aggregated updates: one for each window of the clock, of the samples that are in it.

A window [start, end) stays open until its lateness is over, so that several may be open at once.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from rta.rsmp.message import PLAIN, Component, Value, Values
from rta.stream.aggregate import Accumulator
from rta.stream.attribute_state import NEVER, AttributeState, rounded
from rta.stream.days import Boundaries
from rta.stream.definition import Aggregate, StreamDefinition
from rta.stream.timer_heap import Timer
from rta.stream.updates import Agendas, Emit, Field
from rta.wire.values import Ns

__all__ = ["Windows"]

_FULL = 2

_AHEAD = 64  # windows that samples from the future may open

_Newest = dict[AttributeState, tuple[Ns, Value]]


@define(eq=False)
class _Window:
    start: Ns
    end: Ns
    numbers: dict[AttributeState, Accumulator] = field(factory=dict)
    newest: _Newest = field(factory=dict)


class Windows:
    """Of one run after another of a stream that aggregates."""

    def __init__(
        self,
        definition: StreamDefinition,
        plain: list[Field],
        aggregated: list[Field],
        agendas: Agendas,
        emit: Emit,
        counts: Counter[str],
    ) -> None:
        if definition.update is None:
            raise ValueError(f"{definition.code}/{definition.name} aggregates, but over no interval")
        self._definition = definition
        self._timers = agendas.timers
        self._emit = emit
        self._counts = counts
        self._plain = plain
        self._aggregated = aggregated
        self._wanted = {r: definition.aggregates[name] for name, readings in aggregated for r in readings}
        self._carried: _Newest = {reading: (NEVER, None) for _, readings in plain for reading in readings}
        """The newest from before the oldest open window."""
        self._boundaries = Boundaries(definition.update, agendas.days)
        self._most = definition.lateness // definition.update + _AHEAD
        self._open: dict[Ns, _Window] = {}
        self._last: _Window | None = None
        self._first = self._start = self._end = Ns(0)
        """Of the first window of the run; of the oldest that is open."""
        self._closing = Timer(self._close, _FULL)

    def begin(self, ts: Ns) -> None:
        """The first window is the first that is seen from its beginning."""
        self._first = self._start = self._boundaries.not_before(ts)
        for reading in self._carried:
            self._carried[reading] = (reading.ts, reading.value)
        for reading in [*self._wanted, *self._carried]:
            reading.collectors[self] = None
        self._await_end()

    def end(self) -> None:
        """Drops the open windows."""
        for reading in [*self._wanted, *self._carried]:
            reading.collectors.pop(self, None)
        self._timers.cancel(self._closing)
        self._open.clear()
        self._last = None

    def jump(self, ts: Ns) -> None:
        """Stream time goes on from `ts`, and the readings have been forgotten."""
        self.end()
        self.begin(ts)

    def collect(self, reading: AttributeState, ts: Ns, value: Value) -> None:
        """A sample, in any order, not rounded. Null is no sample of a window, but may be its newest value."""
        window = self._last
        if window is None or not window.start <= ts < window.end:
            window = self._window(ts)
        wants = self._wanted.get(reading) if value is not None else None
        if window is None:
            if wants is not None and ts >= self._first:
                self._counts["late" if ts < self._start else "early"] += 1
            if ts < self._start and reading in self._carried and ts >= self._carried[reading][0]:
                self._carried[reading] = (ts, value)
            return
        if wants is not None:
            numbers = window.numbers.get(reading)
            if numbers is None:
                numbers = window.numbers[reading] = Accumulator(wants)
            numbers.add(value)
        if reading in self._carried and ts >= window.newest.get(reading, (NEVER, None))[0]:
            window.newest[reading] = (ts, value)

    def _window(self, ts: Ns) -> _Window | None:
        if ts < self._start:
            return None
        start, end = self._boundaries.window(ts)
        window = self._open.get(start)
        if window is None:
            if len(self._open) >= self._most:
                return None
            window = self._open[start] = _Window(start, end)
        self._last = window
        return window

    def _await_end(self) -> None:
        self._end = self._boundaries.after(self._start)
        self._timers.set(self._closing, Ns(self._end + self._definition.lateness))

    def _close(self, _at: Ns) -> None:
        window = self._open.pop(self._start, None) or _Window(self._start, self._end)
        if self._last is window:
            self._last = None
        self._carried |= window.newest
        values: Values = {}
        for name, readings in self._plain:
            values[name] = _shaped({reading: self._value_at_end(reading) for reading in readings})
        for name, readings in self._aggregated:
            for aggregate in self._definition.aggregates[name]:
                results = {reading: self._result(window, reading, aggregate) for reading in readings}
                values[f"{name}.{aggregate.value}"] = _shaped(results)
        if overflowed := sum(numbers.overflowed for numbers in window.numbers.values()):
            self._counts["median_overflow"] += overflowed
        ts = self._end
        self._start = self._end
        self._await_end()
        self._emit(ts, values, True)

    def _value_at_end(self, reading: AttributeState) -> Value:
        ts, value = self._carried[reading]
        if reading.max_age is not None and ts + reading.max_age <= self._end:
            return None
        return value if reading.digits is None else rounded(value, reading.digits)

    def _result(self, window: _Window, reading: AttributeState, aggregate: Aggregate) -> Value:
        numbers = window.numbers.get(reading)
        if numbers is None:
            match aggregate:
                case Aggregate.COUNT:
                    return 0
                case Aggregate.SUM:
                    return self._definition.empty_sum
                case _:
                    return None
        result = numbers.result(aggregate)
        return result if reading.digits is None else rounded(result, reading.digits)


def _shaped(values: dict[AttributeState, Value]) -> Value | dict[Component, Value]:
    """As an attribute is written: a map only where there are components."""
    by_component = {reading.component: value for reading, value in values.items()}
    return by_component.get(PLAIN, by_component)
