"""Where an export gets a session from: an archive, or a service over REST."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from rta.ports.archive import Archive, ArchivedSession, ChunkReader, DataRange
from rta.wire.configuration import Configuration, read_configuration
from rta.wire.session_json import SessionModel, TimeRangeModel, read_session

__all__ = ["ArchivedData", "ExportSource", "read_archived"]


class ExportSource(Protocol):
    """What an export reads."""

    async def session(self, identity: str) -> SessionModel | None:
        """The session of this identity."""
        ...

    async def configuration(self, identifier: str) -> Configuration | None:
        """A configuration document."""
        ...

    def read(self, identity: str, wanted: DataRange) -> AbstractAsyncContextManager[ChunkReader]:
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
        self.read = archive.read

    async def session(self, identity: str) -> SessionModel | None:
        found = await self._archive.find(identity)
        return None if found is None else read_archived(found)

    async def configuration(self, identifier: str) -> Configuration | None:
        text = await self._archive.configuration(identifier)
        return None if text is None else read_configuration(text)
