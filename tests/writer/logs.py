"""A log for the tests of the writer, which fails as it is told, and what has got into it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from itertools import count, repeat

import trio

from rta.errors import NotConnectedError
from rta.ports import START, Position, SessionRecord
from rta.wire import Burst, decode_timestamped

__all__ = ["FlakyLog", "Reply", "samples_of", "state_of"]


class Reply(Enum):
    """What becomes of a call."""

    DONE = auto()
    LOST = auto()
    """Not done, and an error."""
    UNANSWERED = auto()
    """Done, and an error nevertheless: the answer got lost."""
    NEVER = auto()
    """Not done, and no answer."""


class FlakyLog:
    """As the port has it, the same burst again is not done again; another one instead would be a fault."""

    shared = True

    def __init__(self, replies: Iterable[Reply] = (), otherwise: Reply = Reply.DONE) -> None:
        self.replies: Iterator[Reply] = iter(replies)
        self.otherwise = otherwise
        self.bursts: dict[str, list[Burst]] = defaultdict(list)
        self.times: list[float] = []
        """When each burst was appended."""
        self.documents: dict[str, str] = {}
        self.tries = 0
        self._unanswered: dict[int, Burst] = {}
        self._numbers = count(1)

    async def _reply(self, do: Callable[[], None]) -> None:
        await trio.lowlevel.checkpoint()
        self.tries += 1
        reply = next(self.replies, self.otherwise)
        if reply is Reply.NEVER:
            await trio.sleep_forever()
        if reply is not Reply.LOST:
            do()
        if reply is not Reply.DONE:
            raise NotConnectedError("the log is away")

    async def open_session(self, identity: str, stream: str) -> SessionRecord:
        await self._reply(lambda: None)
        return SessionRecord(identity, stream, next(self._numbers), START, 0)

    async def append(self, session: SessionRecord, burst: Burst) -> Position:
        before = self._unanswered.get(session.stream_session_id)
        assert before is None or before is burst, "another burst, while one was not answered"
        self._unanswered[session.stream_session_id] = burst

        def do() -> None:
            if not any(burst is b for b in self.bursts[session.identity]):
                self.bursts[session.identity].append(burst)
                self.times.append(trio.current_time())

        await self._reply(do)
        del self._unanswered[session.stream_session_id]
        return START

    async def publish(self, identifier: str, text: str) -> None:
        await self._reply(lambda: self.documents.update({identifier: text}))

    async def now(self) -> int:
        await self._reply(lambda: None)
        return 0

    def always(self, reply: Reply) -> None:
        """From now on."""
        self.replies = repeat(reply)


def samples_of(bursts: Iterable[Burst]) -> list[tuple[int, float]]:
    """Timestamps and values of all timestamped data, in order."""
    samples: list[tuple[int, float]] = []
    for burst in bursts:
        for item in burst.message().data:
            if item.WhichOneof("data") == "timestamped_data":
                times, values = decode_timestamped(item.timestamped_data)
                samples += zip(times.tolist(), values.tolist(), strict=True)
    return samples


def state_of(burst: Burst) -> str:
    """The state that the session JSON in it says."""
    return str(json.loads(burst.session_json[-1])["state"])
