"""The streams of a status: samples and the time go in, messages come out. No clock is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from operator import itemgetter

from rta.rsmp.message import Component
from rta.stream.attribute_state import NEVER, AttributeState, known
from rta.stream.days import LocalDays
from rta.stream.definition import StatusDefinition, StreamDefinition
from rta.stream.sample import Sample
from rta.stream.stream import Outbox, Output, StreamEngine
from rta.stream.timer_heap import TimerHeap
from rta.stream.updates import Emit, Field, TimerHeaps, Updates
from rta.stream.windows import Windows
from rta.wire.values import Ns

__all__ = ["Output", "Sample", "StatusEngine", "StreamEngine"]

_moment = itemgetter(0)


class StatusEngine:
    """One status and its streams by name.

    `ts` is stream time now, `wall` is wall time now. Neither goes back, except that `begin_anew` begins another stream
    time.
    """

    def __init__(self, definition: StatusDefinition, zone: tzinfo) -> None:
        """`zone`: the intervals of updates are counted from its midnight."""
        self.definition = definition
        self.streams: dict[str, StreamEngine] = {}
        self.counts: Counter[str] = Counter()
        """What was left out, by reason: `out_of_order`, `too_old`, `unknown` (samples); `late`, `early` (samples of
        windows, by stream); `median_overflow` (windows)."""
        self._heaps = TimerHeaps(TimerHeap(), TimerHeap(), LocalDays(zone))
        self._outbox = Outbox(Ns(0))
        self._states: dict[tuple[str, Component], AttributeState] = {
            (attribute.name, component): AttributeState(attribute, component, self._heaps.timers)
            for attribute in definition.attributes.values()
            for component in attribute.components
        }
        self._reached = NEVER

    def add(self, stream: StreamDefinition) -> StreamEngine:
        """Add a stream, stopped.

        :raises ValueError: there is a stream of this name, an attribute is not of the status, or it aggregates without
            an interval.
        """
        if stream.name in self.streams:
            raise ValueError(f"{self.definition.code} has a stream {stream.name!r} already")

        def updates(emit: Emit) -> Updates | Windows:
            plain = self._fields(stream.attributes)
            if not stream.aggregating:
                return Updates(stream, plain, self._heaps, emit)
            return Windows(stream, plain, self._fields(stream.aggregates), self._heaps, emit, self.counts)

        engine = self.streams[stream.name] = StreamEngine(stream, self._outbox, self._settle, updates)
        return engine

    def remove(self, name: str) -> None:
        """Remove a stream; what it had to send is not sent."""
        stream = self.streams.pop(name)
        stream.stop(self._reached, self._outbox.wall)

    def feed(self, samples: Sequence[Sample], ts: Ns, wall: Ns) -> Output:
        """What is to be sent because of these samples, in any order, and because of the time.

        The result is the same as if each sample had come at its own moment, unless that moment is over. A sample ahead
        of `ts` counts at once, and closes the events that were open before it.
        """
        reached = self._reached
        self._begin(ts, wall)
        timers, closings = self._heaps.timers, self._heaps.closings
        states = self._states
        for at, attribute, component, value in sorted(samples, key=_moment) if len(samples) > 1 else samples:
            until = min(at, ts)
            if closings.may_be_due(at) or timers.may_be_due(until):
                self._run(until, at)
            state = states.get((attribute, component))
            if state is None:
                self.counts["unknown"] += 1
                continue
            value = known(value)
            for collector in state.collectors:
                collector.collect(state, at, value)
            if at < state.ts:
                self.counts["out_of_order"] += 1
            elif not state.feed(at, value, reached):
                self.counts["too_old"] += 1
        self._run(ts, ts)
        return self._outbox.drain()

    def advance(self, ts: Ns, wall: Ns) -> Output:
        """What is to be sent because of the time."""
        return self.feed((), ts, wall)

    def due(self) -> tuple[Ns | None, Ns | None]:
        """When to call `advance` at the latest: in stream time, and in wall time."""
        heads = (self._heaps.timers.head(), self._heaps.closings.head())
        ts = min((head[0] for head in heads if head is not None), default=None)
        batch = self._outbox.batches.head()
        return self._reached if self._outbox.waiting else ts, batch[0] if batch is not None else None

    def begin_anew(self, ts: Ns) -> None:
        """Stream time jumps to `ts`, forward or back. Values, sample times, open windows and pending changes are
        forgotten, and the boundaries of windows begin anew. Published values change to null, unless others come in the
        same millisecond."""
        self._reached = ts
        for state in self._states.values():
            state.forget()
        for stream in self.streams.values():
            stream.jump(ts)

    def _fields(self, names: Iterable[str]) -> list[Field]:
        try:
            attributes = [self.definition.attributes[name] for name in names]
        except KeyError as error:
            raise ValueError(f"{self.definition.code} has no attribute {error.args[0]!r}") from None
        return [(a.name, [self._states[a.name, component] for component in a.components]) for a in attributes]

    def _begin(self, ts: Ns, wall: Ns) -> None:
        self._reached = ts
        self._outbox.wall = wall
        batches = self._outbox.batches
        while (head := batches.head()) is not None and head[0] <= wall:
            batches.fire_head()

    def _settle(self, ts: Ns, wall: Ns) -> None:
        """Do what is due before a stream is started or stopped. What other streams have to send waits for `feed`."""
        self._begin(ts, wall)
        self._run(ts, ts)

    def _run(self, until: Ns, closings_until: Ns) -> None:
        """Do what is due by then, in order."""
        timers, closings = self._heaps.timers, self._heaps.closings
        while True:
            timer, closing = timers.head(), closings.head()
            if timer is not None and timer[0] > until:
                timer = None
            if closing is not None and closing[0] <= closings_until and (timer is None or closing <= timer):
                closings.fire_head()
            elif timer is not None:
                timers.fire_head()
            else:
                return
