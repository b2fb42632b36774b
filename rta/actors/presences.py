"""Presences: which of those that streams are for are there. Owns a subscription to each of them."""

from __future__ import annotations

from functools import partial

import trio

from rta.errors import MalformedError
from rta.health import Health
from rta.node.node import Node
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.rsmp.presence import read_presence
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.subscriber import Subscriber

__all__ = ["Presences", "presence_of"]


class Presences:
    """Of the consumers of one node."""

    def __init__(self, node: Node, bus: TopicBus, health: Health, report: Reporter) -> None:
        self._node = node
        self._bus = bus
        self._health = health
        self._report = report
        self._changed = trio.Event()

    def changed(self) -> None:
        """Streams may be for others now."""
        self._changed.set()

    async def run(self) -> None:
        """One subscription for each consumer, for as long as a stream is for it; until cancelled."""
        watched: dict[str, trio.CancelScope] = {}
        async with trio.open_nursery() as nursery:
            while True:
                self._changed = trio.Event()
                wanted = self._node.consumers
                for gone in watched.keys() - wanted:
                    watched.pop(gone).cancel()
                self._node.pruning.forget(wanted)
                for new in sorted(wanted - watched.keys()):
                    watched[new] = trio.CancelScope()
                    nursery.start_soon(self._watch, new, watched[new])
                await self._changed.wait()

    async def _watch(self, consumer: str, scope: trio.CancelScope) -> None:
        with scope:
            topic = NodeTopics(consumer).topic(TopicKind.PRESENCE)
            lost = partial(self._report.count, "rta_topic_input_refused_total", kind="any", reason="flood")
            await Subscriber(self._bus, (topic,), partial(self._heard, consumer), lost, health=self._health).run()

    def _heard(self, consumer: str, message: TopicMessage) -> None:
        self._node.pruning.heard(consumer, presence_of(message, self._report))


def presence_of(message: TopicMessage, report: Reporter) -> str | None:
    """What a presence says. An unreadable one is counted, and counts as absent."""
    try:
        return read_presence(message.payload)
    except MalformedError as e:
        report.malformed(f"presence {message.topic}", e.kind, str(e))
        return None
