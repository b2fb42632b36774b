"""Publish/subscribe with retained messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import trio
from attrs import define, field, frozen

from rta.errors import TransportError

__all__ = [
    "Done",
    "Link",
    "Qos",
    "TopicBus",
    "TopicMessage",
    "TopicSubscription",
    "Will",
    "topic_matches",
    "valid_filter",
    "valid_topic",
]

Done = Callable[[TransportError | None], None]
"""Told once what became of a message: None when it was sent (QoS 1: acknowledged), else why not. Must not block.
Never called from within `send`."""


Qos = Literal[0, 1]
"""How a message is delivered: 0, at most once; 1, at least once."""


@frozen(slots=True)
class TopicMessage:
    """A message as a subscriber receives it."""

    topic: str
    payload: bytes
    retained: bool = False
    """It was kept from before the subscription."""
    response_topic: str | None = None
    """Where an answer is to go."""
    correlation: bytes | None = None
    """To be given back with the answer."""


@frozen(slots=True)
class Will:
    """What the bus publishes, retained and with QoS 1, when a connection ends that was not closed by its owner."""

    topic: str
    payload: bytes


@define(eq=False)
class Link:
    """One connection to the bus, from its making to its loss."""

    number: int
    """Counts them, from 1."""
    lost: trio.Event = field(factory=trio.Event)
    """Set when it is over."""


class TopicSubscription(Protocol):
    """What one subscriber receives, in the order of publication."""

    @property
    def dropped(self) -> int:
        """Messages lost because the subscriber fell behind its bound."""
        ...

    async def receive(self) -> TopicMessage:
        """Wait for the next message. A cancelled call loses nothing."""
        ...


class TopicBus(Protocol):
    """Topics are levels joined by `/`; in filters `+` stands for one level and a final `#` for the rest.

    It carries messages only inside a `connect` block. There it connects, and again whenever the connection is lost,
    by itself.
    """

    def connect(self, client_id: str, will: Will | None = None) -> AbstractAsyncContextManager[None]:
        """Be connected, or try to be, for as long as the block lasts; entering it does not wait for a connection.

        At most one such block at a time. Leaving it closes the connection, so that no will is published; one that is
        lost, or left by an exception, has its will published. Another connection with the same id takes over from this
        one.
        """
        ...

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, in words; None while there is one or nobody asked for one."""
        ...

    async def link(self, after: int = 0) -> Link:
        """Wait until there is a connection whose number is greater than `after`.

        By then all subscriptions that were there before are in force again.
        """
        ...

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
        """Queue a message for all present subscribers, without waiting. `retain` keeps it for later ones; an empty
        payload clears. Messages of one connection and QoS arrive in the order of sending.

        A message never outlives its connection: what was not sent (QoS 1: acknowledged) by then is reported to
        `done` and forgotten here; sending it again is the caller's decision.

        :raises ValueError: not a topic (empty, or with a wildcard); that goes for `response_topic` too.
        :raises UndeliverableError: the bus takes no message of this size or kind; `done` is not called.
        :raises NotConnectedError: there is no connection; `done` is not called.
        :raises QueueFullError: the queue is full, or the bus cannot retain one more; `done` is not called.
        """
        ...

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
        """`send`, waiting until it was sent: QoS 0 handed to the network, QoS 1 acknowledged.

        Where the queue is full it waits for room. Cancelling it does not take the message back.

        :raises ValueError: as `send`.
        :raises UndeliverableError: as `send`.
        :raises NotConnectedError: there is no connection, or it was lost meanwhile.
        :raises QueueFullError: the bus cannot retain one more.
        """
        ...

    def subscribe(self, *filters: str, bound: int = 1024) -> AbstractAsyncContextManager[TopicSubscription]:
        """Receive what is published, the retained messages first. Over `bound` waiting, the newest is dropped;
        retained messages do not count.

        Entering waits until the bus has confirmed it, if there is a connection; a subscription outlives connections:
        it is renewed with each, and then brings the retained messages anew. Messages published while there
        is no connection may be missed. A message that fits several of the filters arrives once.

        :raises ValueError: not a filter.
        :raises UndeliverableError: the bus refuses it.
        """
        ...


def _fits(text: str) -> bool:
    return 0 < len(text.encode(errors="replace")) <= 65535 and not any("\ud800" <= c <= "\udfff" for c in text)


def valid_topic(topic: str) -> bool:
    """Whether it may be published to."""
    return _fits(topic) and not set(topic) & {"+", "#", "\0"}


def valid_filter(pattern: str) -> bool:
    """Whether it may be subscribed to."""
    levels = pattern.split("/")
    return (
        _fits(pattern)
        and "\0" not in pattern
        and all("+" not in level or level == "+" for level in levels)
        and all("#" not in level for level in levels[:-1])
        and ("#" not in levels[-1] or levels[-1] == "#")
    )


def topic_matches(pattern: str, topic: str) -> bool:
    """Whether a filter takes a topic; topics beginning with `$` only where the filter does."""
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    want, have = pattern.split("/"), topic.split("/")
    for i, level in enumerate(want):
        if level == "#":
            return True
        if i >= len(have) or level not in ("+", have[i]):
            return False
    return len(want) == len(have)
