"""One subscriber's queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import trio

from rta.ports import TopicMessage, topic_matches

__all__ = ["MemorySubscription"]


class MemorySubscription:
    """Bounded in what is published; what is retained comes on top, once."""

    def __init__(self, filters: tuple[str, ...], bound: int) -> None:
        self.filters = filters
        self.dropped = 0
        self._bound = bound
        self._waiting: deque[TopicMessage] = deque()
        self._retained = 0
        self._receivers = trio.lowlevel.ParkingLot()

    def begin(self, retained: Iterable[TopicMessage]) -> None:
        """Bring these first; those of an earlier beginning that nobody has fetched are superseded."""
        if self._retained:
            self._waiting = deque(m for m in self._waiting if not m.retained)
        kept = list(retained)
        self._retained = len(kept)
        self._waiting.extend(kept)
        self._receivers.unpark(count=len(kept))

    def offer(self, message: TopicMessage) -> None:
        """Something has been published."""
        if not any(topic_matches(f, message.topic) for f in self.filters):
            return
        if len(self._waiting) - self._retained >= self._bound:
            self.dropped += 1
            return
        self._waiting.append(message)
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
