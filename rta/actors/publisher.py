"""The publisher: sends what a node has to say, and decides what becomes of it when it cannot be sent.

Owns what is owed to the bus, and how much each stream has sent.

- Status updates are not kept. Where one could not be sent, the stream owes a full update, which is sent as soon as
  there is room; until then its updates are left out. After a reconnect every running stream owes one. The history is
  told what became of the updates that it wants to know of.
- States and cleared statuses are kept until they could be sent, the latest of each topic; after a reconnect all are
  published anew.
- Full updates of alarms are kept like states; an event of one is superseded by the full update that follows it.
- Results are kept until they are acknowledged, and sent again after a reconnect; over the bound the oldest goes, and is
  counted.

Receives, in one inbox (see `rta.actors.publisher_messages`): turns from the history; events and full updates from the
alarms; results of commands; what the connection is; posted by the bus, what became of a message: never more than there
are messages on their way.

Sends to the bus, which takes or refuses a message at once. Posts `OwesFull` to the node, at most one a stream, and
`Acked` to the history, at most one a message. So it waits for nobody, and whoever waits for it goes on.

Ends when it is cancelled.
"""

from __future__ import annotations

from functools import partial
from itertools import count

import structlog
import trio
from attrs import define

from rta.actors.history_messages import Acked
from rta.actors.node_messages import OwesFull
from rta.actors.publisher_messages import (
    AlarmEvent,
    AlarmFull,
    AskRates,
    ClearTopic,
    CommandResult,
    Flush,
    KeptSettled,
    LinkDown,
    LinkUp,
    OwnPresenceHeard,
    OwnStateHeard,
    PublisherMessage,
    ResultSettled,
    UpdateSettled,
)
from rta.errors import NotConnectedError, QueueFullError, TransportError, UndeliverableError
from rta.hot_counters import HotCounters
from rta.inbox import Inbox, Mailbox
from rta.latest import Latest
from rta.node.disputed_states import DisputedStates
from rta.node.events import Cleared, Outgoing, Receipt, RecordedUpdate, Refreshed, Removed, StateChanged, Turn, Update
from rta.node.rate import Rate
from rta.ports import Qos, Reporter, TopicBus
from rta.rsmp.payload import encode, write_status
from rta.rsmp.presence import ONLINE, PresenceKeeper
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.stream.definition import StreamDefinition

__all__ = ["Publisher", "PublisherOutlets"]

log = structlog.get_logger("rta.node")

_RESULTS = 256
_TRIES = 3  # of a result
_RETRY = 0.02  # seconds until something owed is tried again
_UNASKED = 1.0  # seconds later than it might, our presence is corrected though nobody has said again that we are away
_ASKED = 100  # full updates that are being made at once: each may become an entry of a history
_NEVER = float("inf")
_REFUSED = 1000  # topics that are remembered to have been refused

AnyUpdate = Update | RecordedUpdate


@define(eq=False)
class _Stream:
    """What is known of a stream from what it has said."""

    definition: StreamDefinition
    topic: str
    """Of its status."""
    messages: Rate
    bytes: Rate
    running: bool = False
    begun: bool = False
    """It has said something since it began to run. Before that there is nothing to repeat: what it says first is on its
    way, perhaps by the history, or waits."""
    picture: AnyUpdate | None = None
    """Before the first connection, or while it owes: an update that is its whole picture, as long as nothing has come
    after it."""


@define(eq=False)
class _Result:
    topic: str
    payload: bytes
    correlation: bytes | None
    tries: int = 0


@define
class PublisherOutlets:
    """Where a publisher sends to."""

    bus: TopicBus
    node: Mailbox[OwesFull]
    history: Mailbox[Acked]
    report: Reporter
    counters: HotCounters


class Publisher:
    """The way out of one node."""

    def __init__(self, inbox: Inbox[PublisherMessage], topics: NodeTopics, out: PublisherOutlets) -> None:
        self.announced = Latest(0)
        """The number of the newest connection of which everything is said that a new one calls for."""
        self._inbox = inbox
        self._topics = topics
        self._bus = out.bus
        self._out = out
        self._counters = out.counters
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._owed: dict[str, tuple[bytes, Qos]] = {}
        """By topic, what is to be retained there."""
        self._owing: dict[tuple[str, str], _Stream] = {}
        """Streams that owe a full update: their picture is tried again; without one the node is asked to make it."""
        self._asked: set[tuple[str, str]] = set()
        """Those of them for which it has been."""
        self._results: dict[int, _Result] = {}
        self._numbers = count()
        self._up = False
        self._connection = 0
        self._unsettled = 0
        """Kept messages of this connection that have not been acknowledged."""
        self._unpaid = False
        """Something that is owed may go now."""
        self._retry_at = 0.0
        self._presence = PresenceKeeper()
        self._disputed = DisputedStates()
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            messages: list[PublisherMessage] = []
            if (wakes := self._wakes()) == _NEVER:  # mostly, and a deadline costs 5 us a turn
                messages = await self._inbox.receive()
            else:
                with trio.move_on_at(wakes):
                    messages = await self._inbox.receive()
            now = trio.current_time()
            for message in messages:
                self._handle(message, now)
            if self._up:
                self._pay_in_time(now)

    def _wakes(self) -> float:
        wakes = _NEVER
        if self._up and self._unpaid:
            wakes = self._retry_at
        correct_at = self._presence.due()
        if self._up and correct_at is not None:
            wakes = min(wakes, correct_at + _UNASKED)
        if self._up and (disputed_at := self._disputed.due()) is not None:
            wakes = min(wakes, disputed_at)
        return wakes

    def _pay_in_time(self, now: float) -> None:
        correct_at = self._presence.due()
        if correct_at is not None and now >= correct_at + _UNASKED:
            self._correct_presence(now)
        for key in self._disputed.drain(now):
            if key in self._streams:
                self._say_state(self._streams[key])
        if self._unpaid and now >= self._retry_at:
            self._unpaid = not self._pay(now)
            if self._unpaid:
                self._retry_at = now + _RETRY
        if not (self._unpaid or self._unsettled or self._owing) and self.announced.value != self._connection:
            self.announced.show(self._connection)

    # ---- what comes; no checkpoint from here on

    def _handle(self, message: PublisherMessage, now: float) -> None:
        match message:
            case Turn(events):
                for event in events:
                    self._say(event, now)
            case UpdateSettled(topic, receipt, error):
                self._settled(topic, error)
                self._tell(receipt, error is None or isinstance(error, UndeliverableError))
            case KeptSettled(topic, connection, error):
                if connection == self._connection:
                    self._unsettled -= 1
                    self._unpaid = self._unpaid or not self._unsettled
                self._settled(topic, error)
            case ResultSettled(number, error):
                if number in self._results and (error is None or isinstance(error, UndeliverableError)):
                    self._settled(self._results.pop(number).topic, error)
            case LinkUp(number):
                self._connected(number)
            case LinkDown(number):
                self._up = self._up and number != self._connection
            case AlarmEvent(code, payload, count):
                if not self._send_alarm_event(code, payload):
                    self._out.report.count("rta_alarm_events_left_out_total", count, reason="unsent")
            case AlarmFull(code, payload):
                if self._up:
                    self._keep(self._topics.topic(TopicKind.ALARM, code), payload)
            case CommandResult(topic, payload, correlation):
                self._add_result(_Result(topic, payload, correlation))
            case ClearTopic(topic):
                self._keep(topic, b"")
            case OwnPresenceHeard(said, retained):
                self._presence.handle(said, retained)
                if self._up:
                    self._correct_presence(now)
            case OwnStateHeard(key, running):
                if key in self._streams:
                    self._disputed.handle(key, running is self._streams[key].running, now)
            case AskRates(reply):
                reply.give({k: (s.messages.per_second(now), s.bytes.per_second(now)) for k, s in self._streams.items()})
            case Flush(reply):
                reply.give(None)

    def _say(self, event: Outgoing, now: float) -> None:
        definition = event.stream
        key = definition.key
        stream = self._streams.get(key)
        if stream is None:
            topic = self._topics.topic(TopicKind.STATUS, *key)
            stream = self._streams[key] = _Stream(definition, topic, Rate(now), Rate(now))
        stream.definition = definition
        match event:
            case Update() | RecordedUpdate():
                self._update(stream, event, now)
            case StateChanged(_, running):
                stream.begun = stream.begun and stream.running and running
                stream.running = running
                self._say_state(stream)
            case Cleared():
                self._clear(stream)
            case Refreshed(_, connection):
                if connection == self._connection:
                    self._asked.discard(key)
                    self._owes_no_more(stream)
                    self._unpaid = self._unpaid or bool(self._owing)
            case Removed():
                self._clear(stream)
                self._asked.discard(key)
                self._keep(self._topics.topic(TopicKind.STATE, *key), b"")
                del self._streams[key]

    def _connected(self, number: int) -> None:
        """Everything is announced anew, and every running stream owes a full update."""
        first = not self._connection
        self._up, self._connection, self._unsettled = True, number, 0
        self._asked.clear()
        if not first:
            for stream in list(self._owing.values()):
                self._owes_no_more(stream)
        self._say_online()
        self._presence.connected()
        self._disputed.connected()
        streams = [self._streams[key] for key in sorted(self._streams)]
        for stream in streams:
            self._say_state(stream)
        for stream in streams:
            if stream.running and stream.begun:
                self._owing[stream.definition.key] = stream
            elif not stream.running:
                self._clear(stream)
        for number, result in list(self._results.items()):
            self._send_result(number, result)
        self._unpaid, self._retry_at = True, 0.0

    def _correct_presence(self, now: float) -> None:
        if self._presence.correct(now):
            self._say_online()

    def _say_online(self) -> None:
        self._keep(self._topics.topic(TopicKind.PRESENCE), encode(ONLINE))

    # ---- status updates

    def _update(self, stream: _Stream, update: AnyUpdate, now: float) -> None:
        definition = update.stream
        stream.begun = True
        if not self._connection:
            self._leave_out(stream.picture)
            stream.picture = update if update.message.retain else None
            if not update.message.retain:
                self._leave_out(update)
        elif not self._up:
            self._leave_out(update)
        elif definition.key in self._owing:
            self._leave_out(stream.picture)
            stream.picture = None
            self._leave_out(update)
        elif not self._send_update(stream, update, now):
            self._owe_full(stream, update)

    def _send_update(self, stream: _Stream, update: AnyUpdate, now: float) -> bool:
        """Whether it is out of the way; else there was no room for it."""
        topic, message, qos = stream.topic, update.message, update.stream.qos
        payload = write_status(message, update.values)
        self._owed.pop(topic, None)  # it would clear what comes now
        done = partial(self._update_done, topic, update.receipt) if qos else None
        try:
            self._bus.send(topic, payload, retain=message.retain, qos=qos, done=done)
        except UndeliverableError as e:
            self._counters.stream_unsent += len(message.events)
            self._settled(topic, e)
            self._tell(update.receipt, True)
            return True
        except (NotConnectedError, QueueFullError):
            return False
        self._counters.stream_messages += 1
        self._counters.stream_events += len(message.events)
        self._counters.stream_bytes += len(payload)
        stream.messages.add(1, now)
        stream.bytes.add(len(payload), now)
        return True

    def _owe_full(self, stream: _Stream, update: AnyUpdate) -> None:
        """There was no room for an update. One that is a whole picture is tried again, and no new one is made, as long
        as nothing comes after it: each that is made is an entry of the stream's history."""
        if not stream.running:
            self._leave_out(update)
            return
        if not update.message.retain:
            self._leave_out(update)
        stream.picture = update if update.message.retain else None
        self._owing[update.stream.key] = stream
        self._unpaid = True

    def _owes_no_more(self, stream: _Stream) -> None:
        self._owing.pop(stream.definition.key, None)
        self._leave_out(stream.picture)
        stream.picture = None

    def _leave_out(self, update: AnyUpdate | None) -> None:
        if update is not None:
            self._counters.stream_unsent += len(update.message.events)
            self._tell(update.receipt, False)

    def _tell(self, receipt: Receipt | None, delivered: bool) -> None:
        """The history, what became of an update of which it wants to know."""
        if receipt is not None:
            self._out.history.post(Acked(receipt, delivered))

    # ---- what is retained, and results

    def _say_state(self, stream: _Stream) -> None:
        topic = self._topics.topic(TopicKind.STATE, *stream.definition.key)
        self._keep(topic, encode({"state": "running" if stream.running else "stopped"}))

    def _clear(self, stream: _Stream) -> None:
        """The retained status of a stream goes. With the QoS of its updates, so that none of them overtakes it."""
        self._owes_no_more(stream)
        self._keep(stream.topic, b"", stream.definition.qos)

    def _keep(self, topic: str, payload: bytes, qos: Qos = 1) -> None:
        """To be retained; sent now or as soon as possible."""
        self._owed.pop(topic, None)
        if not self._up or not self._send_kept(topic, payload, qos):
            self._owed[topic] = payload, qos
            self._unpaid = True

    def _send_kept(self, topic: str, payload: bytes, qos: Qos) -> bool:
        try:
            self._bus.send(topic, payload, retain=True, qos=qos, done=partial(self._kept_done, topic, self._connection))
        except UndeliverableError as e:
            self._settled(topic, e)
        except (NotConnectedError, QueueFullError):
            return False
        else:
            self._unsettled += 1
        return True

    def _send_alarm_event(self, code: str, payload: bytes) -> bool:
        """Whether it is on its way."""
        topic = self._topics.topic(TopicKind.ALARM, code)
        if not self._up or topic in self._owed:  # a full update of before would come behind it, and take it back
            return False
        try:
            self._bus.send(topic, payload, qos=1, done=partial(self._update_done, topic, None))
        except UndeliverableError as e:
            self._settled(topic, e)
            return False
        except (NotConnectedError, QueueFullError):
            return False
        return True

    def _add_result(self, result: _Result) -> None:
        if len(self._results) >= _RESULTS:
            del self._results[next(iter(self._results))]
            self._out.report.count("rta_results_dropped_total")
        number = next(self._numbers)
        self._results[number] = result
        self._send_result(number, result)

    def _send_result(self, number: int, result: _Result) -> bool:
        """Whether it is out of the way for now."""
        if result.tries >= _TRIES:
            self._drop_result(number)
            return True
        if not self._up:
            return False
        done = partial(self._result_done, number)
        try:
            self._bus.send(result.topic, result.payload, qos=1, correlation=result.correlation, done=done)
        except UndeliverableError as e:
            self._settled(result.topic, e)
            self._drop_result(number)
        except (NotConnectedError, QueueFullError):
            self._unpaid = True
            return False
        else:
            result.tries += 1
        return True

    def _drop_result(self, number: int) -> None:
        self._results.pop(number, None)
        self._out.report.count("rta_results_dropped_total")

    def _settled(self, topic: str, error: TransportError | None) -> None:
        """After a lost connection everything is announced anew; what was refused stays refused."""
        if isinstance(error, UndeliverableError):
            self._out.report.count("rta_stream_refused_total")
            if topic not in self._refused and len(self._refused) < _REFUSED:
                self._refused.add(topic)
                log.warning("the bus does not take a message", topic=topic, error=str(error))

    def _pay(self, now: float) -> bool:
        """Send what is owed, as far as it goes; whether all of it went."""
        for topic, (payload, qos) in list(self._owed.items()):
            if not self._send_kept(topic, payload, qos):
                return False
            del self._owed[topic]
        if not all(self._send_result(number, r) for number, r in list(self._results.items()) if not r.tries):
            return False
        if self._unsettled:
            return True  # states come before updates; the last acknowledgement wakes us
        for key, stream in list(self._owing.items()):
            if stream.picture is not None:
                if not self._send_update(stream, stream.picture, now):
                    return False
                stream.picture = None
                del self._owing[key]
            elif key not in self._asked and len(self._asked) < _ASKED:
                self._asked.add(key)
                self._out.node.post(OwesFull(key, self._connection))
        return True

    # ---- called by the bus, in whichever task: nothing is done here but to tell ourselves

    def _update_done(self, topic: str, receipt: Receipt | None, error: TransportError | None) -> None:
        if receipt is not None or error is not None:
            self._inbox.post(UpdateSettled(topic, receipt, error))

    def _kept_done(self, topic: str, connection: int, error: TransportError | None) -> None:
        self._inbox.post(KeptSettled(topic, connection, error))

    def _result_done(self, number: int, error: TransportError | None) -> None:
        self._inbox.post(ResultSettled(number, error))
