"""Full updates and deltas, in the most obvious slow way."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from rta.stream.definition import Trigger
from rta.stream.message import Value

from .naive import MS, Key, NaiveStream
from .naive_clock import next_boundary


@define
class NaiveUpdates(NaiveStream):
    """Full updates and deltas."""

    published: dict[Key, Value] = field(factory=dict)
    since: dict[Key, tuple[Value, int]] = field(factory=dict)
    """The present values, and the time of what made them so."""
    done: int = 0
    """The last moment at which the clock was obeyed."""
    quiet: int = 0
    """The end of the min interval."""
    whole: bool = False
    """A full update with a value for every send-on-change attribute has been sent in this run."""

    def start(self) -> None:
        super().start()
        self.whole, self.quiet = False, 0
        self.since = {key: (value, 0) for key, value in self.picture().items()}
        self.full(self.status.now)

    def reconnected(self) -> None:
        self.full(self.status.now)

    def moments(self) -> Iterator[int]:
        now = self.status.now
        if self.running:
            for interval in (self.definition.update, self.definition.delta):
                if interval is not None:
                    yield next_boundary(self.status.zone, interval, now)
            if (end := self.end_of_event()) is not None:
                yield end
            for key in self.keys(Trigger.CHANGE):
                if (end := self.end_of_life(key)) is not None and end > now:
                    yield end

    def end_of_life(self, key: Key) -> int | None:
        """When a value becomes too old."""
        sample, age = self.status.newest(key), self.attribute(key[0]).max_age
        return None if sample is None or age is None else sample.ts + age

    def changed(self) -> list[Key]:
        """What differs from what was published."""
        return [key for key in self.keys(Trigger.CHANGE) if self.since[key][0] != self.published[key]]

    def end_of_event(self) -> int | None:
        """When the present changes are to be sent."""
        if not self.definition.on_change or not (times := [self.since[key][1] for key in self.changed()]):
            return None
        return max((max(times) // MS + 1) * MS, self.quiet)

    def strikes(self, interval: int | None) -> bool:
        """Whether the clock shows a multiple of it now, and this has not been obeyed yet."""
        now = self.status.now
        return interval is not None and now > self.done and next_boundary(self.status.zone, interval, now - 1) == now

    def notice(self) -> None:
        now = self.status.now
        for key, value in self.picture().items():
            if self.running and value != self.since[key][0]:
                sample, end = self.status.newest(key), self.end_of_life(key)
                assert sample is not None
                self.since[key] = (value, end if end is not None and end <= now else sample.ts)

    def look(self) -> None:
        if not self.running:
            return
        now, end = self.status.now, self.end_of_event()
        if end is not None and self.quiet < end <= now:  # It belongs to the millisecond before.
            self.changes()
        if self.strikes(self.definition.update):
            self.full(now)
        elif self.strikes(self.definition.delta) and self.changed():
            self.delta(now)
        elif (end := self.end_of_event()) is not None and end <= now:
            self.changes()
        self.done = now

    def changes(self) -> None:
        newest = max(self.since[key][1] for key in self.changed())
        quiet = max(self.quiet, newest) + self.definition.min_interval
        self.delta(newest)
        self.quiet = quiet

    def delta(self, ts: int) -> None:
        values, sending = self.picture(), self.keys(Trigger.CHANGE)
        if not self.whole and all(values[key] is not None for key in sending):
            self.full(ts)
        else:
            self.send(ts, {key: values[key] for key in (*self.changed(), *self.keys(Trigger.ALONG))})

    def full(self, ts: int) -> None:
        self.done = self.status.now
        self.send(ts, self.picture())
        self.quiet = self.run[-1].ts + self.definition.min_interval

    def send(self, ts: int, values: dict[Key, Value]) -> None:
        complete = all(key in values for key in self.keys(Trigger.CHANGE))
        self.whole = self.whole or (complete and all(values[key] is not None for key in self.keys(Trigger.CHANGE)))
        self.published = {**self.published, **values}
        self.emit(max([ts, *(event.ts for event in self.run)]), self.tree(values), complete)

    def picture(self) -> dict[Key, Value]:
        return {key: self.status.value(key, self.status.now) for key in self.keys(Trigger.CHANGE, Trigger.ALONG)}
