"""Full updates and deltas: when a stream that does not aggregate has an event, and what is in it.

A change opens an event, which closes when a later millisecond begins, or when the min interval is over; what changes
meanwhile belongs to it. Updates come before samples of the same time, so they have the values from before.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from rta.rsmp.message import PLAIN, Component, Value, Values
from rta.stream.attribute_state import NEVER, AttributeState, differ
from rta.stream.days import Boundaries, LocalDays
from rta.stream.definition import StreamDefinition, Trigger
from rta.stream.timer_heap import Timer, TimerHeap
from rta.wire.values import Ns

__all__ = ["TimerHeaps", "Emit", "Field", "Updates", "pictured", "shaped"]

Emit = Callable[[Ns, Values, bool], None]
"""Takes an event's time and values, and whether it is complete."""

Field = tuple[str, list[AttributeState]]
"""The name of an attribute, and the state of each of its components."""

_MILLISECOND = 1_000_000

# The order at one moment: events of the millisecond before, values that become too old, full updates, held events.
_OVER, _FULL, _HELD = 0, 2, 3


@frozen
class TimerHeaps:
    """The timers of a status, in stream time. A sample ahead of the clock fires `closings`, but not `timers`."""

    timers: TimerHeap
    closings: TimerHeap
    days: LocalDays


class Updates:
    """The updates of one stream, which may be started and stopped any number of times."""

    def __init__(self, definition: StreamDefinition, fields: list[Field], heaps: TimerHeaps, emit: Emit) -> None:
        self._definition = definition
        self._on_change = definition.on_change
        self._fulls_only = not definition.on_change and definition.delta is None
        self._heaps = heaps
        self._emit = emit
        self._fields = fields
        self._along = [f for f in fields if definition.attributes[f[0]] is Trigger.ALONG]
        sending = [r for name, states in fields if definition.attributes[name] is Trigger.CHANGE for r in states]
        self._sending = {state: place for place, state in enumerate(sending)}
        self._published: dict[AttributeState, Value] = {}
        self._changed: set[AttributeState] = set()
        self._lacking: AttributeState | None = None
        """An attribute without a value, until all have had one."""
        self._last = Ns(0)
        self._quiet_until = NEVER
        """The end of the min interval."""
        self._newest = Ns(0)
        self._waiting = False
        """Nothing has been sent in this run: the first full update waits until all have a value."""
        self._closing = Timer(self._close)
        self._all_known = Timer(self._full_when_known, _OVER)
        self._waited = Timer(self._full_after_waiting, _HELD)
        self._full_due = Timer(self._full_at_boundary, _FULL)
        self._delta_due = Timer(self._delta_at_tick, _HELD)
        self._fulls = Boundaries(definition.update, heaps.days) if definition.update is not None else None
        ticks = None if definition.on_change else definition.delta
        self._ticks = Boundaries(ticks, heaps.days) if ticks is not None else None

    def begin(self, ts: Ns) -> None:
        """Start, with a full update, which may wait."""
        self._last = ts
        self._lacking = next(iter(self._sending), None)
        self._waiting = self._definition.first_known and self._is_lacking()
        self._align(ts)
        self.full(ts)
        for state in self._sending:
            state.watchers[self] = None

    def end(self) -> None:
        """Stop; pending changes are dropped."""
        for state in self._sending:
            state.watchers.pop(self, None)
        self._changed.clear()
        self._waiting = False
        self._heaps.closings.cancel(self._closing)
        self._heaps.closings.cancel(self._all_known)
        for timer in (self._full_due, self._delta_due, self._waited):
            self._heaps.timers.cancel(timer)

    def jump(self, ts: Ns) -> None:
        """Stream time goes on from `ts`, and all values have been forgotten: that is a change to null."""
        self._changed.clear()
        self._heaps.closings.cancel(self._closing)
        self._heaps.closings.cancel(self._all_known)
        self._last = ts
        self._quiet_until = NEVER
        self._lacking = next(iter(self._sending), None)
        self._align(ts)
        for state in self._sending:
            if self in state.watchers:
                self.changed(state, ts)

    def full(self, ts: Ns) -> None:
        """Emit a full update, unless the first one is still waiting; the min interval begins anew."""
        if not self._waiting:
            self._full(ts)
            self._rest(self._last)

    def _full(self, ts: Ns) -> None:
        """Emit all values, pending changes included."""
        self._changed.clear()
        self._heaps.closings.cancel(self._closing)
        self._heaps.closings.cancel(self._all_known)
        for state in self._sending:
            self._published[state] = state.value
        if not self._is_lacking():
            self._lacking = None
        self._last = max(ts, self._last)
        self._emit(self._last, pictured(self._fields), True)

    def completed(self, values: Values) -> Values:
        """The whole picture as it was last published. `values`: those of the last event."""
        along = {name for name, _ in self._along}
        return {
            name: values[name] if name in along else shaped({s: self._published[s] for s in states})
            for name, states in self._fields
        }

    def changed(self, state: AttributeState, ts: Ns) -> None:
        """An attribute has another value."""
        if self._waiting or self._fulls_only:
            if self._lacking is not None and not self._is_lacking():
                newest = max(state.moment for state in self._sending)
                self._heaps.closings.set(self._all_known, _end_of_millisecond(newest))
            return
        changed = self._changed
        if not differ(state.value, self._published[state]):
            changed.discard(state)
            if not changed:
                self._heaps.closings.cancel(self._closing)
            return
        if not changed or ts > self._newest:
            self._newest = ts
        changed.add(state)
        if self._on_change:
            self._open()

    def _open(self) -> None:
        closing = self._closing
        due = closing.entry
        if due is not None and due[0] <= self._newest:
            return  # a value became too old just when the min interval is over: it belongs to the event
        at = _end_of_millisecond(self._newest)
        closing.rank = _OVER
        if at <= self._quiet_until:
            at = self._quiet_until
            closing.rank = _HELD
        if due is None or due[0] != at:
            self._heaps.closings.set(closing, at)

    def _align(self, ts: Ns) -> None:
        if self._waiting:
            self._heaps.timers.set(self._waited, Ns(ts + self._definition.first_within))
        if self._fulls is not None:
            self._heaps.timers.set(self._full_due, self._fulls.after(ts))
        if self._ticks is not None:
            self._heaps.timers.set(self._delta_due, self._ticks.after(ts))

    def _full_at_boundary(self, at: Ns) -> None:
        if self._fulls is not None:
            self._heaps.timers.set(self._full_due, self._fulls.after(at))
        self.full(at)

    def _delta_at_tick(self, at: Ns) -> None:
        if self._ticks is not None:
            self._heaps.timers.set(self._delta_due, self._ticks.after(at))
        if self._changed:
            self._delta(at)

    def _full_when_known(self, _at: Ns) -> None:
        if not self._is_lacking():
            self._wait_no_longer()
            self.full(max(state.moment for state in self._sending))

    def _full_after_waiting(self, at: Ns) -> None:
        self._wait_no_longer()
        self.full(at)

    def _wait_no_longer(self) -> None:
        self._waiting = False
        self._heaps.timers.cancel(self._waited)

    def _close(self, _at: Ns) -> None:
        ts = max([state.moment for state in self._changed])
        self._delta(ts)
        self._rest(max(self._quiet_until, ts))

    def _rest(self, since: Ns) -> None:
        if self._definition.min_interval:
            self._quiet_until = Ns(since + self._definition.min_interval)

    def _delta(self, ts: Ns) -> None:
        if self._lacking is not None and not self._is_lacking():
            self._full(ts)  # all attributes have a value for the first time
            return
        changed = list(self._changed)
        self._changed.clear()
        if len(changed) > 1:
            changed.sort(key=self._sending.__getitem__)
        values: Values = {}
        components: dict[Component, Value] = {}
        attribute = ""
        for state in changed:
            self._published[state] = value = state.value
            if state.component == PLAIN:
                values[state.attribute] = value
                continue
            if state.attribute != attribute:
                attribute = state.attribute
                values[attribute] = components = {}
            components[state.component] = value
        if self._along:
            values |= pictured(self._along)
        if ts > self._last:
            self._last = ts
        self._emit(self._last, values, len(changed) == len(self._sending))

    def _is_lacking(self) -> bool:
        """Whether an attribute has no value, if not all have had one before. The same is asked first while it has none,
        so that not all are searched at each event."""
        if self._lacking is None or self._lacking.value is None:
            return self._lacking is not None
        found = next((state for state in self._sending if state.value is None), None)
        self._lacking = found or self._lacking
        return found is not None


def _end_of_millisecond(ts: Ns) -> Ns:
    return Ns(ts - ts % _MILLISECOND + _MILLISECOND)


def pictured(fields: list[Field]) -> Values:
    """The present values of some attributes."""
    return {
        name: states[0].value if states[0].component == PLAIN else {state.component: state.value for state in states}
        for name, states in fields
    }


def shaped(values: dict[AttributeState, Value]) -> Value | dict[Component, Value]:
    """The value of an attribute: a map only where it has components."""
    by_component = {state.component: value for state, value in values.items()}
    return by_component.get(PLAIN, by_component)
