"""Aggregated updates: one for each window of the clock, computed from the samples in it.

A window [start, end) stays open until its lateness is over, so that several may be open at once.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from rta.rsmp.message import Value, Values
from rta.stream.aggregate import Accumulator
from rta.stream.attribute_state import NEVER, AttributeState, rounded
from rta.stream.days import Boundaries
from rta.stream.definition import Aggregate, StreamDefinition
from rta.stream.timer_heap import Timer
from rta.stream.updates import Emit, Field, TimerHeaps, shaped
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
    """The windows of one stream that aggregates, which may be started and stopped any number of times."""

    def __init__(
        self,
        definition: StreamDefinition,
        plain: list[Field],
        aggregated: list[Field],
        heaps: TimerHeaps,
        emit: Emit,
        counts: Counter[str],
    ) -> None:
        if definition.update is None:
            raise ValueError(f"{definition.code}/{definition.name} aggregates, but over no interval")
        self._definition = definition
        self._timers = heaps.timers
        self._emit = emit
        self._counts = counts
        self._plain = plain
        self._aggregated = aggregated
        self._wanted = {r: definition.aggregates[name] for name, states in aggregated for r in states}
        self._carried: _Newest = {state: (NEVER, None) for _, states in plain for state in states}
        """The newest values from before the oldest open window."""
        self._boundaries = Boundaries(definition.update, heaps.days)
        self._most = definition.lateness // definition.update + _AHEAD
        self._open: dict[Ns, _Window] = {}
        self._last: _Window | None = None
        self._first = self._start = self._end = Ns(0)
        """The start of the first window since the start; start and end of the oldest open one."""
        self._closing = Timer(self._close, _FULL)

    def begin(self, ts: Ns) -> None:
        """Start. The first window is the first that is seen from its beginning."""
        self._first = self._start = self._boundaries.not_before(ts)
        for state in self._carried:
            self._carried[state] = (state.ts, state.value)
        for state in [*self._wanted, *self._carried]:
            state.collectors[self] = None
        self._await_end()

    def end(self) -> None:
        """Stop; open windows are dropped."""
        for state in [*self._wanted, *self._carried]:
            state.collectors.pop(self, None)
        self._timers.cancel(self._closing)
        self._open.clear()
        self._last = None

    def jump(self, ts: Ns) -> None:
        """Stream time goes on from `ts`, and all values have been forgotten."""
        self.end()
        self.begin(ts)

    def completed(self, values: Values) -> Values:
        """As `Updates.completed`: each event has everything."""
        return values

    def collect(self, state: AttributeState, ts: Ns, value: Value) -> None:
        """A sample, in any order, not rounded. Null does not count in aggregates, but may be the newest value."""
        window = self._last
        if window is None or not window.start <= ts < window.end:
            window = self._window(ts)
        wants = self._wanted.get(state) if value is not None else None
        if window is None:
            if wants is not None and ts >= self._first:
                self._counts["late" if ts < self._start else "early"] += 1
            if ts < self._start and state in self._carried and ts >= self._carried[state][0]:
                self._carried[state] = (ts, value)
            return
        if wants is not None:
            numbers = window.numbers.get(state)
            if numbers is None:
                numbers = window.numbers[state] = Accumulator(wants)
            numbers.add(value)
        if state in self._carried and ts >= window.newest.get(state, (NEVER, None))[0]:
            window.newest[state] = (ts, value)

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
        for name, states in self._plain:
            values[name] = shaped({state: self._value_at_end(state) for state in states})
        for name, states in self._aggregated:
            for aggregate in self._definition.aggregates[name]:
                results = {state: self._result(window, state, aggregate) for state in states}
                values[f"{name}.{aggregate.value}"] = shaped(results)
        if overflowed := sum(numbers.overflowed for numbers in window.numbers.values()):
            self._counts["median_overflow"] += overflowed
        ts = self._end
        self._start = self._end
        self._await_end()
        self._emit(ts, values, True)

    def _value_at_end(self, state: AttributeState) -> Value:
        ts, value = self._carried[state]
        if state.max_age is not None and ts + state.max_age <= self._end:
            return None
        return value if state.digits is None else rounded(value, state.digits)

    def _result(self, window: _Window, state: AttributeState, aggregate: Aggregate) -> Value:
        numbers = window.numbers.get(state)
        if numbers is None:
            match aggregate:
                case Aggregate.COUNT:
                    return 0
                case Aggregate.SUM:
                    return self._definition.empty_sum
                case _:
                    return None
        result = numbers.result(aggregate)
        return result if state.digits is None else rounded(result, state.digits)
