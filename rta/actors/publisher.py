"""The publisher: sends what a node has to say, and decides what becomes of it when it cannot be sent.

- Status updates are not kept. Where one could not be sent, the stream owes a full update, which is sent as soon as
  there is room; until then its updates are left out. After a reconnect every running stream owes one. Who gave an
  update is told what became of it.
- States and cleared statuses are kept until they could be sent, the latest of each topic; after a reconnect all are
  published anew.
- Full updates of alarms are kept like states; an event of one is superseded by the full update that follows it.
- Results are kept until they are acknowledged, and sent again after a reconnect; over the bound the oldest goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial

import structlog
import trio
from attrs import define

from rta.errors import TransportError, UndeliverableError
from rta.hot_counters import HotCounters
from rta.node.node import Update
from rta.node.node_stream import NodeStream
from rta.ports import Qos, Reporter, TopicBus
from rta.rsmp.payload import encode, write_status
from rta.rsmp.presence import ONLINE, PresenceKeeper
from rta.rsmp.topics import NodeTopics, TopicKind

__all__ = ["Publisher"]

log = structlog.get_logger("rta.node")

_RESULTS = 256
_TOPICS = 16384  # of statuses, remembered
_TRIES = 3  # of a result
_RETRY = 0.02  # seconds until something owed is tried again


@define(eq=False)
class _Result:
    topic: str
    payload: bytes
    correlation: bytes | None
    tries: int = 0


class Publisher:
    """Owns the way out of one node. Runs until cancelled."""

    def __init__(self, bus: TopicBus, topics: NodeTopics, report: Reporter, tally: HotCounters) -> None:
        self._bus = bus
        self._topics = topics
        self._status_topic = lru_cache(maxsize=_TOPICS)(partial(topics.topic, TopicKind.STATUS))
        self._report = report
        self._tally = tally
        self._owed: dict[str, tuple[bytes, Qos]] = {}
        self._fulls: dict[NodeStream, Update | None] = {}
        """What streams owe: an update that is to be tried again, or None: it is to be made."""
        self._first: dict[NodeStream, Update] = {}
        """Before the first connection: the picture of each stream, as long as nothing has come after it."""
        self._results: dict[_Result, None] = {}
        self._wake = trio.Event()
        self._announced = trio.Event()
        self._presence = PresenceKeeper()
        self._connection = 0
        self._unsettled = 0
        """Kept messages of this connection that have not been acknowledged."""
        self._refused: set[str] = set()
        self.up = False

    async def run(self, refresh: Callable[[list[NodeStream]], None]) -> None:
        """Pay what is owed. `refresh` has full updates made of some streams, and given to `update`."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            while self.up and not self._pay(refresh):
                await trio.sleep(_RETRY)
            if self.up and not self._unsettled:
                self._announced.set()

    async def announced(self) -> None:
        """Wait until all is said that a new connection calls for."""
        await self._announced.wait()

    def connected(self, streams: Iterable[NodeStream]) -> None:
        """A connection has been made: everything is announced anew, and every running stream owes a full update."""
        self.up = True
        self._connection += 1
        self._announced = trio.Event()
        self._unsettled = 0
        for update in self._fulls.values():
            self._leave_out(update)
        self._fulls.clear()
        self._say_online()
        self._presence.connected()
        streams = list(streams)
        for stream in streams:
            self.state(stream, stream.run is not None)
        for stream in streams:
            if stream.run is None:
                self.clear(stream)
            else:
                self._fulls[stream] = self._first.pop(stream, None)
        for update in self._first.values():
            self._leave_out(update)
        self._first.clear()
        for result in list(self._results):
            self._send_result(result)
        self._wake.set()

    def disconnected(self) -> None:
        """The connection is lost."""
        self.up = False

    def remove(self, stream: NodeStream) -> None:
        """There is no such stream any more; nothing of it stays retained."""
        self.clear(stream)
        self._keep(self._topics.topic(TopicKind.STATE, *stream.key), b"")

    # ---- what there is to say

    def update(self, update: Update, now: float) -> None:
        """A status message. `now`: steady seconds."""
        stream, message = update.stream, update.message
        if not self._connection:
            self._leave_out(self._first.pop(stream, None))
            if message.retain:
                self._first[stream] = update
            else:
                self._leave_out(update)
            return
        if not self.up or stream in self._fulls:
            self._leave_out(update)
            return
        definition = stream.definition
        topic = self._status_topic(*stream.key)
        payload = write_status(message, update.values)
        self._owed.pop(topic, None)  # it would clear what comes now
        try:
            self._bus.send(
                topic,
                payload,
                retain=message.retain,
                qos=definition.qos,
                done=partial(self._update_settled, topic, update) if definition.qos else None,
            )
        except UndeliverableError as e:
            self._tally.stream_unsent += len(message.events)
            self._update_settled(topic, update, e)
            return
        except TransportError:
            self._owe_full(update)
            return
        self._tally.stream_messages += 1
        self._tally.stream_events += len(message.events)
        self._tally.stream_bytes += len(payload)
        stream.messages.add(1, now)
        stream.bytes.add(len(payload), now)

    def _leave_out(self, update: Update | None) -> None:
        if update is not None:
            self._tally.stream_unsent += len(update.message.events)
            if update.done is not None:
                update.done(False)

    def _update_settled(self, topic: str, update: Update, error: TransportError | None) -> None:
        self._settled(topic, error)
        if update.done is not None:
            update.done(error is None or isinstance(error, UndeliverableError))

    def state(self, stream: NodeStream, running: bool) -> None:
        """Whether it runs."""
        topic = self._topics.topic(TopicKind.STATE, *stream.key)
        self._keep(topic, encode({"state": "running" if running else "stopped"}))

    def clear(self, stream: NodeStream) -> None:
        """The retained status of a stream goes. With the QoS of its updates, so that none of them overtakes it."""
        self._leave_out(self._fulls.pop(stream, None))
        self._leave_out(self._first.pop(stream, None))
        self._keep(self._status_topic(*stream.key), b"", stream.definition.qos)

    def clear_topic(self, topic: str) -> None:
        """Whatever is retained there goes."""
        self._keep(topic, b"")

    def alarm(self, code: str, payload: bytes) -> None:
        """The full update of an alarm: the latest is kept until it could be sent."""
        self._keep(self._topics.topic(TopicKind.ALARM, code), payload)

    def alarm_event(self, code: str, payload: bytes) -> bool:
        """What has changed of an alarm; whether it is on its way. It is not kept: a full update follows it."""
        topic = self._topics.topic(TopicKind.ALARM, code)
        if not self.up or topic in self._owed:  # a full update of before would come behind it, and take it back
            return False
        try:
            self._bus.send(topic, payload, qos=1, done=partial(self._settled, topic))
        except UndeliverableError as e:
            self._settled(topic, e)
            return False
        except TransportError:
            return False
        return True

    def presence(self, said: str | None, retained: bool, now: float) -> None:
        """What is published as our own presence. `now`: steady seconds."""
        self._presence.handle(said, retained)
        self.correct_presence(now)

    def correct_presence(self, now: float) -> None:
        """Say "online" again if that is due. `now`: steady seconds."""
        if self.up and self._presence.correct(now):
            self._say_online()

    def _say_online(self) -> None:
        self._keep(self._topics.topic(TopicKind.PRESENCE), encode(ONLINE))

    def result(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        """The answer to a command."""
        if len(self._results) >= _RESULTS:
            del self._results[next(iter(self._results))]
            self._report.count("rta_results_dropped_total")
        result = _Result(topic, payload, correlation)
        self._results[result] = None
        self._send_result(result)

    # ---- sending

    def _keep(self, topic: str, payload: bytes, qos: Qos = 1) -> None:
        """To be retained; sent now or as soon as possible."""
        self._owed.pop(topic, None)
        if not self.up or not self._send_kept(topic, payload, qos):
            self._owed[topic] = payload, qos
            self._wake.set()

    def _send_kept(self, topic: str, payload: bytes, qos: Qos) -> bool:
        done = partial(self._kept_settled, topic, self._connection)
        try:
            self._bus.send(topic, payload, retain=True, qos=qos, done=done)
            self._unsettled += 1
        except UndeliverableError as e:
            self._settled(topic, e)
        except TransportError:
            return False
        return True

    def _send_result(self, result: _Result) -> bool:
        """Whether it is out of the way for now."""
        if result.tries >= _TRIES:
            self._results.pop(result, None)
            self._report.count("rta_results_dropped_total")
            return True
        if not self.up:
            return False
        try:
            self._bus.send(
                result.topic,
                result.payload,
                qos=1,
                correlation=result.correlation,
                done=partial(self._result_settled, result),
            )
        except UndeliverableError as e:
            self._settled(result.topic, e)
            self._results.pop(result, None)
            self._report.count("rta_results_dropped_total")
            return True
        except TransportError:
            self._wake.set()
            return False
        result.tries += 1
        return True

    def _result_settled(self, result: _Result, error: TransportError | None) -> None:
        if error is None or isinstance(error, UndeliverableError):
            self._results.pop(result, None)
            self._settled(result.topic, error)

    def _kept_settled(self, topic: str, connection: int, error: TransportError | None) -> None:
        if connection == self._connection:
            self._unsettled -= 1
            if not self._unsettled:
                self._wake.set()
        self._settled(topic, error)

    def _settled(self, topic: str, error: TransportError | None) -> None:
        """After a lost connection everything is announced anew; what was refused stays refused."""
        if isinstance(error, UndeliverableError):
            self._report.count("rta_stream_refused_total")
            if topic not in self._refused and len(self._refused) < 1000:
                self._refused.add(topic)
                log.warning("the bus does not take a message", topic=topic, error=str(error))

    def _owe_full(self, update: Update) -> None:
        """There was no room for an update. One that is a whole picture is tried again, and no new one is made, as long
        as nothing comes after it: each that is made is an entry of the stream's history."""
        stream = update.stream
        if stream.run is None or not update.message.retain:
            self._leave_out(update)
        if stream.run is not None:
            self._fulls[stream] = update if update.message.retain else None
            self._wake.set()

    def _pay(self, refresh: Callable[[list[NodeStream]], None]) -> bool:
        """Send what is owed, as far as it goes; whether all of it went."""
        for topic, (payload, qos) in list(self._owed.items()):
            if not self._send_kept(topic, payload, qos):
                return False
            del self._owed[topic]
        if not all(self._send_result(r) for r in list(self._results) if not r.tries):
            return False
        if self._unsettled:
            return True  # states come before updates; the last acknowledgement wakes us
        for stream in list(self._fulls):
            update = self._fulls.pop(stream)
            if update is not None and stream.engine.seq == update.message.events[-1].seq:
                self.update(update, trio.current_time())
            else:
                self._leave_out(update)
                refresh([stream])
            if stream in self._fulls:
                return False
        return True
