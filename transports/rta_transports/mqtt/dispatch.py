"""Which subscriptions a message is for. Plain code.

The broker keeps one subscription per filter and client. It may send a message once for every filter that fits, and
what is retained comes again to everybody when one more subscribes with the same filter. Here several subscriptions
share a filter, and each is to get each message once. So every SUBSCRIBE has one filter and an *identifier* of its
own, which the broker puts on the messages it sends because of it: a retained message is for those who were subscribed
by that SUBSCRIBE; any other for those of whose filters this one is the first that fits, if they were there by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from attrs import frozen

from rta.ports import SubscriptionQueue, TopicMessage, topic_matches

__all__ = ["Asking", "Dispatch", "MqttSubscription"]

_IDENTIFIERS = 268_435_455
_REMEMBERED = 64  # identifiers per filter: messages sent under an older one may still be on their way


class MqttSubscription(SubscriptionQueue):
    """One subscriber: what it wants, and what waits for it."""

    def __init__(self, filters: tuple[str, ...], bound: int) -> None:
        super().__init__(bound)
        self.filters = tuple(dict.fromkeys(filters))
        self.refused: set[str] = set()
        """Filters that the broker did not accept."""
        self.since: dict[str, int] = {}
        """By filter, the identifier from which on its messages are for this subscriber."""

    def filter_for(self, topic: str) -> str | None:
        """The filter by which a topic's messages come: the first that fits."""
        for f in self.filters:
            if f not in self.refused and topic_matches(f, topic):
                return f
        return None


@frozen
class Asking:
    """One SUBSCRIBE."""

    filter: str
    identifier: int
    subscribers: tuple[MqttSubscription, ...]
    """For whom it is."""


class Dispatch:
    """The subscriptions of one bus, over all its connections."""

    def __init__(self) -> None:
        self._subscriptions: dict[MqttSubscription, None] = {}
        self._last = 0
        self._asked: dict[int, Asking] = {}
        self._of_filter: dict[str, deque[int]] = {}

    def add(self, subscription: MqttSubscription) -> None:
        """It gets nothing before it has been asked for."""
        self._subscriptions[subscription] = None

    def ask(self, subscription: MqttSubscription) -> list[Asking]:
        """What to subscribe for one that has come, once added."""
        return [self._ask(f, (subscription,)) for f in subscription.filters]

    def ask_again(self, session_present: bool) -> tuple[list[Asking], list[str]]:
        """What to subscribe on a new connection, and which filters the broker is to forget.

        With a session that the broker kept, messages it has held back meanwhile come under the old identifiers.
        """
        if not session_present:
            self._asked.clear()
            self._of_filter.clear()
        wanted: dict[str, list[MqttSubscription]] = {}
        for s in self._subscriptions:
            s.begin_anew()
            s.refused.clear()
            if not session_present:
                s.since.clear()
            for f in s.filters:
                wanted.setdefault(f, []).append(s)
        forgotten = [f for f in self._of_filter if f not in wanted]
        for f in forgotten:
            self._forget(f)
        return [self._ask(f, tuple(subscribers)) for f, subscribers in wanted.items()], forgotten

    def remove(self, subscription: MqttSubscription) -> list[str]:
        """The filters that nobody else has."""
        del self._subscriptions[subscription]
        return [f for f in subscription.filters if not any(f in s.filters for s in self._subscriptions)]

    def unsubscribed(self, filters: Iterable[str]) -> None:
        """The broker has been told to forget these."""
        for f in filters:
            self._forget(f)

    def deliver(self, message: TopicMessage, identifiers: Iterable[int]) -> None:
        """A message that came under some identifiers; none at all: the broker knows no identifiers."""
        numbered = False
        for identifier in identifiers:
            numbered = True
            asking = self._asked.get(identifier)
            if asking is not None:
                self._deliver(message, asking)
        if not numbered:
            for s in self._subscriptions:
                if s.filter_for(message.topic) is not None:
                    s.put(message)

    def _deliver(self, message: TopicMessage, asking: Asking) -> None:
        f, identifier = asking.filter, asking.identifier
        for s in asking.subscribers if message.retained else self._subscriptions:
            there = s in self._subscriptions and s.since.get(f, _IDENTIFIERS) <= identifier
            if there and s.filter_for(message.topic) == f:
                s.put(message)

    def _ask(self, f: str, subscribers: tuple[MqttSubscription, ...]) -> Asking:
        self._last += 1
        asking = self._asked[self._last] = Asking(f, self._last, subscribers)
        identifiers = self._of_filter.setdefault(f, deque())
        identifiers.append(self._last)
        if len(identifiers) > _REMEMBERED:
            del self._asked[identifiers.popleft()]
        for s in subscribers:
            s.since.setdefault(f, self._last)
        return asking

    def _forget(self, f: str) -> None:
        for identifier in self._of_filter.pop(f, ()):
            del self._asked[identifier]
