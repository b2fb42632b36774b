"""The alarms of a node: judges samples, runs plug-ins, and says what has become of it.

Owns the watch, the board and when full updates are due. Alarms are judged whether or not there is a connection. A
change is an event first and then part of the full update, which is retained and tells the truth whatever became of the
event. Ends when it is cancelled; nothing is cleared then.

Source: docs/rsmp.md, "Alarms".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
import trio

from rta.actors.alarm_plug_ins import PlugInBoard, watch_plug_in
from rta.actors.publisher import Publisher
from rta.alarm.board import AlarmBoard
from rta.alarm.definition import AlarmDefinition, code_of
from rta.alarm.fulls import Fulls
from rta.alarm.messages import event_messages, full_message
from rta.alarm.monitor import AlarmChange
from rta.alarm.watch import AlarmWatch
from rta.node.node_stream import Now
from rta.node.token_bucket import TokenBucket
from rta.ports import Reporter
from rta.ports.alarm import Alarm
from rta.stream.clock import ClockChanged, Sampled
from rta.wire.values import Ns

__all__ = ["Alarms"]

log = structlog.get_logger("rta.alarms")

_LOOK = 1.0  # the longest sleep, seconds
_RATE = 0.5  # events of one alarm a second
_BURST = 10.0  # and at once

_code = attrgetter("code")


class Alarms:
    """All alarms of one node."""

    def __init__(self, publisher: Publisher, clock: Callable[[], Now], report: Reporter) -> None:
        self._publisher = publisher
        self._clock = clock
        self._report = report
        self._board = AlarmBoard()
        self._watch = AlarmWatch((), Now(Ns(0), 0.0))
        self._fulls = Fulls(())
        self._plug_ins: dict[str, Alarm] = {}
        self._quotas: dict[tuple[str, str], TokenBucket] = {}
        self._wake = trio.Event()
        self._wakes = 0.0
        """When it looks again without being woken, steady seconds."""
        self._over = False

    def configure(self, definitions: Iterable[AlarmDefinition], plug_ins: Mapping[str, Alarm]) -> None:
        """What there is: from the configuration, and from plug-ins by name.

        :raises RtaError: two alarms have one code, or a plug-in's cannot be called what it is.
        """
        definitions = list(definitions)
        for definition in definitions:
            self._board.define(definition)
        for name, alarm in plug_ins.items():
            components = PlugInBoard.components_of(name, alarm)
            self._board.add(alarm.code, components, alarm.description, dict.fromkeys(components, f"plug-in {name}"), "")
        self._plug_ins = dict(plug_ins)
        self._watch = AlarmWatch(definitions, self._clock())
        self._fulls = Fulls(self._board.codes)

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            for name, alarm in self._plug_ins.items():
                nursery.start_soon(watch_plug_in, name, alarm, self._changed, self._clock, self._report)
            nursery.start_soon(self._keep_time)

    def end(self) -> None:
        """What has changed is said, and from now on nothing."""
        if self._publisher.up:
            self._say_all(self._fulls.waiting())
        self._over = True

    def connected(self) -> None:
        """There is a connection: the whole picture is due."""
        now = self._clock().steady
        self._fulls.all(now)
        self._send_fulls(now)

    def feed(self, item: Sampled | ClockChanged) -> bool:
        """Samples, or another clock; whether they are an alarm's."""
        code = code_of(item.code)
        if code is None:
            return False
        match item:
            case Sampled(_, samples):
                self._judged(self._watch.feed(code, samples, self._clock()))
            case ClockChanged(_, clock):
                self._judged(self._watch.set_clock(code, clock, self._clock()))
        return True

    def has(self, code: str) -> bool:
        """Whether there is such an alarm."""
        return self._board.has(code)

    @property
    def count(self) -> tuple[int, int]:
        """How many there are, and how many are active."""
        return self._board.count()

    def listed(self, active_only: bool = False) -> list[dict[str, Any]]:
        """As they are listed."""
        return self._board.listed(active_only)

    # ---- what changes

    async def _keep_time(self) -> None:
        while True:
            now = self._clock()
            self._judged(self._watch.advance(now))
            self._send_fulls(now.steady)
            self._count(self._watch.counts)
            self._wake = trio.Event()
            self._wakes = min(self._due(), now.steady + _LOOK)
            with trio.move_on_at(self._wakes):
                await self._wake.wait()

    def _due(self) -> float:
        due = self._watch.due()
        return self._fulls.next if due is None else min(due, self._fulls.next)

    def _changed(self, change: AlarmChange) -> None:
        self._judged([change])

    def _judged(self, changes: list[AlarmChange]) -> None:
        news = [] if self._over else [change for change in changes if self._is_news(change)]
        if news:
            now = self._clock().steady
            for code, of_code in groupby(sorted(news, key=_code), _code):
                self._say(code, list(of_code), now)
            self._send_fulls(now)
        if self._due() < self._wakes:
            self._wake.set()

    def _is_news(self, change: AlarmChange) -> bool:
        was_active = self._board.is_active(change.code, change.component)
        if not self._board.apply(change):
            return False
        if change.active is not was_active:  # else only its values are others
            self._report.count("rta_alarm_changes_total", change="raised" if change.active else "cleared")
        return True

    def _say(self, code: str, changes: list[AlarmChange], now: float) -> None:
        self._fulls.changed(code, now)
        told = [change for change in changes if self._may_tell(change, now)]
        self._left_out("flapping", len(changes) - len(told))
        if told:
            active = sum(change.active for change in changes)
            log.info("alarms have changed", code=code, active=active, over=len(changes) - active)
        for payload, count in event_messages(told):
            if not self._publisher.alarm_event(code, payload):
                self._left_out("unsent", count)

    def _may_tell(self, change: AlarmChange, now: float) -> bool:
        quota = self._quotas.setdefault((change.code, change.component), TokenBucket(_RATE, _BURST))
        return quota.acquire(now)

    def _left_out(self, reason: str, count: int) -> None:
        if count:
            self._report.count("rta_alarm_events_left_out_total", count, reason=reason)

    def _send_fulls(self, now: float) -> None:
        due = self._fulls.drain(now)
        if self._publisher.up and not self._over:  # else all are due when there is a connection
            self._say_all(due)

    def _say_all(self, codes: Iterable[str]) -> None:
        for code in codes:
            payload, left_out = full_message(self._board.active(code))
            self._publisher.alarm(code, payload)
            self._report.count("rta_alarm_entries_left_out_total", left_out)

    def _count(self, counts: Counter[str]) -> None:
        for kind, count in counts.items():
            self._report.count("rta_alarm_samples_left_out_total", count, kind=kind)
        counts.clear()
