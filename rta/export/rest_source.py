"""Exports from a service over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from rta.client import RestClient
from rta.client.data import DataAnswer, open_data
from rta.export.source import ExportReader
from rta.ports.archive import ChannelRanges, DataRange, FlushPoint
from rta.wire.chunks import Chunk
from rta.wire.configuration import Configuration
from rta.wire.session_json import SessionModel

__all__ = ["RestData"]

_ITEMS = 500  # ranges of channels that are asked for at once


class RestData:
    """The sessions of a service."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def session(self, identity: str) -> SessionModel | None:
        return await self._rest.session(identity)

    async def configuration(self, identifier: str) -> Configuration | None:
        return await self._rest.configuration(identifier)

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[ExportReader]:
        upto = None if wanted.upto is None else str(wanted.upto)
        channels = _expression(wanted.channels)
        async with open_data(
            self._rest.base,
            identity,
            wanted.kind,
            channels,
            start=wanted.start,
            end=wanted.end,
            upto=upto,
            credentials=self._rest.credentials,
        ) as answer:
            yield _AnsweredChunks(answer)


class _AnsweredChunks:
    def __init__(self, answer: DataAnswer) -> None:
        self._answer = answer
        self.flush_point = None if answer.flush_point is None else _point(answer.flush_point)
        self.damaged = 0

    async def next(self) -> Sequence[Chunk]:
        chunks = await self._answer.next()
        self.damaged = self._answer.damaged
        return chunks


def _point(text: str) -> FlushPoint | None:
    try:
        return FlushPoint.parse(text)
    except ValueError:  # of a service that is not ours
        return None


def _expression(ranges: ChannelRanges) -> str:
    """As REST has it. Of very many ranges those that are nearest become one: what is between them comes too."""
    while len(ranges) > _ITEMS:
        gaps = sorted(after[0] - before[1] for before, after in pairwise(ranges))
        widest = gaps[len(gaps) // 2]
        joined = [ranges[0]]
        for first, last in ranges[1:]:
            if first - joined[-1][1] <= widest:
                joined[-1] = joined[-1][0], last
            else:
                joined.append((first, last))
        ranges = tuple(joined)
    return ",".join(f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in ranges)
