"""Publish/subscribe with retained messages."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen

__all__ = ["TopicBus", "TopicMessage", "TopicSubscription", "topic_matches", "valid_filter", "valid_topic"]


@frozen(slots=True)
class TopicMessage:
    """A message as a subscriber receives it."""

    topic: str
    payload: bytes
    retained: bool = False
    """It was kept from before the subscription."""


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
    """Topics are levels joined by `/`; in filters `+` stands for one level and a final `#` for the rest."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Deliver to all present subscribers. `retain` keeps it for later ones; an empty payload clears.

        :raises ValueError: not a topic (empty, or with a wildcard).
        :raises TransportError: the bus cannot be reached, or cannot retain one more, for now.
        """
        ...

    def subscribe(self, *filters: str, bound: int = 1024) -> AbstractAsyncContextManager[TopicSubscription]:
        """Receive what is published, the retained messages first. Over `bound` waiting, the newest is dropped;
        retained messages do not count.

        A message that fits several of the filters arrives once.

        :raises ValueError: not a filter.
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
