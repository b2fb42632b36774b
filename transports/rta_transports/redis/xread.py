"""Following streams: one blocking XREAD for all streams of a server that somebody needs.

A dedicated connection has one XREAD over its streams; the entries of each go to its `RedisTail`. When another stream
joins while the XREAD waits, it is unblocked. In a Cluster a command cannot span slots, so each stream has a connection
of its own; elsewhere a second connection is opened only for a second follower of the same stream.

A tail holds a bounded number of bytes; while it is full its stream is left out of the XREAD, and the position is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf

import trio
from attrs import frozen

from rta.errors import NotConnectedError, RtaError, TransportError, UnreadableError, first_error
from rta.ports import Batch, Entry, Position
from rta.wakeup import Wakeup
from rta_transports.redis.connection import RedisConnection, Reply, ServerError, answer_within
from rta_transports.redis.entries import DeferredEntry, EntryReader, RawEntry, position_of
from rta_transports.redis.keys import Keys
from rta_transports.redis.losses import Anchors, Edges, was_lost
from rta_transports.redis.scripts import EDGES
from rta_transports.redis.server import Server, good

__all__ = ["ReadEntries", "RedisTail", "XReadMultiplexer"]

_BLOCK_MS = 1000
_ENTRIES = 200  # asked for by one XREAD, over all its streams
_QUEUED = 4 << 20  # packed bytes a tail holds before its stream is left out
_UNWATCHED = 0.02  # seconds without an XREAD after which trimming is taken to be able to overtake
_UNBLOCK_AGAIN = 0.005
_RECONNECT = 0.05
_LONG = 0.01  # seconds for the entries of one stream, after which others have a turn before the next stream

CompleteEntry = Callable[[str, Entry | DeferredEntry], Awaitable[Entry | None]]
"""`EntryReader.complete`."""


@frozen(slots=True)
class ReadEntries:
    """What an XREAD has brought of one stream."""

    entries: Sequence[Entry | DeferredEntry]
    position: Position
    lost: bool = False


class RedisTail:
    """Follows one stream: what has been read of it and waits for its follower."""

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
        return self._bytes < _QUEUED and self._failure is None

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


class _XReadConnection:
    """One connection and the tails that it reads for. `XReadMultiplexer` makes it, runs it, and ends it."""

    def __init__(self, server: Server, anchors: Anchors, entries: EntryReader) -> None:
        self._server = server
        self._anchors = anchors
        self._entries = entries
        self.tails: dict[bytes, RedisTail] = {}
        self.scope = trio.CancelScope()
        self._conversation = trio.CancelScope()
        self._room = Wakeup()
        self._interrupt = Wakeup()
        self._reads = 0
        self._waiting = 0
        """The number of the XREAD that is being waited for; 0: none."""
        self._replied_at = -inf
        self._largest = 1
        """Bytes of an entry, of the stream with the largest, when there were entries last."""

    def add(self, tail: RedisTail) -> None:
        self.tails[tail.key] = tail
        tail.on_room = self.go_on
        self.go_on()

    def remove(self, tail: RedisTail) -> None:
        del self.tails[tail.key]

    def go_on(self) -> None:
        """Other streams are to be read from now on."""
        self._room.set()
        self._interrupt.set()

    def reconnect(self) -> None:
        """The streams may have moved to another server."""
        self._conversation.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        with self.scope:
            while True:
                began = trio.current_time()
                try:
                    await self._converse()
                except TransportError as e:
                    self._server.lost_track()
                    for tail in self.tails.values():
                        tail.fail(e)
                    await trio.sleep_until(began + _RECONNECT)
                for tail in self.tails.values():
                    tail.watched = False
                # Who follows decides when to try again: by asking for the next batch, or by following anew.
                while not any(t.has_room for t in self.tails.values()):
                    await self._room.wait()

    async def _converse(self) -> None:
        """Read over one connection until it fails, or the streams may have moved."""
        failure: RtaError | None = None
        with trio.CancelScope() as self._conversation:
            connection = await self._server.dedicated(self._any_key)
            try:
                with answer_within(self._server.timeout, connection.where):
                    client_id = await self._identify(connection)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._unblock, client_id)
                    await self._read(connection)
            except* TransportError as group:
                failure = first_error(group)
            finally:
                connection.close()
        if failure is not None:
            raise failure

    @staticmethod
    async def _identify(connection: RedisConnection) -> int:
        (client_id,) = good(await connection.ask(("CLIENT", "ID")))
        return int(client_id)

    @property
    def _any_key(self) -> bytes | None:
        return next(iter(self.tails), None)

    async def _read(self, connection: RedisConnection) -> None:
        limit = _BLOCK_MS / 1000 + self._server.timeout
        with trio.CancelScope() as patience:  # one for all reads: a burst pays for every scope on its way
            while True:
                now = trio.current_time()
                wanted = [t for t in self.tails.values() if t.has_room]
                for tail in self.tails.values():
                    if not tail.has_room or now - self._replied_at > _UNWATCHED:
                        tail.watched = False
                if wanted:
                    if not now + limit <= patience.deadline < inf:  # to move it takes time, too
                        patience.deadline = now + 1.5 * limit
                    await self._read_once(connection, wanted)
                else:
                    patience.deadline = inf
                    await self._room.wait()
        raise NotConnectedError(f"{connection.where}: no answer within {limit:g} s")

    async def _read_once(self, connection: RedisConnection, wanted: list[RedisTail]) -> None:
        unsure = [t for t in wanted if not t.watched]
        count = max(1, min(100, _ENTRIES // len(wanted), _QUEUED // self._largest))
        read = ("XREAD", "COUNT", count, "BLOCK", _BLOCK_MS, "STREAMS",
                *[t.key for t in wanted], *[str(t.position) for t in wanted])  # fmt: skip
        self._reads += 1
        missed: set[bytes] = set()
        try:
            # Sent together they are carried out together: the edges are those of the moment when the XREAD begins.
            await connection.send(*[("EVAL", EDGES, 1, t.key) for t in unsure], read)
            for unwatched in unsure:
                if self._has_missed(unwatched, await connection.reply()):
                    missed.add(unwatched.key)
            self._waiting = self._reads
            reply = await connection.reply()
        finally:
            self._waiting = 0
            self._replied_at = trio.current_time()
        if isinstance(reply, ServerError) and reply.code == "WRONGTYPE":
            await self._find_wrong_types(connection, wanted)
            return
        keeps_up = []
        self._largest = 1
        for key, entries in good(reply) or ():
            tail = self.tails.get(key)
            if tail is not None and tail in wanted:
                began = trio.current_time()
                self._deliver(tail, entries, key in missed)
                if len(entries) >= count:
                    tail.watched = False  # far behind: trimming may be faster
                else:
                    keeps_up.append(tail)
                if trio.current_time() - began > _LONG:
                    await trio.lowlevel.checkpoint()
        # Asking Redis for more takes as long as several sends: who keeps up gets what there is first. Who is behind
        # has Redis make the next reply meanwhile.
        for tail in keeps_up:
            await tail.taken()

    def _has_missed(self, tail: RedisTail, reply: Reply) -> bool:
        """Whether entries were trimmed before the tail has read them, by its stream's edges just before the XREAD."""
        if isinstance(reply, ServerError) and "WRONGTYPE" in str(reply):
            return False  # the XREAD will say so too
        edges = Edges.read(good(reply))
        known = [n for n in (tail.count, self._anchors.count(tail.stream, tail.position)) if n is not None]
        lost = was_lost(tail.position, edges, max(known, default=None))
        self._anchors.note(tail.stream, edges)
        if edges.last == tail.position:
            tail.count = edges.added
        tail.watched = True
        tail.reading.set()
        if lost and edges.first is None:
            tail.position, tail.count = edges.last, edges.added
            tail.put(ReadEntries([], tail.position, lost=True), 0)
            return False
        return lost

    def _deliver(self, tail: RedisTail, raw: Sequence[RawEntry], lost: bool) -> None:
        tail.position = position_of(raw[-1][0])
        if tail.count is not None:
            tail.count = None if lost else tail.count + len(raw)
        entries = self._entries.read(tail.stream, raw)
        size = sum(len(e.packed if isinstance(e, DeferredEntry) else e.burst.packed) for e in entries)
        self._largest = max(self._largest, size // len(raw))
        tail.put(ReadEntries(entries, tail.position, lost), size + 200 * len(raw))

    async def _find_wrong_types(self, connection: RedisConnection, wanted: list[RedisTail]) -> None:
        with answer_within(self._server.timeout, connection.where):
            kinds = good(await connection.ask(*[("TYPE", t.key) for t in wanted]))
        for tail, kind in zip(wanted, kinds, strict=True):
            if kind not in (b"stream", b"none"):
                tail.fail(UnreadableError(f"stream {tail.stream!r}: its key is a {kind.decode()}, not a stream"))

    async def _unblock(self, client_id: int) -> None:
        """End an XREAD that waits for the wrong streams."""
        while True:
            await self._interrupt.wait()
            read = self._reads
            while self._waiting == read:
                (reply,) = await self._server.ask(self._any_key, ("CLIENT", "UNBLOCK", client_id))
                if reply == 1 or isinstance(reply, ServerError):
                    break  # where it is not allowed, the XREAD soon ends by itself
                await trio.sleep(_UNBLOCK_AGAIN)


class XReadMultiplexer:
    """All connections on which a log follows streams. A connection lives while it has tails."""

    def __init__(self, server: Server, anchors: Anchors, entries: EntryReader) -> None:
        self._server = server
        self._entries = entries
        self._make: Callable[[], _XReadConnection] = lambda: _XReadConnection(server, anchors, entries)
        self._connections: list[_XReadConnection] = []
        self._nursery: trio.Nursery | None = None
        server.moved = self._reconnect

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    @asynccontextmanager
    async def follow(self, stream: str, after: Position) -> AsyncIterator[RedisTail]:
        """A tail that is being read for.

        :raises TransportError: the stream cannot be read.
        """
        tail = RedisTail(stream, after, self._entries.complete)
        connection = self._connection_for(tail)
        connection.add(tail)
        try:
            await tail.reading.wait()
            tail.check()
            yield tail
        finally:
            connection.remove(tail)
            if not connection.tails:
                self._connections.remove(connection)
                connection.scope.cancel()

    def _connection_for(self, tail: RedisTail) -> _XReadConnection:
        if not self._server.is_cluster:
            for connection in self._connections:
                if tail.key not in connection.tails:
                    return connection
        assert self._nursery is not None, "the log is not open"
        connection = self._make()
        self._connections.append(connection)
        self._nursery.start_soon(connection.run)
        return connection

    def _reconnect(self) -> None:
        for connection in self._connections:
            connection.reconnect()
