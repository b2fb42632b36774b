"""The archive on disk as the port has it: what is asked of it is done by a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import trio

from rta.background import in_background
from rta.errors import ArchiveError
from rta.large_json import read_large
from rta.ports import (
    ArchivedSession,
    ArchiveLimits,
    Batch,
    ChannelOverview,
    ChannelRanges,
    ChunkReader,
    Context,
    DataRange,
    FlushPoint,
    Portion,
    Position,
    UpkeepReport,
)
from rta.session_query import Property, SessionQuery
from rta.store.calls import WithBytes
from rta.store.lasting import LastingStore, OpenWorker
from rta.store.worker import in_a_process
from rta.wakeup import Wakeup
from rta_transports.sqlite import calls
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.entries import read_entries
from rta_transports.sqlite.kind import ARCHIVE
from rta_transports.sqlite.options import SqliteArchiveOptions, folder_of
from rta_transports.sqlite.overview import read_overview
from rta_transports.sqlite.reading import BegunReading, ChunkBatch, begin_reading, end_reading, next_chunks
from rta_transports.sqlite.types import channel_types
from rta_transports.sqlite.upkeep import upkeep

__all__ = ["SqliteArchive", "open_archive"]

_FIRST = 2 << 20  # bytes of the first batch: a channel of an hour comes with one call
_LATER = 1 << 20  # of later ones: no more than the caches hold
_AHEAD = 3  # batches that have been asked for

T = TypeVar("T")
_Batch = WithBytes[ChunkBatch]


@asynccontextmanager
async def open_archive(options: SqliteArchiveOptions, context: Context) -> AsyncIterator[SqliteArchive]:
    """The archive, which is opened when it is used first. It may be out of reach: then its methods say so, and it is
    tried again by and by.

    :raises ArchiveError: nobody says where it is to be.
    """
    folder = folder_of(options, context)
    if folder is None:
        raise ArchiveError("the archive has no place: set archive.path or a state directory")
    archive = SqliteArchive(lambda path: in_a_process(ARCHIVE, path), context, folder)
    async with in_background(archive.run):
        try:
            yield archive
        finally:
            archive.close()


class SqliteArchive:
    """Use `open_archive`."""

    def __init__(self, open_worker: OpenWorker, context: Context, folder: Path) -> None:
        self._context = context
        self._why = "it is not open yet"
        self._numbers = count(1)
        self._store = LastingStore(
            ARCHIVE,
            folder,
            open_worker,
            begun=lambda beginning: None,
            works=lambda: None,
            lost=lambda: None,
            fails=self._fails,
            ended=lambda: context.report.count("rta_archive_restarts_total"),
        )

    def _fails(self, why: str) -> None:
        self._why = why

    async def run(self) -> None:
        """Until `close`."""
        await self._store.run()

    async def open(self) -> None:
        """Wait until it is, or has been tried."""
        await self._store.open()

    def close(self) -> None:
        """What was appended is in the files."""
        self._store.close()

    # ---- for the recorder

    async def flush_points(self) -> Mapping[str, Position]:
        return await self._read(calls.flush_points)

    async def append(self, portion: Portion) -> None:
        await self._write(calls.append, portion)

    async def describe(self, identity: str, json: str) -> None:
        await self._write(calls.describe, identity, json)

    async def publish(self, identifier: str, text: str) -> None:
        types = await read_large(channel_types, text)
        await self._write(calls.publish, Document(identifier, text, types))

    async def upkeep(self, now: int, keep: ArchiveLimits) -> UpkeepReport:
        return await self._write(upkeep, now, keep)

    async def delete(self, identity: str) -> bool:
        return await self._write(calls.delete, identity)

    # ---- for those who read

    async def find(self, identity: str) -> ArchivedSession | None:
        return await self._read(calls.find, identity)

    async def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        return await self._read(calls.select_sessions, query)

    async def properties(self, folder: str | None) -> Sequence[Property]:
        return await self._read(calls.properties, folder)

    async def configuration(self, identifier: str) -> str | None:
        return await self._read(calls.read_document, identifier)

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[ChunkReader]:
        cursor = next(self._numbers)
        try:
            begun = await self._read(begin_reading, cursor, identity, wanted, _FIRST, cursor=cursor)
            reader = _Reader(*begun)
            if begun.value.batch.is_last:
                yield reader
                return
            async with in_background(partial(reader.run, partial(self._next, cursor))):
                yield reader
        finally:
            self._store.tell(cursor, end_reading, cursor)

    async def _next(self, cursor: int, size: int) -> _Batch:
        return await self._read(next_chunks, cursor, size, cursor=cursor)

    async def read_entries(self, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
        return await self._read(read_entries, after, upto, max_bytes)

    async def overview(
        self, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
    ) -> Sequence[ChannelOverview]:
        return await self._read(read_overview, identity, channels, start, end, points)

    # ----

    async def _read(self, work: Callable[..., T], *arguments: object, cursor: int | None = None) -> T:
        await self._opened()
        return await self._store.read(work, *arguments, cursor=cursor)

    async def _write(self, work: Callable[..., T], *arguments: object) -> T:
        await self._opened()
        return await self._store.write(work, *arguments)

    async def _opened(self) -> None:
        """:raises ArchiveError: it cannot be used for now."""
        if not self._store.usable:
            if self._store.opening or trio.current_time() >= self._store.try_again_at:
                await self._store.open()
            if not self._store.usable:
                raise ArchiveError(self._why)


class _Reader:
    """Reads ahead: while one batch is used the next one is under way, and the process makes the one behind it."""

    def __init__(self, begun: BegunReading, data: Sequence[bytes | memoryview]) -> None:
        """`data`: of the first batch."""
        self.flush_point = begun.flush_point
        self.version = begun.version
        self.damaged = 0
        self._batch: _Batch | None = WithBytes(begun.batch, data)
        self._come: dict[int, _Batch] = {}
        """Batches by their numbers: calls may reach the process in another order than that of their replies."""
        self._error: ArchiveError | None = None
        self._more = Wakeup()
        self._send, self._receive = trio.open_memory_channel[_Batch | ArchiveError](0)
        if begun.batch.is_last:
            self._send.close()

    async def run(self, read: Callable[[int], Awaitable[_Batch]]) -> None:
        """Until there are no more, or it is cancelled."""
        number = 1
        with self._send:
            async with trio.open_nursery() as nursery:
                for _ in range(_AHEAD - 1):
                    nursery.start_soon(self._fetch, partial(read, _LATER))
                while True:
                    nursery.start_soon(self._fetch, partial(read, _LATER))
                    found = await self._wait_for(number)
                    await self._send.send(found)
                    if isinstance(found, ArchiveError) or found.value.is_last:
                        nursery.cancel_scope.cancel()
                        return
                    number += 1

    async def _fetch(self, read: Callable[[], Awaitable[_Batch]]) -> None:
        try:
            found = await read()
            self._come[found.value.number] = found
        except ArchiveError as e:
            self._error = self._error or e
        self._more.set()

    async def _wait_for(self, number: int) -> _Batch | ArchiveError:
        while number not in self._come:
            if self._error is not None:
                return self._error
            await self._more.wait()
        return self._come.pop(number)

    async def next(self) -> bytes | memoryview:
        await trio.lowlevel.checkpoint()
        found: _Batch | ArchiveError | None
        found, self._batch = self._batch, None
        while True:
            if found is None:
                try:
                    found = await self._receive.receive()
                except trio.EndOfChannel:
                    return b""
            if isinstance(found, ArchiveError):
                raise found
            self.damaged = found.value.damaged
            if found.data:
                return found.data[0]
            found = None
