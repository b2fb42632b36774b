"""Full updates and deltas: when a stream that does not aggregate has something to say, and what.

A change opens an event, which closes when a later millisecond begins, or when the min interval is over; what changes
meanwhile belongs to it. Whatever happens at one moment sees the values from before it: updates are due before
samples of the same time.
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

__all__ = ["Agendas", "Emit", "Field", "Updates", "pictured"]

Emit = Callable[[Ns, Values, bool], None]
"""Takes an event's time and values, and whether it is complete."""

Field = tuple[str, list[AttributeState]]
"""An attribute's name and the readings it consists of."""

_MILLISECOND = 1_000_000

# At one moment: what belongs to the millisecond before, then values become too old, then fulls absorb the rest.
_OVER, _FULL, _HELD = 0, 2, 3


@frozen
class Agendas:
    """Of a status, in stream time. A sample that is ahead of the clock closes events, but does not move the rest."""

    timers: TimerHeap
    closings: TimerHeap
    days: LocalDays


class Updates:
    """Of one run after another of a stream."""

    def __init__(self, definition: StreamDefinition, fields: list[Field], agendas: Agendas, emit: Emit) -> None:
        self._definition = definition
        self._on_change = definition.on_change
        self._agendas = agendas
        self._emit = emit
        self._fields = fields
        self._along = [f for f in fields if definition.attributes[f[0]] is Trigger.ALONG]
        sending = [r for name, readings in fields if definition.attributes[name] is Trigger.CHANGE for r in readings]
        self._sending = {reading: place for place, reading in enumerate(sending)}
        self._published: dict[AttributeState, Value] = {}
        self._changed: set[AttributeState] = set()
        self._lacking: AttributeState | None = None
        """One without a value, as long as not all have had one."""
        self._last = Ns(0)
        self._quiet_until = NEVER
        """The end of the min interval."""
        self._newest = Ns(0)
        self._closing = Timer(self._close)
        self._full_due = Timer(self._full_at_boundary, _FULL)
        self._delta_due = Timer(self._delta_at_tick, _HELD)
        self._fulls = Boundaries(definition.update, agendas.days) if definition.update is not None else None
        ticks = None if definition.on_change else definition.delta
        self._ticks = Boundaries(ticks, agendas.days) if ticks is not None else None

    def begin(self, ts: Ns) -> None:
        """With a full update."""
        self._last = ts
        self._lacking = next(iter(self._sending), None)
        self.full(ts)
        self._align(ts)
        if self._definition.on_change or self._ticks is not None:
            for reading in self._sending:
                reading.watchers[self] = None

    def end(self) -> None:
        """Drops pending changes."""
        for reading in self._sending:
            reading.watchers.pop(self, None)
        self._changed.clear()
        self._agendas.closings.cancel(self._closing)
        self._agendas.timers.cancel(self._full_due)
        self._agendas.timers.cancel(self._delta_due)

    def jump(self, ts: Ns) -> None:
        """Stream time goes on from `ts`, and the readings have been forgotten: that is a change to null."""
        self._changed.clear()
        self._agendas.closings.cancel(self._closing)
        self._last = ts
        self._quiet_until = NEVER
        self._lacking = next(iter(self._sending), None)
        self._align(ts)
        for reading in self._sending:
            if self in reading.watchers:
                self.changed(reading, ts)

    def full(self, ts: Ns) -> None:
        """A full update, behind which the min interval begins anew."""
        self._full(ts)
        self._rest(self._last)

    def _full(self, ts: Ns) -> None:
        """Everything, pending changes included."""
        self._changed.clear()
        self._agendas.closings.cancel(self._closing)
        for reading in self._sending:
            self._published[reading] = reading.value
        if self._lacking is not None:
            self._lacking = self._without_value()
        self._last = max(ts, self._last)
        self._emit(self._last, pictured(self._fields), True)

    def changed(self, reading: AttributeState, ts: Ns) -> None:
        """A reading has another value."""
        changed = self._changed
        if not differ(reading.value, self._published[reading]):
            changed.discard(reading)
            if not changed:
                self._agendas.closings.cancel(self._closing)
            return
        if not changed or ts > self._newest:
            self._newest = ts
        changed.add(reading)
        if self._on_change:
            self._open()

    def _open(self) -> None:
        closing = self._closing
        due = closing.entry
        if due is not None and due[0] <= self._newest:
            return  # a value that became too old just when the min interval is over: still within
        at = self._newest - self._newest % _MILLISECOND + _MILLISECOND
        closing.rank = _OVER
        if at <= self._quiet_until:
            at = self._quiet_until
            closing.rank = _HELD
        if due is None or due[0] != at:
            self._agendas.closings.set(closing, Ns(at))

    def _align(self, ts: Ns) -> None:
        if self._fulls is not None:
            self._agendas.timers.set(self._full_due, self._fulls.after(ts))
        if self._ticks is not None:
            self._agendas.timers.set(self._delta_due, self._ticks.after(ts))

    def _full_at_boundary(self, at: Ns) -> None:
        if self._fulls is not None:
            self._agendas.timers.set(self._full_due, self._fulls.after(at))
        self.full(at)

    def _delta_at_tick(self, at: Ns) -> None:
        if self._ticks is not None:
            self._agendas.timers.set(self._delta_due, self._ticks.after(at))
        if self._changed:
            self._delta(at)

    def _close(self, _at: Ns) -> None:
        ts = max([reading.moment for reading in self._changed])
        self._delta(ts)
        self._rest(max(self._quiet_until, ts))

    def _rest(self, since: Ns) -> None:
        if self._definition.min_interval:
            self._quiet_until = Ns(since + self._definition.min_interval)

    def _delta(self, ts: Ns) -> None:
        if self._lacking is not None and self._without_value() is None:
            self._full(ts)  # now that they all have a value for the first time
            return
        changed = list(self._changed)
        self._changed.clear()
        if len(changed) > 1:
            changed.sort(key=self._sending.__getitem__)
        values: Values = {}
        components: dict[Component, Value] = {}
        attribute = ""
        for reading in changed:
            self._published[reading] = value = reading.value
            if reading.component == PLAIN:
                values[reading.attribute] = value
                continue
            if reading.attribute != attribute:
                attribute = reading.attribute
                values[attribute] = components = {}
            components[reading.component] = value
        if self._along:
            values |= pictured(self._along)
        if ts > self._last:
            self._last = ts
        self._emit(self._last, values, len(changed) == len(self._sending))

    def _without_value(self) -> AttributeState | None:
        """The same as before, as long as that is true: a stream of many attributes is not searched at each event."""
        lacking = self._lacking
        if lacking is not None and lacking.value is None:
            return lacking
        return next((reading for reading in self._sending if reading.value is None), None)


def pictured(fields: list[Field]) -> Values:
    """The present values."""
    return {
        name: readings[0].value
        if readings[0].component == PLAIN
        else {reading.component: reading.value for reading in readings}
        for name, readings in fields
    }
