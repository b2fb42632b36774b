"""How actors talk: what one receives, and where the answer to a request goes."""

from __future__ import annotations

from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import trio

from rta.errors import RtaError

__all__ = ["Inbox", "Mailbox", "Outlet", "Reply"]

M = TypeVar("M")
T = TypeVar("T")
C = TypeVar("C", contravariant=True)

_TURN = 1000  # messages that are handled together at most


class Outlet(Protocol[C]):
    """An inbox as those see it who send to it, perhaps only some of its messages."""

    async def send(self, message: C, /) -> None:
        """Wait until there is room for it."""
        ...


class Mailbox(Protocol[C]):
    """An inbox as those see it who must not wait."""

    def post(self, message: C, /) -> None:
        """Whoever posts says why what it posts is bounded."""
        ...


class Inbox(Generic[M]):
    """What one actor receives: a bounded memory channel for senders that may wait, and beside it a mailbox for senders
    that must not.

    `send` waits while the channel is full: so an actor that is slow slows down who feeds it. `post` never waits. It is
    for what goes against the stream (acknowledgements, what is owed) and for callbacks: if that could wait, two actors
    could wait for each other. Equal messages in the mailbox are one. Whoever posts says why what it posts is bounded.

    The owner of the inbox is woken for the mailbox by a token in the channel. Where the channel is full there is no
    room for the token, and no need: then the owner has something to receive, and finds the mailbox as well.
    """

    def __init__(self, bound: int) -> None:
        """`bound`: messages in the channel."""
        self._sending, self._receiving = trio.open_memory_channel[M | None](bound)
        self._posted: dict[M, None] = {}
        self._closed = False

    async def send(self, message: M) -> None:
        """Wait until there is room for it.

        :raises trio.BrokenResourceError: the owner has ended.
        """
        await self._sending.send(message)

    def post(self, message: M) -> None:
        """Put it into the mailbox. After the end of the owner nothing happens."""
        if self._closed:
            return
        if not self._posted:
            with suppress(trio.WouldBlock):
                self._sending.send_nowait(None)
        self._posted[message] = None

    @property
    def posted(self) -> int:
        """How many messages are in the mailbox."""
        return len(self._posted)

    async def receive(self) -> list[M]:
        """Everything there is, what was posted first; waits for something. A cancelled call loses nothing."""
        token: M | None = None
        if self._posted:
            await trio.lowlevel.checkpoint()
        else:
            token = await self._receiving.receive()
        messages = list(self._posted)
        self._posted.clear()
        if token is not None:
            messages.append(token)
        with suppress(trio.WouldBlock):
            while len(messages) < _TURN:
                message = self._receiving.receive_nowait()
                if message is not None:
                    messages.append(message)
        return messages

    def close(self) -> list[M]:
        """The owner ends: whoever sends is told. What nobody has received."""
        self._closed = True
        left = list(self._posted)
        self._posted.clear()
        with suppress(trio.WouldBlock):
            while True:
                message = self._receiving.receive_nowait()
                if message is not None:
                    left.append(message)
        self._receiving.close()
        return left


class Reply(Generic[T]):
    """Where the answer to one request goes, once."""

    __slots__ = ("_error", "_there", "_value")

    def __init__(self) -> None:
        self._there = trio.Event()
        self._value: T
        self._error: RtaError | None = None

    def give(self, value: T) -> None:
        """The answer."""
        self._value = value
        self._there.set()

    def refuse(self, error: RtaError) -> None:
        """There is none, and this is why."""
        self._error = error
        self._there.set()

    async def wait(self) -> T:
        """The answer, when it is there.

        :raises RtaError: as it was refused.
        """
        await self._there.wait()
        if self._error is not None:
            raise self._error
        return self._value
