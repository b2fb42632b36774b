"""What the memory buses of a process have in common: the topics, what they retain, and who is connected."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from rta.ports import QueueFullError, TopicMessage, topic_matches

__all__ = ["Connected", "MemoryBroker"]


class Connected(Protocol):
    """A connection, as the broker sees it."""

    def deliver(self, message: TopicMessage) -> None:
        """A message has been published."""
        ...

    def displaced(self) -> None:
        """Another has connected with the same id."""
        ...

    def may_return(self) -> None:
        """Whoever had displaced it has gone."""
        ...


class MemoryBroker:
    """Carries messages to all who are connected, in the moment they are published."""

    def __init__(self, max_retained: int = 100_000) -> None:
        self.max_retained = max_retained
        self._retained: dict[str, TopicMessage] = {}
        self._connected: dict[str, Connected] = {}
        self._displaced: dict[str, list[Connected]] = {}

    def join(self, client_id: str, connection: Connected) -> None:
        """Takes over from whoever has this id."""
        before = self._connected.get(client_id)
        self._connected[client_id] = connection
        if before is not None:
            self._displaced.setdefault(client_id, []).append(before)
            before.displaced()

    def leave(self, client_id: str, connection: Connected) -> None:
        """Whoever was displaced last may come back. Idempotent."""
        waiting = self._displaced.get(client_id, [])
        if connection in waiting:
            waiting.remove(connection)
        elif self._connected.get(client_id) is connection:
            del self._connected[client_id]
            if waiting:
                waiting.pop().may_return()
        if not waiting:
            self._displaced.pop(client_id, None)

    def carry(self, message: TopicMessage, retain: bool) -> None:
        """:raises QueueFullError: it cannot retain one more; nobody gets the message."""
        if retain:
            self._retain(message)
        for connection in list(self._connected.values()):
            connection.deliver(message)

    def bequeath(self, message: TopicMessage) -> None:
        """Carry a will, which is retained if there is room."""
        with suppress(QueueFullError):
            self._retain(message)
        for connection in list(self._connected.values()):
            connection.deliver(message)

    def kept(self, filters: Iterable[str]) -> list[TopicMessage]:
        """The retained messages that fit."""
        return [m for topic, m in self._retained.items() if any(topic_matches(f, topic) for f in filters)]

    def _retain(self, message: TopicMessage) -> None:
        topic = message.topic
        if not message.payload:
            self._retained.pop(topic, None)
        elif topic in self._retained or len(self._retained) < self.max_retained:
            self._retained[topic] = TopicMessage(
                topic, message.payload, True, message.response_topic, message.correlation
            )
        else:
            raise QueueFullError(f"{self.max_retained} messages are retained already; {topic!r} cannot be")
