"""Answers to our requests, told apart by their correlation data.

An answer that nobody waits for (late, foreign, made up) is left out and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from rta.errors import NotConnectedError, QueueFullError
from rta.ports import Link, Reporter, TopicMessage
from rta.wakeup import Wakeup

__all__ = ["Answers", "Expected"]

_AT_ONCE = 256  # requests without an answer
_WAITING = 32 << 20  # bytes of answers to one request that wait to be received
_MESSAGE = 64  # bytes that each message takes besides its payload
_TOKEN = 16  # bytes of correlation data


class Expected:
    """The answers to one request, in the order in which they came."""

    def __init__(self, topic: str, correlation: bytes, link: Link) -> None:
        self.topic = topic
        self.correlation = correlation
        self.link = link
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._error: NotConnectedError | QueueFullError | None = None
        self._came = Wakeup()

    async def receive(self) -> bytes:
        """Wait for the next one.

        :raises NotConnectedError: nothing more can come.
        :raises QueueFullError: some of it was left out, for want of room.
        """
        await trio.lowlevel.checkpoint()
        while not self._waiting and self._error is None:
            await self._came.wait()
        if self._error is not None:
            raise self._error
        payload = self._waiting.popleft()
        self._bytes -= len(payload) + _MESSAGE
        return payload

    def put(self, payload: bytes) -> None:
        self._waiting.append(payload)
        self._bytes += len(payload) + _MESSAGE
        self._came.set()
        if self._bytes > _WAITING:
            self.fail(QueueFullError(f"too slow: more than {_WAITING >> 20} MiB of the answer were waiting to be read"))

    def fail(self, error: NotConnectedError | QueueFullError) -> None:
        """Nothing more will come. The first reason counts."""
        if self._error is None:
            self._error = error
            self._waiting.clear()
            self._bytes = 0
            self._came.set()


class Answers:
    """All answers that are expected."""

    def __init__(self, chance: Callable[[int], bytes], report: Reporter) -> None:
        """`chance`: so many random bytes."""
        self._chance = chance
        self._report = report
        self._expected: dict[bytes, Expected] = {}

    @contextmanager
    def expect(self, topic: str, link: Link) -> Iterator[Expected]:
        """The answers to a request that is sent inside the block, with `topic` and the correlation data of `Expected`.

        :raises QueueFullError: too many are expected at once.
        """
        if len(self._expected) >= _AT_ONCE:
            raise QueueFullError(f"{_AT_ONCE} requests are waiting for their answers already")
        expected = Expected(topic, self._chance(_TOKEN), link)
        self._expected[expected.correlation] = expected
        try:
            yield expected
        finally:
            del self._expected[expected.correlation]

    def handle(self, message: TopicMessage) -> None:
        """A message that has come on one of our topics."""
        expected = self._expected.get(message.correlation or b"")
        if expected is None or message.retained or expected.topic != message.topic:
            self._report.count("rta_consumer_left_out_total", reason="answer")
        else:
            expected.put(message.payload)

    def lost(self, link: Link, why: str | None) -> None:
        """A connection is lost: requests sent over it may never be answered. `why`, if it is known."""
        what = "the connection was lost while waiting for the answer" + (f" ({why})" if why else "")
        for expected in self._expected.values():
            if expected.link is link:
                expected.fail(NotConnectedError(what))

    def dropped(self) -> None:
        """Some answers were lost on our side; nobody knows to which requests, so all of them fail."""
        for expected in self._expected.values():
            expected.fail(QueueFullError("too slow: answers came faster than they were received"))
