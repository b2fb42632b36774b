"""Reading the chunks of a session, channel by channel, from its files and from what is not cut yet."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from rta.errors import DamagedFileError
from rta.ports import ALL_CHANNELS, ChannelRanges, Chunk, DataKind, DataRange
from rta_transports.sqlite.session_file import CHUNKS, KINDS, ChunkRow, SessionHead, chunk_of

__all__ = ["FileChunks", "TailChunks", "chunks_in_order"]

_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_OF_CHANNEL = f'{CHUNKS} WHERE kind = ? AND channel = ? AND start >= ? AND start <= ? ORDER BY start, "end", id'
_NEXT = "SELECT channel FROM chunks WHERE kind = ? AND channel > ? AND channel <= ? ORDER BY channel LIMIT 1"

Placed = tuple[int, ChunkRow | None]
"""Where it starts; None instead of a chunk that is not as it was written."""


class FileChunks:
    """Of one file, as it was when the transaction of the connection began."""

    def __init__(self, db: sqlite3.Connection, head: SessionHead, wanted: DataRange, upto: int | None = None) -> None:
        """`upto`: chunks that have been made of later rows of the log are left out."""
        self._db = db
        self._kind = KINDS.index(wanted.kind)
        self._ranges = _ranges(wanted)
        longest = head.longest[self._kind]
        self._bounds = (
            _FIRST if wanted.start is None else max(_FIRST, wanted.start - longest),
            _LAST if wanted.end is None else min(_LAST, wanted.end),
        )
        self._earliest = _FIRST if wanted.start is None else wanted.start
        self._upto = upto
        self._whole = wanted.start is None and wanted.end is None
        self._piece: tuple[int, bytes] = (0, b"")

    def channels(self) -> Iterator[int]:
        """Those there are, rising: of a row its smallest one."""
        for first, last in self._ranges:
            above = first - 1
            while (found := self._db.execute(_NEXT, (self._kind, above, last)).fetchone()) is not None:
                if not isinstance(found[0], int) or found[0] <= above:
                    raise DamagedFileError("its channels are not in order")
                above = found[0]
                yield above

    def of_channel(self, channel: int) -> Iterator[Placed]:
        """In the order of their starts."""
        for start, _, row in self.numbered(channel):
            yield start, row

    def numbered(self, channel: int) -> Iterator[tuple[int, int, ChunkRow | None]]:
        """The same with the number of each, which rises with its arrival."""
        before = _FIRST
        for values in self._db.execute(_OF_CHANNEL, (self._kind, channel, *self._bounds)):
            start, end, last = values[3], values[4], values[7]
            if not isinstance(start, int) or not isinstance(end, int) or start < before:
                raise DamagedFileError("its chunks are not in order")
            before = start
            if end >= self._earliest and (self._upto is None or last <= self._upto):
                yield start, values[0], self._chunk(values)

    def at(self, number: int) -> ChunkRow | None:
        """The chunk of this number; None: it is not as it was written."""
        values = self._db.execute(f"{CHUNKS} WHERE id = ?", (number,)).fetchone()
        return None if values is None else self._chunk(values)

    def _chunk(self, values: Sequence[Any]) -> ChunkRow | None:
        piece, place, size, packed = values[11:]
        if piece is not None:
            try:
                packed = self._in_piece(piece, place, size)
            except (TypeError, ValueError, sqlite3.Error):
                return None
        return chunk_of(values, packed)

    def _in_piece(self, piece: int, place: int, size: int) -> bytes:
        if not self._whole:
            with self._db.blobopen("pieces", "data", piece, readonly=True) as blob:
                blob.seek(place)
                return blob.read(size)
        if self._piece[0] != piece:
            found = self._db.execute("SELECT data FROM pieces WHERE id = ?", (piece,)).fetchone()
            self._piece = piece, b"" if found is None else found[0]
        return self._piece[1][place : place + size]


class TailChunks:
    """Of what is in no file yet."""

    def __init__(self, rows: Iterable[ChunkRow], wanted: DataRange) -> None:
        ranges = _ranges(wanted)
        self._rows: dict[int, list[ChunkRow]] = defaultdict(list)
        for row in rows:
            chunk = row.chunk
            channel = min(chunk.channels, default=0)
            in_time = (wanted.start is None or chunk.end >= wanted.start) and (
                wanted.end is None or chunk.start <= wanted.end
            )
            if in_time and chunk.kind is wanted.kind and any(first <= channel <= last for first, last in ranges):
                self._rows[channel].append(row)

    def channels(self) -> Iterator[int]:
        """As those of a file."""
        yield from sorted(self._rows)

    def of_channel(self, channel: int) -> Iterator[Placed]:
        """As those of a file."""
        for row in sorted(self._rows.get(channel, ()), key=lambda row: row.chunk.start):
            yield row.chunk.start, row


def chunks_in_order(sources: Sequence[FileChunks | TailChunks], wanted: DataRange) -> Iterator[Chunk | None]:
    """All of them, channel by channel, each in the order of their starts; None for one that is damaged.

    :raises sqlite3.Error, DamagedFileError: a file cannot be read on.
    """
    for channel, _ in groupby(merge(*(source.channels() for source in sources))):
        found = [source.of_channel(channel) for source in sources]
        for _, row in found[0] if len(found) == 1 else merge(*found, key=itemgetter(0)):
            if row is None:
                yield None
            elif wanted.kind is not DataKind.ROW or _meets(row.chunk.channels, wanted.channels):
                yield row.chunk


def _ranges(wanted: DataRange) -> ChannelRanges:
    """By what a row of `chunks` has as its channel."""
    if wanted.kind is DataKind.EVENTS:
        return ((0, 0),)
    return ALL_CHANNELS if wanted.kind is DataKind.ROW else wanted.channels


def _meets(channels: Sequence[int], ranges: ChannelRanges) -> bool:
    return any(first <= channel <= last for channel in channels for first, last in ranges)
