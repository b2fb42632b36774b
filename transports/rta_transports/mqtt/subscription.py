"""One subscriber: what it wants, and what waits for it."""

from __future__ import annotations

from collections import deque

import trio

from rta.ports import TopicMessage, topic_matches

__all__ = ["MqttSubscription"]

_MOST_RETAINED = 100_000


class MqttSubscription:
    """Its queue is bounded in what is published; what is retained comes on top, once."""

    def __init__(self, filters: tuple[str, ...], bound: int) -> None:
        self.filters = tuple(dict.fromkeys(filters))
        self.refused: set[str] = set()
        """Filters that the broker did not accept."""
        self.since: dict[str, int] = {}
        """By filter, the identifier from which on its messages are for us; see `Dispatch`."""
        self.dropped = 0
        self._bound = bound
        self._waiting: deque[TopicMessage] = deque()
        self._retained = 0
        self._receivers = trio.lowlevel.ParkingLot()

    def filter_for(self, topic: str) -> str | None:
        """The filter by which a topic's messages come: the first that fits."""
        for f in self.filters:
            if f not in self.refused and topic_matches(f, topic):
                return f
        return None

    def begin_anew(self) -> None:
        """What is retained is about to be brought again."""
        self.refused.clear()
        if self._retained:
            self._waiting = deque(m for m in self._waiting if not m.retained)
            self._retained = 0

    def offer(self, message: TopicMessage) -> None:
        """Something has come."""
        if message.retained:
            if self._retained >= _MOST_RETAINED:
                self.dropped += 1
                return
            self._retained += 1
        elif len(self._waiting) - self._retained >= self._bound:
            self.dropped += 1
            return
        self._waiting.append(message)
        if self._receivers:
            self._receivers.unpark()

    async def receive(self) -> TopicMessage:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._waiting:
            await trio.lowlevel.cancel_shielded_checkpoint()
        while not self._waiting:
            await self._receivers.park()
        message = self._waiting.popleft()
        self._retained -= message.retained
        return message
