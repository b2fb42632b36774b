"""What waits for one subscriber of a topic bus: the same for every bus."""

from __future__ import annotations

from collections import deque

import trio

from rta.ports.topic_bus import TopicMessage

__all__ = ["SubscriptionQueue"]


class SubscriptionQueue:
    """A `TopicSubscription`, bounded in what is published; what is retained comes on top, once."""

    def __init__(self, bound: int, retained_bound: int = 100_000) -> None:
        """In messages; over a bound the newest are dropped."""
        self.dropped = 0
        self._bound, self._retained_bound = bound, retained_bound
        self._waiting: deque[TopicMessage] = deque()
        self._retained = 0
        self._receivers = trio.lowlevel.ParkingLot()

    def begin_anew(self) -> None:
        """The retained messages are about to be brought again: those that nobody has received are superseded."""
        if self._retained:
            self._waiting = deque(m for m in self._waiting if not m.retained)
            self._retained = 0

    def put(self, message: TopicMessage) -> None:
        """A message that fits has come; without waiting."""
        if message.retained:
            if self._retained >= self._retained_bound:
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
        """Wait for the next message. A cancelled call loses nothing."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._waiting:
            await trio.lowlevel.cancel_shielded_checkpoint()
        while not self._waiting:
            await self._receivers.park()
        message = self._waiting.popleft()
        self._retained -= message.retained
        return message
