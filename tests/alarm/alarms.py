"""Alarms to be judged, and moments to judge them at."""

from __future__ import annotations

from typing import Any

from rta.alarm.defining import define_alarm
from rta.alarm.definition import AlarmDefinition
from rta.alarm.monitor import AlarmChange
from rta.alarm.options import AlarmSettings
from rta.alarm.watch import AlarmWatch
from rta.node.node_stream import Now
from rta.options import CONVERTER
from rta.rsmp.message import Component, Value
from rta.stream.clock import StreamClock
from rta.stream.sample import Sample
from rta.wire.values import Ns

BASE = 1_700_000_000_000_000_000
CODE = "plant.oil"


def alarm(**options: Any) -> AlarmDefinition:
    """As from the configuration; `for_` is its `for`."""
    table = {"code": CODE} | {key.removesuffix("_"): value for key, value in options.items()}
    if "components" not in table:
        table.setdefault("from", "parameter:OIL")
    return define_alarm(CONVERTER.structure(table, AlarmSettings))


class Story:
    """A watch of one alarm. Times are seconds since its beginning; both clocks go alike, until one is set."""

    def __init__(self, **options: Any) -> None:
        self.ahead = 0.0
        self.watch = AlarmWatch([alarm(**options)], self.now(0.0))
        self.changes: list[AlarmChange] = []

    def now(self, at: float) -> Now:
        return Now(Ns(BASE + round((at + self.ahead) * 1e9)), 1000.0 + at)

    def sample(self, at: float, value: Value = None, ts: float | None = None, component: str = "") -> Story:
        """A value that comes at a moment, with the time of that moment or another."""
        moment = Ns(BASE + round((at + self.ahead if ts is None else ts) * 1e9))
        self.changes += self.watch.feed(CODE, [Sample(moment, "value", Component(component), value)], self.now(at))
        return self

    def until(self, at: float) -> Story:
        """Nothing comes for a while."""
        while (due := self.watch.due()) is not None and due - 1000.0 <= at:
            self.changes += self.watch.advance(Now(self.now(due - 1000.0).wall, due))
        self.changes += self.watch.advance(self.now(at))
        return self

    def clock(self, at: float, clock: StreamClock) -> Story:
        self.changes += self.watch.set_clock(CODE, clock, self.now(at))
        return self

    @property
    def told(self) -> list[tuple[float, bool]]:
        """When what changed, in seconds."""
        return [((change.ts - BASE) / 1e9, change.active) for change in self.changes]
