"""Presences: which of those that streams are for are there.

Owns a subscription to each of them. Follows what the node shows of whom its streams are for, and sends `PresenceHeard`
to the node, waiting while that is full; what its subscriptions cannot hold meanwhile is dropped and counted. Ends when
it is cancelled.
"""

from __future__ import annotations

from functools import partial

import trio

from rta.actors.node_messages import PresenceHeard
from rta.errors import MalformedError
from rta.health import Health
from rta.inbox import Outlet
from rta.latest import Latest
from rta.node.view import NodeView
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.rsmp.presence import read_presence
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.subscriber import Subscriber

__all__ = ["Presences", "presence_of"]


class Presences:
    """The consumers of one node."""

    def __init__(
        self, bus: TopicBus, health: Health, report: Reporter, view: Latest[NodeView], node: Outlet[PresenceHeard]
    ) -> None:
        self._view = view
        self._node = node
        self._bus = bus
        self._health = health
        self._report = report

    async def run(self) -> None:
        """One subscription for each consumer, for as long as a stream is for it; until cancelled."""
        watched: dict[str, trio.CancelScope] = {}
        async with trio.open_nursery() as nursery:
            while True:
                view = self._view.value
                for gone in watched.keys() - view.consumers:
                    watched.pop(gone).cancel()
                for new in sorted(view.consumers - watched.keys()):
                    watched[new] = trio.CancelScope()
                    nursery.start_soon(self._watch, new, watched[new])
                await self._view.another(view)

    async def _watch(self, consumer: str, scope: trio.CancelScope) -> None:
        with scope:
            topic = NodeTopics(consumer).topic(TopicKind.PRESENCE)
            lost = partial(self._report.count, "rta_topic_input_refused_total", kind="any", reason="flood")
            await Subscriber(self._bus, (topic,), partial(self._heard, consumer), lost, health=self._health).run()

    async def _heard(self, consumer: str, message: TopicMessage) -> None:
        await self._node.send(PresenceHeard(consumer, presence_of(message, self._report)))


def presence_of(message: TopicMessage, report: Reporter) -> str | None:
    """What a presence says. An unreadable one is counted, and counts as absent."""
    try:
        return read_presence(message.payload)
    except MalformedError as e:
        report.malformed(f"presence {message.topic}", e.kind, str(e))
        return None
