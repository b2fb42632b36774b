"""Where an export gets a session from: an archive, or a service over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from rta.ports.archive import Archive, ArchivedSession, ChunkReader, DataRange, FlushPoint
from rta.wire.chunks import Chunk, ChunkParser, DataKind
from rta.wire.configuration import Configuration, read_configuration
from rta.wire.session_json import SessionModel, TimeRangeModel, read_session

__all__ = ["ArchivedData", "ExportReader", "ExportSource", "read_archived"]


class ExportReader(Protocol):
    """As `ChunkReader`, but chunk by chunk."""

    flush_point: FlushPoint | None
    damaged: int

    async def next(self) -> Sequence[Chunk]:
        """The next ones; empty: there are no more.

        :raises RtaError: they cannot be read.
        """
        ...


class ExportSource(Protocol):
    """What an export reads."""

    async def session(self, identity: str) -> SessionModel | None:
        """The session of this identity."""
        ...

    async def configuration(self, identifier: str) -> Configuration | None:
        """A configuration document."""
        ...

    def read(self, identity: str, wanted: DataRange) -> AbstractAsyncContextManager[ExportReader]:
        """As `Archive.read`."""
        ...


def read_archived(session: ArchivedSession) -> SessionModel:
    """A recorded session with the time range of its data.

    :raises MalformedError: kind `json`.
    """
    model = read_session(session.json)
    if session.span is not None:
        model.time_range = TimeRangeModel(session.span.start, session.span.end)
    return model


class ArchivedData:
    """The sessions of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def session(self, identity: str) -> SessionModel | None:
        found = await self._archive.find(identity)
        return None if found is None else read_archived(found)

    async def configuration(self, identifier: str) -> Configuration | None:
        text = await self._archive.configuration(identifier)
        return None if text is None else read_configuration(text)

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[ExportReader]:
        async with self._archive.read(identity, wanted) as reader:
            yield _ArchivedChunks(reader, wanted.kind)


class _ArchivedChunks:
    def __init__(self, reader: ChunkReader, kind: DataKind) -> None:
        self.flush_point = reader.flush_point
        self.damaged = 0
        self._reader = reader
        self._parser = ChunkParser(kind)

    async def next(self) -> Sequence[Chunk]:
        chunks = self._parser.feed(await self._reader.next())
        self.damaged = self._reader.damaged
        return chunks
