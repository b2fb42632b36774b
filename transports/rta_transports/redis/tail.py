"""What has been read of one stream and waits for its follower.

A tail holds a bounded number of bytes; while it is full its stream is left out of the XREAD, and the position is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import trio
from attrs import frozen

from rta.errors import TransportError
from rta.ports import Batch, Entry, Position
from rta.wakeup import Wakeup
from rta_transports.redis.entries import DeferredEntry
from rta_transports.redis.keys import Keys

__all__ = ["TAIL_BYTES", "ReadEntries", "RedisTail"]

TAIL_BYTES = 4 << 20
"""Packed bytes a tail holds before its stream is left out."""

CompleteEntry = Callable[[str, Entry | DeferredEntry], Awaitable[Entry | None]]
"""`EntryReader.complete`."""


@frozen(slots=True)
class ReadEntries:
    """What an XREAD has brought of one stream."""

    entries: Sequence[Entry | DeferredEntry]
    position: Position
    lost: bool = False


class RedisTail:
    """Follows one stream."""

    def __init__(self, stream: str, after: Position, complete: CompleteEntry) -> None:
        self.stream = stream
        self.key = Keys.stream(stream)
        self.position = after
        """Up to where entries have been read from Redis."""
        self.count: int | None = None
        """At least so many entries had been added up to there."""
        self.watched = False
        """An XREAD has been waiting, or about to, since the stream's edges were last read."""
        self.reading = trio.Event()
        self._complete = complete
        self._reads: list[ReadEntries] = []
        self._deferred = False
        """Whether there is an entry among them that has to be completed."""
        self._rest: deque[Entry | DeferredEntry] = deque()
        """What has been handed over but for such entries, and what follows them."""
        self._rest_upto, self._rest_lost = after, False
        self._bytes = 0
        self._failure: TransportError | None = None
        self._changed = Wakeup()
        self._taken: trio.Event | None = None
        self.on_room: Callable[[], None] = lambda: None
        """Called when there is room again."""

    @property
    def has_room(self) -> bool:
        return self._bytes < TAIL_BYTES and self._failure is None

    def put(self, read: ReadEntries, size: int) -> None:
        self._reads.append(read)
        self._bytes += size
        self._deferred = self._deferred or any(isinstance(entry, DeferredEntry) for entry in read.entries)
        self._changed.set()

    def fail(self, error: TransportError) -> None:
        self.watched = False
        self._failure = error
        self._changed.set()
        self.reading.set()

    async def next(self) -> Batch:
        if self._rest:
            return await self._next_of_rest()
        if self._reads:
            await trio.lowlevel.checkpoint()
        while not self._reads:
            self.check()
            taken = self._taken = trio.Event()
            try:
                await self._changed.wait()
            finally:
                self._taken = None
                taken.set()
        had_room = self.has_room
        reads, self._reads, self._bytes = self._reads, [], 0
        deferred, self._deferred = self._deferred, False
        self._changed.clear()  # else the next call would wake for what this one has taken
        if not had_room:
            self.on_room()
        position, lost = reads[-1].position, any(read.lost for read in reads)
        if deferred:
            self._rest_upto, self._rest_lost = position, lost
            self._rest.extend(entry for read in reads for entry in read.entries)
            return await self._next_of_rest()
        return Batch([e for read in reads for e in read.entries if isinstance(e, Entry)], position, lost)

    async def _next_of_rest(self) -> Batch:
        """What comes before the first entry that has to be completed; if nothing does, that entry. Once more, if it is
        cancelled."""
        rest = self._rest
        whole: list[Entry] = []
        if isinstance(rest[0], Entry):
            await trio.lowlevel.checkpoint()
            position = rest[0].position
            while rest and isinstance(entry := rest[0], Entry):
                whole.append(entry)
                rest.popleft()
                position = entry.position
        else:
            found = await self._complete(self.stream, rest[0])
            position = rest.popleft().position
            if found is not None:
                whole.append(found)
        lost, self._rest_lost = self._rest_lost, False
        return Batch(whole, position if rest else self._rest_upto, lost)

    async def taken(self) -> None:
        """Let a follower that waits in `next` have what was put: its sends go before ours. Others are not waited for,
        so this takes no longer than the follower's step."""
        if self._taken is not None and self._reads:  # else it has taken all, and waits again
            await self._taken.wait()

    def check(self) -> None:
        """:raises TransportError: reading has failed since this was last asked; asking makes it go on."""
        failure, self._failure = self._failure, None
        if failure is not None:
            self.on_room()
            raise failure
