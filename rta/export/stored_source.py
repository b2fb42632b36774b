"""Exports from an archive on disk, whether or not a service has it open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from itertools import islice

import trio

from rta.errors import RtaError
from rta.export.source import ExportReader, read_archived
from rta.ports import DataRange, FlushPoint, StoredArchive
from rta.wire.chunks import Chunk
from rta.wire.configuration import Configuration, read_configuration
from rta.wire.session_json import SessionModel

__all__ = ["StoredData"]

_AT_ONCE = 64  # chunks of 64 KiB, about


class StoredData:
    """The sessions of an archive on disk."""

    def __init__(self, archive: StoredArchive) -> None:
        self._archive = archive

    async def session(self, identity: str) -> SessionModel | None:
        """:raises RtaError: a service is recording it, so that its files are not all there is."""
        found = await trio.to_thread.run_sync(self._archive.find, identity)
        if found is not None and not found.sealed and await trio.to_thread.run_sync(lambda: self._archive.in_use):
            raise RtaError(f"session {identity} is not in its file yet: export it from the service, with --url")
        return None if found is None else read_archived(found)

    async def configuration(self, identifier: str) -> Configuration | None:
        text = await trio.to_thread.run_sync(self._archive.configuration, identifier)
        return None if text is None else read_configuration(text)

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[ExportReader]:
        chunks = self._archive.chunks(identity, wanted)
        try:
            yield _StoredChunks(chunks)
        finally:
            chunks.close()


class _StoredChunks:
    def __init__(self, chunks: Generator[Chunk | None]) -> None:
        self.flush_point: FlushPoint | None = None
        self.damaged = 0
        self._chunks = chunks

    async def next(self) -> Sequence[Chunk]:
        while True:
            found = await trio.to_thread.run_sync(lambda: list(islice(self._chunks, _AT_ONCE)))
            whole = [chunk for chunk in found if chunk is not None]
            self.damaged += len(found) - len(whole)
            if whole or not found:
                return whole
