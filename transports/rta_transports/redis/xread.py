"""Following streams: one blocking XREAD for all streams of a server that somebody needs.

A dedicated connection has one XREAD over its streams; the entries of each go to its `RedisTail`. When another stream
joins while the XREAD waits, it is unblocked. In a Cluster a command cannot span slots, so each stream has a connection
of its own; elsewhere a second connection is opened only for a second follower of the same stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf

import trio

from rta.errors import NotConnectedError, RtaError, TransportError, UnreadableError, first_error
from rta.ports import Position
from rta.wakeup import Wakeup
from rta_transports.redis.connection import RedisConnection, Reply, ServerError, answer_within
from rta_transports.redis.entries import DeferredEntry, EntryReader, RawEntry, position_of
from rta_transports.redis.losses import Anchors, Edges, was_lost
from rta_transports.redis.scripts import EDGES
from rta_transports.redis.server import Server, good
from rta_transports.redis.tail import TAIL_BYTES, ReadEntries, RedisTail

__all__ = ["XReadMultiplexer"]

_BLOCK_MS = 1000
_ENTRIES = 200  # asked for by one XREAD, over all its streams
_UNWATCHED = 0.02  # seconds without an XREAD after which trimming is taken to be able to overtake
_UNBLOCK_AGAIN = 0.005
_RECONNECT = 0.05
_LONG = 0.01  # seconds for the entries of one stream, after which others have a turn before the next stream


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
        count = max(1, min(100, _ENTRIES // len(wanted), TAIL_BYTES // self._largest))
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
