"""The replayer: after an outage, what streams could not deliver is sent beside what is live.

Owns one task for each stream that replays, while there is a connection. Has the history read, sends one message
after the other at the stream's rate, each when the one before is acknowledged, so that an interrupted replay goes on
behind what was. Receives nothing; a series ends with `done`, and another begins when more is owed.

Source: docs/rsmp.md, "Replay".
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from rta.actors.recorder import Recorder
from rta.errors import HistoryError, TransportError, UndeliverableError
from rta.history.delivery import UnackedSpans
from rta.history.replay import ReplayMessage, next_message, nothing_owed
from rta.node.node_stream import NodeStream
from rta.ports import Reporter, TopicBus
from rta.rsmp.topics import NodeTopics, TopicKind

__all__ = ["Replayer"]

log = structlog.get_logger("rta.history")

_LOOK = 1.0  # seconds between looks at which streams there are
_READ_AGAIN = 10.0  # seconds until a history that cannot be read is read again


class Replayer:
    """The replays of one node."""

    def __init__(
        self,
        streams: Callable[[], list[NodeStream]],
        recorder: Recorder,
        bus: TopicBus,
        topics: NodeTopics,
        report: Reporter,
    ) -> None:
        self._streams = streams
        self._recorder = recorder
        self._bus = bus
        self._topics = topics
        self._report = report

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
            if message.payload and not await self._send(stream, message):
                return False
            done = message.done
            self._recorder.deliveries.replayed(delivery, message.upto)
            self._report.count("rta_replay_entries_total", message.entries)
            if message.payload and stream.definition.replay is not None:
                await trio.sleep_until(began + 1 / stream.definition.replay)
        return True

    async def _next(self, stream: NodeStream, delivery: UnackedSpans) -> ReplayMessage:
        span = delivery.owed
        if span is None:
            return nothing_owed()
        return await self._recorder.read(next_message, stream.key, span, delivery.spans == 1)

    async def _send(self, stream: NodeStream, message: ReplayMessage) -> bool:
        """Until it is acknowledged; whether it was. A lost connection ends us."""
        topic = self._topics.topic(TopicKind.REPLAY, *stream.key)
        try:
            await self._bus.publish(topic, message.payload, qos=1)
        except UndeliverableError as e:
            self._report.count("rta_stream_refused_total")
            log.warning("the bus does not take a replay", topic=topic, error=str(e))
        except TransportError:
            return False
        return True
