"""A topic bus in memory: the twin of a bus that goes over a network, connections, wills and takeovers included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define

from rta.ports import (
    Context,
    Done,
    Link,
    NotConnectedError,
    Qos,
    SubscriptionQueue,
    TopicMessage,
    Will,
    option,
    topic_matches,
    valid_filter,
    valid_topic,
)
from rta.wakeup import Wakeup
from rta_transports.memory.broker import MemoryBroker

__all__ = ["MemoryTopics", "MemoryTopicsOptions", "open_topics"]


@define
class MemoryTopicsOptions:
    """Topics within the process."""

    max_retained: int = option("Retained messages kept; publishing one more to a new topic is an error.", 100_000)


class MemoryTopics:
    """One connection to a broker. Buses that are to hear each other share one."""

    def __init__(self, max_retained: int = 100_000, *, broker: MemoryBroker | None = None) -> None:
        self.broker = broker or MemoryBroker(max_retained)
        self.trouble: str | None = None
        self._client_id: str | None = None
        self._will: Will | None = None
        self._cut = False
        self._links = 0
        self._link: Link | None = None
        self._joined = Wakeup()
        self._subscriptions: dict[SubscriptionQueue, tuple[str, ...]] = {}  # and their filters

    # ---- the connection

    @asynccontextmanager
    async def connect(self, client_id: str, will: Will | None = None) -> AsyncIterator[None]:
        if self._client_id is not None:
            raise RuntimeError(f"this bus is in use already, as {self._client_id!r}")
        self._client_id, self._will = client_id, will
        try:
            if self._cut:
                self.trouble = "the connection is cut"
            else:
                self._join()
            yield
        except BaseException:
            if self._link is not None:
                self._leave_will()
            raise
        finally:
            self.broker.leave(client_id, self)
            self._lose(None)
            self._client_id = self._will = None

    async def link(self, after: int = 0) -> Link:
        await trio.lowlevel.checkpoint()
        while (link := self._link) is None or link.number <= after:
            await self._joined.wait()
        return link

    def cut(self) -> None:
        """Lose the connection, as a cable that is cut would do it, until `mend`; its will is published."""
        self._cut = True
        if self._link is not None and self._client_id is not None:
            self._lose("the connection is cut")
            self.broker.leave(self._client_id, self)
            self._leave_will()

    def mend(self) -> None:
        """Undo a `cut`: it connects again, if it is to be connected."""
        self._cut = False
        if self._client_id is not None and self._link is None:
            self._join()

    def displaced(self) -> None:
        """For the broker: another has connected with our id."""
        self._lose(f"taken over by another client with the id {self._client_id!r}")
        self._leave_will()

    def may_return(self) -> None:
        """For the broker: whoever had displaced us has gone."""
        if not self._cut:
            self._join()

    def _join(self) -> None:
        assert self._client_id is not None
        self.broker.join(self._client_id, self)
        self.trouble = None
        for subscription in self._subscriptions:
            self._bring_retained(subscription)
        self._links += 1
        self._link = Link(self._links)
        self._joined.set()

    def _bring_retained(self, subscription: SubscriptionQueue) -> None:
        subscription.begin_anew()
        for message in self.broker.kept(self._subscriptions[subscription]):
            subscription.put(message)

    def _lose(self, trouble: str | None) -> None:
        self.trouble = trouble
        if self._link is not None:
            self._link.lost.set()
            self._link = None

    def _leave_will(self) -> None:
        if self._will is not None:
            self.broker.bequeath(TopicMessage(self._will.topic, self._will.payload))

    # ---- messages

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: Qos = 0,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        done: Done | None = None,
    ) -> None:
        if not valid_topic(topic):
            raise ValueError(f"{topic!r} is not a topic to publish to")
        if response_topic is not None and not valid_topic(response_topic):
            raise ValueError(f"{response_topic!r} is not a topic to answer on")
        if self._link is None:
            raise NotConnectedError(self.trouble or "nobody has connected this bus")
        self.broker.carry(TopicMessage(topic, payload, False, response_topic, correlation), retain)
        if done is not None:  # never from within `send`: callers rely on that on other buses
            trio.lowlevel.current_trio_token().run_sync_soon(done, None)

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: Qos = 0,
        response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        self.send(topic, payload, retain=retain, qos=qos, response_topic=response_topic, correlation=correlation)
        await trio.lowlevel.checkpoint()

    def deliver(self, message: TopicMessage) -> None:
        """For the broker: something has been published."""
        for subscription, filters in self._subscriptions.items():
            if any(topic_matches(f, message.topic) for f in filters):
                subscription.put(message)

    @asynccontextmanager
    async def subscribe(self, *filters: str, bound: int = 1024) -> AsyncIterator[SubscriptionQueue]:
        for f in filters:
            if not valid_filter(f):
                raise ValueError(f"{f!r} is not a topic filter")
        subscription = SubscriptionQueue(bound, self.broker.max_retained)
        self._subscriptions[subscription] = filters
        try:
            if self._link is not None:
                self._bring_retained(subscription)
            yield subscription
        finally:
            del self._subscriptions[subscription]


@asynccontextmanager
async def open_topics(options: MemoryTopicsOptions, context: Context) -> AsyncIterator[MemoryTopics]:
    """A bus with nothing on it."""
    yield MemoryTopics(options.max_retained)
