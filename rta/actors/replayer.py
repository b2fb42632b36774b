"""The replayer: after an outage, what streams could not deliver is sent beside what is live.

Owns one task for each stream that replays, while there is a connection. Reads the history in threads, sends one message
after the other at the stream's rate, each when the one before is acknowledged, so that an interrupted replay goes on
behind what was. Receives nothing; a series ends with `done`, and another begins when more is owed.

Source: protocol notes, "Replay" and "History and replay".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import structlog
import trio
from attrs import define

from rta.actors.recorder import Recorder
from rta.actors.threads import Threads, in_threads
from rta.errors import HistoryError, TransportError, UndeliverableError
from rta.history.delivery import Delivery
from rta.history.packing import pack
from rta.history.store import HistoryStore
from rta.node.run import NodeStream
from rta.node.topics import Kind, NodeTopics
from rta.ports import Reporter, TopicBus

__all__ = ["Replayer"]

log = structlog.get_logger("rta.history")

_LARGEST = 8 << 10  # bytes of a message, unless a single entry is longer
_ENTRIES = 100  # of a message
_LOOK = 1.0  # seconds between looks at which streams there are
_READ_AGAIN = 10.0  # seconds until a history that cannot be read is read again


@define
class _Message:
    """One message of a replay."""

    payload: bytes
    """Empty: there is nothing to send."""
    entries: int
    upto: int
    """Everything owed up to this position is delivered with it."""
    done: bool


class Replayer:
    """The replays of one node."""

    def __init__(
        self,
        streams: Callable[[], list[NodeStream]],
        recorder: Recorder,
        bus: TopicBus,
        topics: NodeTopics,
        report: Reporter,
        thread: Threads | None = None,
    ) -> None:
        """`thread` runs what reads."""
        self._streams = streams
        self._recorder = recorder
        self._bus = bus
        self._topics = topics
        self._report = report
        self._thread = in_threads(2) if thread is None else thread

    async def run(self) -> None:
        """For one connection: until cancelled."""
        under_way: dict[NodeStream, trio.CancelScope] = {}
        async with trio.open_nursery() as nursery:
            while True:
                wanted = [s for s in self._streams() if self._recorder.delivery(s) is not None]
                for gone in under_way.keys() - set(wanted):
                    under_way.pop(gone).cancel()
                for new in wanted:
                    if new not in under_way:
                        scope = under_way[new] = trio.CancelScope()
                        nursery.start_soon(self._replay, new, scope)
                await trio.sleep(_LOOK)

    async def _replay(self, stream: NodeStream, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                while not await self._series(stream):
                    await trio.sleep(_LOOK)  # we are about to be cancelled, unless it was something else
                # It is looked up each time: a stream that was removed and added again owes anew.
                while (delivery := self._recorder.delivery(stream)) is not None and delivery.owed is None:
                    await self._recorder.deliveries.owing.wait()
                if delivery is None:
                    return

    async def _series(self, stream: NodeStream) -> bool:
        """All that is owed, to the message that says so; whether that was acknowledged."""
        done = False
        while not done and (delivery := self._recorder.delivery(stream)) is not None:
            began = trio.current_time()
            try:
                message = await self._next(stream, delivery)
            except HistoryError as e:
                log.warning("a replay cannot read the history", stream="/".join(stream.key), error=str(e))
                await trio.sleep(_READ_AGAIN)
                continue
            if message is None:
                continue
            if message.payload and not await self._send(stream, message):
                return False
            done = message.done
            self._recorder.deliveries.replayed(delivery, message.upto)
            self._report.count("rta_replay_entries_total", message.entries)
            if message.payload and stream.definition.replay is not None:
                await trio.sleep_until(began + 1 / stream.definition.replay)
        return True

    async def _next(self, stream: NodeStream, delivery: Delivery) -> _Message | None:
        """None: look again."""
        span, store = delivery.owed, self._recorder.store
        if span is None or store is None:
            payload, _ = pack([], {"done": True})
            return _Message(payload, 0, 0, True)
        last_span = delivery.spans == 1
        read = partial(_read, store, stream.key, span.first, span.last, last_span)
        return await self._thread(read)

    async def _send(self, stream: NodeStream, message: _Message) -> bool:
        """Until it is acknowledged; whether it was. A lost connection ends us."""
        topic = self._topics.topic(Kind.REPLAY, *stream.key)
        try:
            await self._bus.publish(topic, message.payload, qos=1)
        except UndeliverableError as e:
            self._report.count("rta_stream_refused_total")
            log.warning("the bus does not take a replay", topic=topic, error=str(e))
        except TransportError:
            return False
        return True


def _read(store: HistoryStore, key: tuple[str, str], first: int, last: int, last_span: bool) -> _Message | None:
    """The next message of what is owed from one position to another. Blocks."""
    entries = store.read(key, after=first - 1, upto=last, limit=_ENTRIES + 1)
    exhausted = len(entries) <= _ENTRIES
    entries = entries[:_ENTRIES]
    if not entries:
        payload, _ = pack([], {"done": True})
        return _Message(payload, 0, last, True) if last_span else _Message(b"", 0, last, False)
    bounds = store.bounds(key)
    flags = {"beginning": True} if bounds is not None and bounds.first == entries[0].pos else {}
    payload, count = pack(entries, flags, _LARGEST)
    if not count:
        payload, count = pack(entries[:1], flags, sys.maxsize)
    done = last_span and exhausted and count >= len(entries)
    if done:
        payload, count = pack(entries, {**flags, "done": True}, sys.maxsize)
    upto = last if exhausted and count == len(entries) else entries[count - 1].pos
    return _Message(payload, count, upto, done)
