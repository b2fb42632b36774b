"""The way out of history messages: what several fetches have to send, over the one topic bus that live messages take.

Owns what has been handed to the bus and is not acknowledged: a few messages of each answer, and of all of them together
no more than their pace allows. Answers take turns, message by message. What a lost connection leaves unacknowledged
is sent again, in its order, after the next one is made. An answer of which nothing has been acknowledged for minutes
is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import trio
from attrs import define

from rta.errors import NotConnectedError, QueueFullError, TransportError, UndeliverableError
from rta.history.pace import Pace
from rta.latest import Latest
from rta.ports import TopicBus
from rta.wakeup import Wakeup

__all__ = ["HistorySender", "AnswerSender"]

_WINDOW = 4  # messages of an answer
_PATIENCE = 300.0  # seconds without an acknowledgement
_RETRY = 0.05  # seconds until a bus that had no room is tried again


@define(eq=False)
class _Message:
    topic: str
    payload: bytes
    correlation: bytes | None
    tries: int = 0
    on_way: bool = False
    sent_at: float = 0.0


class HistorySender:
    """The way out of one node."""

    def __init__(self, bus: TopicBus, link: Latest[int]) -> None:
        """`link`: the number of the connection; 0: there is none."""
        self.pace = Pace()
        self._bus = bus
        self._link = link
        self._connection = link.value
        """The one on which what is on its way was sent."""
        self._on_way = 0  # bytes
        self._turns: deque[AnswerSender] = deque()
        self._wakeup = Wakeup()

    async def run(self) -> None:
        """Send what there is to send, whenever there may be room for it; until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            while True:
                await self._wakeup.wait()
                if not self._send_all():
                    await trio.sleep(_RETRY)
                    self._wakeup.set()

    async def _follow(self) -> None:
        """On another connection nothing is on its way any more."""
        number = self._connection
        while True:
            number = await self._link.another(number)
            if number:
                self._connection = number
                self._on_way = 0
                self.pace = Pace()
                for sender in self._turns:
                    sender.again()
                self._wakeup.set()

    @contextmanager
    def sender(self, window: int = _WINDOW) -> Iterator[AnswerSender]:
        """The way out of one answer, of which at most `window` messages are on their way or about to be."""
        sender = AnswerSender(self._wakeup.set, window)
        self._turns.append(sender)
        try:
            yield sender
        finally:
            self._turns.remove(sender)

    def _send_all(self) -> bool:
        """As far as it goes; whether the bus took it."""
        idle = 0
        while self._connection and self._link.value == self._connection and idle < len(self._turns):
            sender = self._turns[0]
            message = sender.next()
            idle = idle + 1 if message is None else 0
            if message is not None:
                if self._on_way and self._on_way + len(message.payload) > self.pace.allowed:
                    return True  # an acknowledgement wakes us
                if not self._send(sender, message):
                    return False
            self._turns.rotate(-1)
        return True

    def _send(self, sender: AnswerSender, message: _Message) -> bool:
        message.tries += 1
        done = partial(self._settled, sender, message, message.tries, self._connection)
        try:
            self._bus.send(message.topic, message.payload, qos=1, correlation=message.correlation, done=done)
        except UndeliverableError as e:
            sender.refused(e)
        except (NotConnectedError, QueueFullError):
            return False
        else:
            message.on_way = True
            message.sent_at = trio.current_time()
            self._on_way += len(message.payload)
        return True

    def _settled(
        self, sender: AnswerSender, message: _Message, tries: int, connection: int, error: TransportError | None
    ) -> None:
        now = trio.current_time()
        if connection == self._connection:
            self._on_way -= len(message.payload)
            if error is None:
                self.pace.acknowledged(len(message.payload), now - message.sent_at)
        if tries == message.tries:
            if error is None:
                sender.acknowledged(message, now)
            elif isinstance(error, UndeliverableError):
                sender.refused(error)
            else:
                message.on_way = False
        self._wakeup.set()


class AnswerSender:
    """The way out of one answer. What it is given arrives in that order."""

    def __init__(self, wake: Callable[[], None], window: int) -> None:
        self._wake = wake
        self._window = window
        self._messages: deque[_Message] = deque()
        self._progress = trio.current_time()
        self._moved = Wakeup()
        self._refused: UndeliverableError | None = None

    async def send(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        """Returns when there is room for another.

        :raises UndeliverableError: the bus does not take such messages.
        :raises NotConnectedError: nothing has been acknowledged for too long.
        """
        if not self._messages:
            self._progress = trio.current_time()
        self._messages.append(_Message(topic, payload, correlation))
        self._wake()
        await self._until(self._window - 1)

    async def finish(self) -> None:
        """Wait until everything is acknowledged.

        :raises TransportError: as `send`.
        """
        await self._until(0)

    async def _until(self, left: int) -> None:
        await trio.lowlevel.checkpoint()
        while self._refused is not None or len(self._messages) > left:
            if self._refused is not None:
                raise self._refused
            patience = self._progress + _PATIENCE
            if trio.current_time() >= patience:
                raise NotConnectedError(f"nothing was acknowledged within {_PATIENCE:g} s")
            with trio.move_on_at(patience):
                await self._moved.wait()

    # ---- for the line

    def next(self) -> _Message | None:
        """The first that is not on its way."""
        if self._refused is not None:
            return None
        return next((m for m in self._messages if not m.on_way), None)

    def again(self) -> None:
        """Nothing is on its way any more."""
        for message in self._messages:
            message.on_way = False

    def acknowledged(self, message: _Message, now: float) -> None:
        """It has arrived."""
        if message in self._messages:
            self._messages.remove(message)
            self._progress = now
            self._moved.set()

    def refused(self, error: UndeliverableError) -> None:
        """It never will."""
        self._refused = error
        self._moved.set()
