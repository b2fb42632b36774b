"""A topic bus in memory, with retained messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define

from rta.ports import Context, TopicMessage, TransportError, option, topic_matches, valid_filter, valid_topic

__all__ = ["MemoryTopics", "MemoryTopicsOptions", "open_topics"]


@define
class MemoryTopicsOptions:
    """Topics within the process."""

    max_retained: int = option("Retained messages kept; publishing one more to a new topic is an error.", 100_000)


class _Subscription:
    """One subscriber's queue."""

    def __init__(self, filters: tuple[str, ...], bound: int) -> None:
        self.filters = filters
        self.dropped = 0
        self._send, self._receive = trio.open_memory_channel[TopicMessage](bound)

    def offer(self, message: TopicMessage) -> None:
        try:
            self._send.send_nowait(message)
        except trio.WouldBlock:
            self.dropped += 1

    async def receive(self) -> TopicMessage:
        return await self._receive.receive()


class MemoryTopics:
    """The bus of one process."""

    def __init__(self, max_retained: int = 100_000) -> None:
        self._max_retained = max_retained
        self._retained: dict[str, bytes] = {}
        self._subscriptions: dict[_Subscription, None] = {}

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if not valid_topic(topic):
            raise ValueError(f"{topic!r} is not a topic to publish to")
        if retain:
            self._retain(topic, payload)
        message = TopicMessage(topic, payload)
        for subscription in self._subscriptions:
            if any(topic_matches(f, topic) for f in subscription.filters):
                subscription.offer(message)
        await trio.lowlevel.checkpoint()

    def _retain(self, topic: str, payload: bytes) -> None:
        if not payload:
            self._retained.pop(topic, None)
        elif topic in self._retained or len(self._retained) < self._max_retained:
            self._retained[topic] = payload
        else:
            raise TransportError(f"{self._max_retained} messages are retained already; {topic!r} cannot be")

    @asynccontextmanager
    async def subscribe(self, *filters: str, bound: int = 1024) -> AsyncIterator[_Subscription]:
        for f in filters:
            if not valid_filter(f):
                raise ValueError(f"{f!r} is not a topic filter")
        kept = [
            TopicMessage(topic, payload, retained=True)
            for topic, payload in self._retained.items()
            if any(topic_matches(f, topic) for f in filters)
        ]
        subscription = _Subscription(filters, bound + len(kept))
        for message in kept:
            subscription.offer(message)
        self._subscriptions[subscription] = None
        try:
            yield subscription
        finally:
            del self._subscriptions[subscription]


@asynccontextmanager
async def open_topics(options: MemoryTopicsOptions, context: Context) -> AsyncIterator[MemoryTopics]:
    """A bus with nothing on it."""
    yield MemoryTopics(options.max_retained)
