"""The replayer: after an outage, what streams could not deliver is sent beside what is live.

Owns one task for each stream that replays. Asks the history what a stream owes, has it read, and sends one message
after the other at the stream's rate, each when the one before is acknowledged; the history is told of each, so that an
interrupted replay goes on behind what was. A series ends with `done`, and another begins when more is owed.

Ends with the connection for which it runs.

Source: docs/rsmp.md, "Replay".
"""

from __future__ import annotations

import structlog
import trio

from rta.actors.history import HistoryActor
from rta.actors.history_messages import AskOwed, HistoryMessage, Owed, Replayed
from rta.errors import HistoryError, NotConnectedError, QueueFullError, UndeliverableError
from rta.history.entry import Key
from rta.history.replay import ReplayMessage, next_message, nothing_owed
from rta.inbox import Inbox, Reply
from rta.latest import Latest
from rta.node.view import NodeView
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
        view: Latest[NodeView],
        history: HistoryActor,
        inbox: Inbox[HistoryMessage],
        bus: TopicBus,
        topics: NodeTopics,
        report: Reporter,
    ) -> None:
        """`inbox`: that of the history."""
        self._view = view
        self._history = history
        self._inbox = inbox
        self._bus = bus
        self._topics = topics
        self._report = report

    async def run(self) -> None:
        """For one connection: until cancelled."""
        under_way: dict[Key, trio.CancelScope] = {}
        async with trio.open_nursery() as nursery:
            while True:
                replaying = {k for k, s in self._view.value.streams.items() if s.definition.replay is not None}
                wanted = [key for key in sorted(replaying) if await self._owed(key) is not None]
                for gone in under_way.keys() - set(wanted):
                    under_way.pop(gone).cancel()
                for new in wanted:
                    if new not in under_way:
                        scope = under_way[new] = trio.CancelScope()
                        nursery.start_soon(self._replay, new, scope)
                await trio.sleep(_LOOK)

    async def _replay(self, key: Key, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                while not await self._series(key):
                    await trio.sleep(_LOOK)  # we are about to be cancelled, unless it was something else
                while True:
                    seen = self._history.owing.value
                    owed = await self._owed(key)
                    if owed is None:
                        return
                    if owed.span is not None:
                        break
                    await self._history.owing.another(seen)

    async def _series(self, key: Key) -> bool:
        """All that is owed, to the message that says so; whether that was acknowledged."""
        done = False
        while not done and (owed := await self._owed(key)) is not None:
            began = trio.current_time()
            try:
                message = await self._next(key, owed)
            except HistoryError as e:
                log.warning("a replay cannot read the history", stream="/".join(key), error=str(e))
                await trio.sleep(_READ_AGAIN)
                continue
            if message.payload and not await self._send(key, message):
                return False
            # No checkpoint since the acknowledgement: it is told whatever happens.
            self._inbox.post(Replayed(key, message.upto))
            done = message.done
            self._report.count("rta_replay_entries_total", message.entries)
            rate = self._rate(key)
            if message.payload and rate is not None:
                await trio.sleep_until(began + 1 / rate)
        return True

    def _rate(self, key: Key) -> float | None:
        stream = self._view.value.streams.get(key)
        return None if stream is None else stream.definition.replay

    async def _owed(self, key: Key) -> Owed | None:
        reply: Reply[Owed | None] = Reply()
        await self._inbox.send(AskOwed(key, reply))
        return await reply.wait()

    async def _next(self, key: Key, owed: Owed) -> ReplayMessage:
        if owed.span is None:
            return nothing_owed()
        return await self._history.read(next_message, key, owed.span, owed.last)

    async def _send(self, key: Key, message: ReplayMessage) -> bool:
        """Until it is acknowledged; whether it was. A lost connection ends us."""
        topic = self._topics.topic(TopicKind.REPLAY, *key)
        try:
            await self._bus.publish(topic, message.payload, qos=1)
        except UndeliverableError as e:
            self._report.count("rta_stream_refused_total")
            log.warning("the bus does not take a replay", topic=topic, error=str(e))
        except (NotConnectedError, QueueFullError):
            return False
        return True
