"""The alarms of a node: judges samples, runs plug-ins, and says what has become of it.

Owns the watch, the board and when full updates are due. Alarms are judged whether or not there is a connection. A
change is an event first and then part of the full update, which is retained and tells the truth whatever became of the
event.

Receives, in one inbox (see `rta.actors.alarm_messages`): samples from the node, which waits while it is full; questions
with their replies; posted: what plug-ins set, of which a board has only so many on their way, and `PictureDue`, one a
connection. Sends events and full updates to the publisher, and waits while that is full; the publisher decides whether
they can be sent.

Ends when it is cancelled; nothing is cleared then.

Source: docs/rsmp.md, "Alarms".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
import trio

from rta.actors.alarm_messages import (
    AlarmMessage,
    AlarmSamples,
    EndAlarms,
    ListAlarms,
    PictureDue,
    PlugInSays,
)
from rta.actors.alarm_plug_ins import PlugInBoard, watch_plug_in
from rta.actors.publisher_messages import AlarmEvent, AlarmFull
from rta.alarm.board import AlarmBoard
from rta.alarm.definition import AlarmDefinition, code_of
from rta.alarm.fulls import Fulls
from rta.alarm.messages import event_messages, full_message
from rta.alarm.monitor import AlarmChange
from rta.alarm.watch import AlarmWatch
from rta.inbox import Inbox, Outlet, Reply
from rta.latest import Latest
from rta.node.node_stream import Now, Refusal, Refused
from rta.node.token_bucket import TokenBucket
from rta.ports import Reporter
from rta.ports.alarm import Alarm
from rta.stream.clock import ClockChanged, Sampled
from rta.wire.values import Ns

__all__ = ["AlarmActor"]

log = structlog.get_logger("rta.alarms")

_LOOK = 1.0  # the longest sleep, seconds
_RATE = 0.5  # events of one alarm a second
_BURST = 10.0  # and at once

_code = attrgetter("code")


class AlarmActor:
    """All alarms of one node."""

    def __init__(
        self,
        inbox: Inbox[AlarmMessage],
        publisher: Outlet[AlarmEvent | AlarmFull],
        clock: Callable[[], Now],
        report: Reporter,
    ) -> None:
        self.count = Latest((0, 0))
        """How many there are, and how many are active."""
        self._inbox = inbox
        self._publisher = publisher
        self._clock = clock
        self._report = report
        self._board = AlarmBoard()
        self._watch = AlarmWatch((), Now(Ns(0), 0.0))
        self._fulls = Fulls(())
        self._plug_ins: dict[str, Alarm] = {}
        self._quotas: dict[tuple[str, str], TokenBucket] = {}
        self._out: list[AlarmEvent | AlarmFull] = []
        self._over = False

    def configure(self, definitions: Iterable[AlarmDefinition], plug_ins: Mapping[str, Alarm]) -> frozenset[str]:
        """Before it runs, what there is: from the configuration, and from plug-ins by name. The codes of all.

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
        self.count.show(self._board.count())
        return frozenset(self._board.codes)

    async def listed(self, active_only: bool = False, history: bool = False) -> list[dict[str, Any]]:
        """As they are listed. For others, in their tasks. `history`: with what each has done.

        :raises Refused: the node has ended.
        """
        reply: Reply[list[dict[str, Any]]] = Reply()
        try:
            await self._inbox.send(ListAlarms(active_only, history, reply))
        except trio.BrokenResourceError:
            raise _ended() from None
        return await reply.wait()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            for name, alarm in self._plug_ins.items():
                nursery.start_soon(watch_plug_in, name, alarm, self._inbox, self._clock, self._report)
            try:
                await self._serve()
            finally:
                for message in self._inbox.close():
                    if isinstance(message, ListAlarms | EndAlarms):
                        message.reply.refuse(_ended())

    async def _serve(self) -> None:
        replies: list[Reply[None]] = []
        self._turn([], replies)
        while True:
            if self.count.value != self._board.count():
                self.count.show(self._board.count())
            out, self._out = self._out, []
            for said in out:
                await self._publisher.send(said)
            for reply in replies:
                reply.give(None)
            replies, messages = [], []
            with trio.move_on_at(min(self._due(), trio.current_time() + _LOOK)):
                messages = await self._inbox.receive()
            self._turn(messages, replies)

    def _due(self) -> float:
        due = self._watch.due()
        return self._fulls.next if due is None else min(due, self._fulls.next)

    # ---- one turn; no checkpoint from here on

    def _turn(self, messages: Iterable[AlarmMessage], replies: list[Reply[None]]) -> None:
        now = self._clock()
        for message in messages:
            match message:
                case AlarmSamples(items):
                    for item in items:
                        self._judged(self._judge(item, now), now.steady)
                case PlugInSays(change):
                    self._judged([change], now.steady)
                case PictureDue():
                    self._fulls.all(now.steady)
                case ListAlarms(active_only, history, reply):
                    reply.give(self._board.listed(active_only, history))
                case EndAlarms(reply):
                    if not self._over:
                        self._say_all(self._fulls.waiting())
                    self._over = True
                    replies.append(reply)
        self._judged(self._watch.advance(now), now.steady)
        due = self._fulls.drain(now.steady)
        if not self._over:
            self._say_all(due)
        for kind, count in self._watch.counts.items():
            self._report.count("rta_alarm_samples_left_out_total", count, kind=kind)
        self._watch.counts.clear()

    def _judge(self, item: Sampled | ClockChanged, now: Now) -> list[AlarmChange]:
        code = code_of(item.code)
        assert code is not None, f"{item.code} is no alarm's"
        if isinstance(item, Sampled):
            return self._watch.feed(code, item.samples, now)
        return self._watch.set_clock(code, item.clock, now)

    def _judged(self, changes: list[AlarmChange], now: float) -> None:
        news = [] if self._over else [change for change in changes if self._is_news(change)]
        for code, of_code in groupby(sorted(news, key=_code), _code):
            self._say(code, list(of_code), now)

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
        self._out += [AlarmEvent(code, payload, count) for payload, count in event_messages(told)]

    def _may_tell(self, change: AlarmChange, now: float) -> bool:
        quota = self._quotas.setdefault((change.code, change.component), TokenBucket(_RATE, _BURST))
        return quota.acquire(now)

    def _left_out(self, reason: str, count: int) -> None:
        if count:
            self._report.count("rta_alarm_events_left_out_total", count, reason=reason)

    def _say_all(self, codes: Iterable[str]) -> None:
        for code in codes:
            payload, left_out = full_message(self._board.active(code))
            self._out.append(AlarmFull(code, payload))
            self._report.count("rta_alarm_entries_left_out_total", left_out)


def _ended() -> Refused:
    return Refused("the node is shutting down", kind=Refusal.UNAVAILABLE)
