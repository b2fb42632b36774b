"""Aggregates of windows, in the most obvious slow way."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from attrs import define

from rta.rsmp.message import Value, Values
from rta.stream.definition import Aggregate, Trigger

from .naive import NaiveStream, Sent, rounded
from .naive_clock import next_boundary


@define
class NaiveWindows(NaiveStream):
    """Aggregates of windows."""

    begin: int = 0
    """Of the window that is to be published next."""

    def start(self) -> None:
        super().start()
        self.begin = next_boundary(self.status.zone, self.interval, self.since - 1)

    def reconnected(self) -> None:
        if self.run:
            self.sent.append(Sent(self.run[-1], retain=True))

    @property
    def interval(self) -> int:
        assert self.definition.update is not None
        return self.definition.update

    @property
    def end(self) -> int:
        return next_boundary(self.status.zone, self.interval, self.begin)

    def moments(self) -> Iterator[int]:
        if self.running:
            yield self.end + self.definition.lateness

    def look(self, moment: int) -> None:
        while self.running and moment >= self.end + self.definition.lateness:
            self.emit(self.end, self.window(), complete=True)
            self.begin = self.end

    def window(self) -> Values:
        flat = {key: self.status.value_before(key, self.end) for key in self.keys(Trigger.CHANGE, Trigger.ALONG)}
        for name, aggregates in self.definition.aggregates.items():
            for component in self.attribute(name).components:
                samples = [
                    taken.sample.value
                    for taken in self.status.taken[self.first :]
                    if (taken.sample.attribute, taken.sample.component) == (name, component)
                    and self.begin <= taken.sample.ts < self.end
                    and taken.sample.value is not None
                ]
                for kind in aggregates:
                    value = self.aggregate(kind, samples)
                    if kind is not Aggregate.COUNT:
                        value = rounded(value, self.attribute(name).round)
                    flat[f"{name}.{kind}", component] = value
        return self.tree(flat)

    def aggregate(self, kind: Aggregate, samples: Sequence[Value]) -> Value:
        numbers = [v for v in samples if isinstance(v, int | float) and not isinstance(v, bool)]
        if kind is Aggregate.COUNT:
            return len(samples)
        if not samples and kind is Aggregate.SUM:
            return self.definition.empty_sum
        if not numbers:
            return None
        match kind:
            case Aggregate.SUM:
                return sum(numbers)
            case Aggregate.AVG:
                return statistics.fmean(numbers)
            case Aggregate.MEDIAN:
                return statistics.median(numbers)
            case Aggregate.MIN:
                return min(numbers)
            case Aggregate.MAX:
                return max(numbers)
            case Aggregate.STD:
                return statistics.pstdev(numbers)
