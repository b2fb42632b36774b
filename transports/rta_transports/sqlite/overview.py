"""The overview of channels: from what is kept beside the chunks, and from samples where that is too coarse."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby

from attrs import frozen

from rta.archive import ChannelTypes, Stretches
from rta.errors import MalformedError
from rta.ports import ChannelOverview, ChannelRanges, Chunk, DataKind, DataRange
from rta_transports.sqlite.building import samples_of
from rta_transports.sqlite.chunk_reading import FileChunks, TailChunks
from rta_transports.sqlite.chunk_rows import GROUPS, KINDS, OVERVIEWS, made_chunk
from rta_transports.sqlite.reading import SessionReading, session_parts
from rta_transports.sqlite.session_file import SessionHead
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["read_overview"]

_KINDS = (DataKind.TIMESTAMPED, DataKind.PERIODIC)
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1


def read_overview(
    store: ArchiveStore, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
) -> Sequence[ChannelOverview]:
    """See `rta.ports.Archive`."""
    with store.faults():
        reading = SessionReading(identity)
        try:
            wanted = [DataRange(kind, channels, start, end) for kind in _KINDS]
            files, tails, types = session_parts(store, identity, reading, wanted)
            parts: list[_FilePart | _TailPart] = [
                _FilePart(db, head, kind, FileChunks(db, head, DataRange(kind, channels)))
                for db, head in files
                for kind in _KINDS
            ]
            parts += map(_TailPart, tails, _KINDS)
            return list(_Asked(types, start, end, points).overviews(parts))
        finally:
            reading.close()


@frozen
class _FilePart:
    """Chunks of one kind of one file."""

    _db: sqlite3.Connection
    _head: SessionHead
    _kind: DataKind
    _chunks: FileChunks

    def channels(self) -> Iterator[int]:
        return self._chunks.channels()

    def bounds(self, channel: int) -> tuple[int, int] | None:
        query = 'SELECT min(start), max("end") FROM chunks WHERE kind = ? AND channel = ?'
        first, last = self._db.execute(query, (KINDS.index(self._kind), channel)).fetchone()
        return None if first is None else (first, last)

    def fill(self, channel: int, stretches: Stretches, types: ChannelTypes) -> None:
        at = max(_FIRST, stretches.start - self._head.longest[KINDS.index(self._kind)])
        end = min(_LAST, stretches.end)
        for start, last, data, summed in self._db.execute(GROUPS, (KINDS.index(self._kind), channel)).fetchall():
            if start >= end or last < at:
                continue
            if zlib.crc32(data) == summed and _added(stretches, data):
                self._fill_between(channel, stretches, types, at, start - 1)
                at = last + 1
        self._fill_between(channel, stretches, types, at, end)

    def _fill_between(self, channel: int, stretches: Stretches, types: ChannelTypes, first: int, last: int) -> None:
        """From chunks that start in this range, both inclusive."""
        rows = self._db.execute(OVERVIEWS, (KINDS.index(self._kind), channel, first, last)).fetchall()
        for number, start, end, seen, overview in rows:
            if end < stretches.start or start >= stretches.end:
                continue
            if not overview or zlib.crc32(overview) != seen or not _added(stretches, overview):
                chunk = self._chunks.at(number)
                if chunk is not None:
                    _add_samples(stretches, made_chunk(self._kind, chunk), types)


@frozen
class _TailPart:
    """What is in no file yet, of one kind."""

    _chunks: TailChunks
    _kind: DataKind

    def channels(self) -> Iterator[int]:
        return self._chunks.channels()

    def bounds(self, channel: int) -> tuple[int, int] | None:
        found = [chunk for _, _, chunk in self._chunks.of_channel(channel) if chunk is not None]
        return (found[0][1], max(chunk[2] for chunk in found)) if found else None

    def fill(self, channel: int, stretches: Stretches, types: ChannelTypes) -> None:
        for _, _, chunk in self._chunks.of_channel(channel):
            if chunk is not None:
                _add_samples(stretches, made_chunk(self._kind, chunk), types)


@frozen
class _Asked:
    """How channels are to be looked at."""

    _types: ChannelTypes
    _start: int | None
    _end: int | None
    _points: int

    def overviews(self, parts: Sequence[_FilePart | _TailPart]) -> Iterator[ChannelOverview]:
        for channel, _ in groupby(merge(*(part.channels() for part in parts))):
            bounds = list(filter(None, (part.bounds(channel) for part in parts)))
            first = min(low for low, _ in bounds) if self._start is None else self._start
            last = max(high for _, high in bounds) if self._end is None else self._end
            if first <= last:
                stretches = Stretches.covering(first, last, self._points)
                for part in parts:
                    part.fill(channel, stretches, self._types)
                yield ChannelOverview(channel, *stretches.columns())


def _added(stretches: Stretches, overview: bytes) -> bool:
    try:
        return stretches.add(overview)
    except MalformedError:
        return False


def _add_samples(stretches: Stretches, chunk: Chunk, types: ChannelTypes) -> None:
    try:
        found = samples_of(chunk, types)
    except MalformedError:
        return
    if found is not None:
        stretches.add_samples(*found)
