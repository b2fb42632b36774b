"""The archive of a site that could not open it: whoever asks is told so, and is not told that there is nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import trio

from rta.errors import ArchiveError
from rta.ports import (
    ArchivedSession,
    ArchiveLimits,
    Batch,
    ChannelOverview,
    ChannelRanges,
    ChunkReader,
    DataRange,
    FlushPoint,
    Portion,
    Position,
    UpkeepReport,
)
from rta.session_query import Property, SessionQuery

__all__ = ["UnopenedArchive"]


class UnopenedArchive:
    """See `rta.ports.Archive`: every call raises."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def _refuse(self) -> NoReturn:
        await trio.lowlevel.checkpoint()
        raise ArchiveError(self._why)

    async def flush_points(self) -> Mapping[str, Position]:
        await self._refuse()

    async def append(self, portion: Portion) -> None:
        await self._refuse()

    async def describe(self, identity: str, json: str) -> None:
        await self._refuse()

    async def publish(self, identifier: str, text: str) -> None:
        await self._refuse()

    async def upkeep(self, now: int, keep: ArchiveLimits) -> UpkeepReport:
        await self._refuse()

    async def find(self, identity: str) -> ArchivedSession | None:
        await self._refuse()

    async def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        await self._refuse()

    async def properties(self, folder: str | None) -> Sequence[Property]:
        await self._refuse()

    async def configuration(self, identifier: str) -> str | None:
        await self._refuse()

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[ChunkReader]:
        yield await self._refuse()

    async def read_entries(self, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
        await self._refuse()

    async def overview(
        self, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
    ) -> Sequence[ChannelOverview]:
        await self._refuse()

    async def delete(self, identity: str) -> bool:
        await self._refuse()
