"""Full updates and deltas, in the most obvious slow way."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from rta.rsmp.message import Value
from rta.stream.definition import Trigger

from .naive import MS, Key, NaiveStream
from .naive_clock import next_boundary


@define
class NaiveUpdates(NaiveStream):
    """Full updates and deltas."""

    published: dict[Key, Value] = field(factory=dict)
    done: int = 0
    """The last moment at which the clock was obeyed."""
    quiet: int = 0
    """The end of the min interval."""
    whole: bool = False
    """A full update with a value for every send-on-change attribute has been sent in this run."""

    def start(self) -> None:
        super().start()
        self.whole, self.quiet, self.done = False, 0, self.status.now
        if not self.definition.first_known or self.knows_all(self.status.now):
            self.full(self.status.now, self.status.now)

    def reconnected(self) -> None:
        if not self.waits:
            self.full(self.status.now, self.status.now)

    @property
    def waits(self) -> bool:
        """Nothing has been sent in this run."""
        return not self.run

    @property
    def patience_ends(self) -> int:
        """When a first update is sent with what there is."""
        return self.since + self.definition.first_within

    def knows_all(self, at: int) -> bool:
        """Whether every send-on-change attribute has a value."""
        return all(self.picture(at)[key] is not None for key in self.keys(Trigger.CHANGE))

    def end_of_first(self, at: int) -> int | None:
        """When a full update is to be sent only because all is known for the first time."""
        alone = self.waits or (not self.definition.on_change and self.definition.delta is None)
        if not alone or self.whole or not self.knows_all(at):
            return None
        return (max(self.moment(key, at) for key in self.keys(Trigger.CHANGE)) // MS + 1) * MS

    def moments(self) -> Iterator[int]:
        now = self.status.now
        if self.running:
            for interval in (self.definition.update, self.definition.delta):
                if interval is not None:
                    yield next_boundary(self.status.zone, interval, now)
            if (end := self.end_of_event(now)) is not None:
                yield end
            if (end := self.end_of_first(now)) is not None:
                yield end
            if self.waits:
                yield self.patience_ends
            for key in self.keys(Trigger.CHANGE):
                if (end := self.end_of_life(key)) is not None and end > now:
                    yield end

    def end_of_life(self, key: Key) -> int | None:
        """When a value becomes too old."""
        sample, age = self.status.newest(key), self.attribute(key[0]).max_age
        return None if sample is None or sample.value is None or age is None else sample.ts + age

    def moment(self, key: Key, at: int) -> int:
        """Since when a value is known to be what it is."""
        sample, end = self.status.newest(key), self.end_of_life(key)
        assert sample is not None
        return end if end is not None and end <= at else sample.ts

    def changed(self, at: int) -> list[Key]:
        """What differs from what was published."""
        values = self.picture(at)
        return [key for key in self.keys(Trigger.CHANGE) if values[key] != self.published[key]]

    def end_of_event(self, at: int) -> int | None:
        """When the present changes are to be sent."""
        if self.waits or not self.definition.on_change or not (changed := self.changed(at)):
            return None
        return max((max(self.moment(key, at) for key in changed) // MS + 1) * MS, self.quiet)

    def strikes(self, interval: int | None) -> bool:
        """Whether the clock shows a multiple of it now, and this has not been obeyed yet."""
        now = self.status.now
        return interval is not None and now > self.done and next_boundary(self.status.zone, interval, now - 1) == now

    def look(self, moment: int) -> None:
        if not self.running:
            return
        now = self.status.now
        before = now - (moment == now)
        if (end := self.end_of_first(before)) is not None and end <= moment:
            self.full(max(self.moment(key, before) for key in self.keys(Trigger.CHANGE)), before)
        if (end := self.end_of_event(before)) is not None and self.quiet < end <= moment:
            self.changes(before)  # It belongs to the millisecond before.
        if self.waits:
            if now >= self.patience_ends:
                self.full(now, now)
        elif self.strikes(self.definition.update):
            self.full(now, now)
        elif self.strikes(self.definition.delta) and self.changed(now):
            self.delta(now, now)
        elif (end := self.end_of_event(now)) is not None and end <= moment:
            self.changes(now)
        self.done = now

    def changes(self, at: int) -> None:
        newest = max(self.moment(key, at) for key in self.changed(at))
        since = max(self.quiet, newest)
        self.delta(newest, at)
        self.rest(since)

    def delta(self, ts: int, at: int) -> None:
        values, sending = self.picture(at), self.keys(Trigger.CHANGE)
        if not self.whole and all(values[key] is not None for key in sending):
            self.full(ts, at)
        else:
            self.send(ts, {key: values[key] for key in (*self.changed(at), *self.keys(Trigger.ALONG))})

    def full(self, ts: int, at: int) -> None:
        self.send(ts, self.picture(at))
        self.rest(self.run[-1].ts)

    def rest(self, since: int) -> None:
        if self.definition.min_interval:
            self.quiet = since + self.definition.min_interval

    def send(self, ts: int, values: dict[Key, Value]) -> None:
        complete = all(key in values for key in self.keys(Trigger.CHANGE))
        self.whole = self.whole or (complete and all(values[key] is not None for key in self.keys(Trigger.CHANGE)))
        self.published = {**self.published, **values}
        self.emit(max([ts, self.since, *(event.ts for event in self.run)]), self.tree(values), complete)

    def picture(self, at: int) -> dict[Key, Value]:
        """What is known at a moment."""
        return {key: self.status.value(key, at) for key in self.keys(Trigger.CHANGE, Trigger.ALONG)}
