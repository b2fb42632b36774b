"""What streams have to send, worked out in the most obvious slow way: every sample is kept, and all that is sent is
worked out from that list each time anew.

Written from the protocol text, without a look at `rta.stream.engine`, as a judge of it. Where the text leaves something
open, this is what both take it to mean; the first four points are the engine's choice:

- A millisecond's changes are sent when it is over, ahead of anything else that is due then.
- An event's `ts` is that of the newest sample behind the values that changed. The next min interval begins at its
  `ts`, or at the end of the one before.
- Samples that arrive out of order count in the windows that are still open, plain attributes included.
- With no min interval, what arrives late is an event for each of its own milliseconds.
- An event never carries an older `ts` than the one before it, or than the start: what arrives late gets that one's.
- A value that becomes too old is a change like any other, at the moment at which it has reached its `max_age`.
- "First have a value" is asked in each run of a stream, of the values as they are when it sends.
- A first update that waits is sent when the millisecond of the newest sample behind its values is over, with that
  sample's `ts`; until then, or until it has waited long enough, nothing is sent at all.
- Without deltas, the first full update that has all values comes likewise, without waiting for the clock.
- A sample's order is that among those of its own component.
- A moment that belongs to both: timers first, then samples. A full update takes the place of a delta tick.
- The clock's boundaries for updates and deltas are those of windows.
- Null is no sample of a window; booleans are no numbers. Aggregates are made of values as they came and then rounded.

Not here: batches, which only group what is sent, and another session's time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from rta.rsmp.message import Component, StreamEvent, Value, Values
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.wire.values import Ns

if TYPE_CHECKING:
    from rta.stream.engine import Sample

MS = 1_000_000


Key = tuple[str, Component]


@frozen
class Taken:
    """A sample, and whether it was in order when it came."""

    sample: Sample
    in_order: bool


@frozen
class Sent:
    """An event, as a message of its own."""

    event: StreamEvent
    retain: bool


def rounded(value: Value, digits: int | None) -> Value:
    """A value as it is published."""
    if digits is None or isinstance(value, bool | str) or value is None:
        return value
    return round(value) if digits == 0 else round(value, digits)


@define
class NaiveStatus:
    """All samples of a status, and its streams."""

    definition: StatusDefinition
    zone: tzinfo
    now: int
    taken: list[Taken] = field(factory=list)
    streams: list[NaiveStream] = field(factory=list)

    def take(self, samples: Sequence[Sample], ts: int) -> None:
        """Live until `ts`; samples of one millisecond change things together."""
        waiting = sorted(samples, key=lambda s: s.ts)
        while waiting:
            self.run_until(min(waiting[0].ts, ts))
            together = [s for s in waiting if s.ts // MS == waiting[0].ts // MS]
            waiting = waiting[len(together) :]
            for sample in together:
                newest = self.newest((sample.attribute, sample.component))
                unknown = isinstance(sample.value, float) and not math.isfinite(sample.value)
                known = sample._replace(value=None) if unknown else sample
                self.taken.append(Taken(known, newest is None or sample.ts >= newest.ts))
        self.run_until(ts)

    def run_until(self, ts: int) -> None:
        """Let time pass, from moment to moment."""
        while moments := [m for s in self.streams for m in s.moments() if m <= ts]:
            moment = min(moments)
            self.now = max(self.now, moment)
            for stream in self.streams:
                stream.look(moment)
        self.now = max(self.now, ts)

    def newest(self, key: Key) -> Sample | None:
        """The last sample in order."""
        mine = [t for t in reversed(self.taken) if (t.sample.attribute, t.sample.component) == key]
        return next((t.sample for t in mine if t.in_order), None)

    def value(self, key: Key, at: int) -> Value:
        """What is known at a moment."""
        return self.known(key, self.newest(key), at)

    def value_before(self, key: Key, end: int) -> Value:
        """What is known at the end of a window, whatever the order in which samples came."""
        mine = [t.sample for t in self.taken if (t.sample.attribute, t.sample.component) == key and t.sample.ts < end]
        return self.known(key, max(reversed(mine), key=lambda sample: sample.ts, default=None), end)

    def known(self, key: Key, sample: Sample | None, at: int) -> Value:
        attribute = self.definition.attributes[key[0]]
        if sample is None or (attribute.max_age is not None and at - sample.ts >= attribute.max_age):
            return None
        return rounded(sample.value, attribute.round)


@define
class NaiveStream:
    """What all streams have."""

    status: NaiveStatus
    definition: StreamDefinition
    running: bool = False
    since: int = 0
    first: int = 0
    """How many samples had been taken when it was started."""
    run: list[StreamEvent] = field(factory=list)
    """Since the last start."""
    sent: list[Sent] = field(factory=list)
    """Ever."""

    def start(self) -> None:
        self.running, self.since, self.first, self.run = True, self.status.now, len(self.status.taken), []

    def stop(self) -> None:
        self.running = False

    def reconnected(self) -> None:
        raise NotImplementedError

    def moments(self) -> Iterator[int]:
        """Moments at which it may have to send; among them the next."""
        raise NotImplementedError

    def look(self, moment: int) -> None:
        """Send what is to be sent at a moment; what came late may make that one that was before."""
        raise NotImplementedError

    def emit(self, ts: int, values: Values, complete: bool) -> None:
        event = StreamEvent(Ns(ts), values, len(self.run) + 1, complete)
        self.run.append(event)
        self.sent.append(Sent(event, retain=complete))

    def attribute(self, name: str) -> AttributeDefinition:
        return self.status.definition.attributes[name]

    def keys(self, *triggers: Trigger) -> list[Key]:
        return [
            (name, component)
            for name, trigger in self.definition.attributes.items()
            for component in self.attribute(name).components
            if trigger in triggers
        ]

    def tree(self, flat: dict[Key, Value]) -> Values:
        """Values in the shape in which they are published."""
        values: Values = {}
        for (name, component), value in flat.items():
            if component:
                values.setdefault(name, {})[component] = value  # type: ignore[index]
            else:
                values[name] = value
        return values
