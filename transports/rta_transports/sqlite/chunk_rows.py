"""Rows of chunks in a file of a session, with their check sums; and their bytes in pieces.

An open file has the bytes of a chunk in its row. A sealed one has those of many chunks one behind the other: rows of
their own would leave up to half of each page empty.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rta.ports import Chunk, DataKind, RecordedChannel

__all__ = [
    "CHUNKS",
    "GROUPS",
    "KINDS",
    "OVERVIEWS",
    "ChunkRow",
    "ChunkSink",
    "PackedChunk",
    "channels_of",
    "insert_chunk",
    "is_right_chunk",
    "read_channels",
    "made_chunk",
    "write_chunks",
    "write_group",
]

KINDS = tuple(DataKind)
"""The number of a kind is its place in here."""

PackedChunk = tuple[tuple[int, ...], int, int, int, bytes | memoryview, int, int]
"""A chunk without its kind: channels, start, end, raw size; and bytes, with where in them `packed` begins and ends."""

_PIECE = 256 << 10  # bytes, about
_INSERT = f"INSERT INTO chunks VALUES (NULL, {', '.join('?' * 15)})"  # noqa: S608
_numbers = struct.Struct("<8q").pack


class ChunkRow(NamedTuple):
    """A chunk that is to be written."""

    chunk: Chunk
    first: int
    """Of the log's rows that it was made of."""
    last: int
    overview: bytes


CHUNKS = """
SELECT id, kind, channel, start, "end", raw, first, last, seen, channels, sum, piece, place, size, packed FROM chunks
"""
"""Rows for `is_right_chunk`."""


def is_right_chunk(row: Sequence[Any], packed: bytes | memoryview) -> bool:
    """Whether a row of `CHUNKS`, with its bytes, is as it was written."""
    try:
        summed = zlib.crc32(_numbers(*row[1:9]))
        if row[9] is not None:
            summed = zlib.crc32(row[9], summed)
        return zlib.crc32(packed, summed) == row[10]  # type: ignore[no-any-return]
    except (TypeError, struct.error):
        return False


def made_chunk(kind: DataKind, chunk: PackedChunk) -> Chunk:
    """A chunk as others know it."""
    channels, start, end, raw, data, at, to = chunk
    return Chunk(kind, channels, start, end, raw, data[at:to])


def channels_of(kind: int, channel: int, channels: bytes | None) -> tuple[int, ...]:
    """The channels of a row that is right."""
    if channels is not None:
        return struct.unpack(f"<{len(channels) // 4}I", channels)
    return () if KINDS[kind] is DataKind.EVENTS else (channel,)


def read_channels(db: sqlite3.Connection) -> Iterator[RecordedChannel]:
    """How many chunks there are of each channel, or what else a chunk can be about."""
    query = """SELECT kind, channel, channels, count(*), sum(size), min(start), max("end") FROM chunks
    GROUP BY kind, channel, channels"""
    for kind, channel, channels, *amounts in db.execute(query):
        yield RecordedChannel(KINDS[kind], channels_of(kind, channel, channels), *amounts)


def write_chunks(db: sqlite3.Connection, rows: Sequence[ChunkRow]) -> None:
    """Within a transaction."""
    db.executemany(_INSERT, [_values(row) for row in rows])


def insert_chunk(db: sqlite3.Connection, number: int, values: Sequence[object]) -> None:
    """A row of `chunks` as it is, under its number. Within a transaction."""
    db.execute(f"REPLACE INTO chunks VALUES ({', '.join('?' * 16)})", (number, *values))  # noqa: S608


def _values(row: ChunkRow, piece: int | None = None, place: int | None = None) -> tuple[object, ...]:
    chunk = row.chunk
    kind = KINDS.index(chunk.kind)
    channel = min(chunk.channels, default=0)
    channels = None if len(chunk.channels) < 2 else struct.pack(f"<{len(chunk.channels)}I", *chunk.channels)
    numbers = (kind, channel, chunk.start, chunk.end, chunk.raw_size, row.first, row.last)
    seen = zlib.crc32(row.overview)
    summed = zlib.crc32(chunk.packed, zlib.crc32(channels or b"", zlib.crc32(_numbers(*numbers, seen))))
    packed = chunk.packed if piece is None else None
    return (*numbers, channels, summed, seen, row.overview, piece, place, len(chunk.packed), packed)


OVERVIEWS = """
SELECT id, start, "end", seen, overview FROM chunks WHERE kind = ? AND channel = ? AND start >= ? AND start <= ?
ORDER BY start
"""
"""Rows of a channel with the check sums of their overviews, without their samples."""

GROUPS = "SELECT start, last, data, sum FROM overviews WHERE kind = ? AND channel = ? ORDER BY start"
"""Overviews of several chunks of a channel each, with the starts of the first and the last."""


def write_group(db: sqlite3.Connection, kind: DataKind, channel: int, start: int, last: int, data: bytes) -> None:
    """The overview of several chunks that follow each other. Within a transaction."""
    values = (KINDS.index(kind), channel, start, last, data, zlib.crc32(data))
    db.execute("INSERT INTO overviews VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)


class ChunkSink:
    """Writes chunks of a sealed file: the bytes of a channel's come one behind the other, in pieces.

    Rows of their own would leave up to half of each page empty. Nothing is written before so much is there that what
    belongs together is together, in whatever order it comes.
    """

    def __init__(self, db: sqlite3.Connection, held: int) -> None:
        """`held`: bytes that may be in memory."""
        self._db = db
        self._most = held
        self._piece = 0
        self._size = 0
        self._rows: list[ChunkRow] = []

    def add(self, row: ChunkRow) -> None:
        """Those of one channel by their starts. Within a transaction."""
        if self._rows and self._size + len(row.chunk.packed) > self._most:
            self.flush()
        self._rows.append(row)
        self._size += len(row.chunk.packed) + len(row.overview)

    def flush(self) -> None:
        """Write what is held."""
        rows = sorted(self._rows, key=lambda row: (KINDS.index(row.chunk.kind), row.chunk.channels))
        self._rows, self._size = [], 0
        held: list[bytes | memoryview] = []
        values: list[tuple[object, ...]] = []
        size = 0
        for i, row in enumerate(rows):
            begins = size >= _PIECE // 4 and row.chunk.channels != rows[i - 1].chunk.channels
            if held and (begins or size + len(row.chunk.packed) > _PIECE):
                self._write(held, values)
                held, values, size = [], [], 0
            values.append(_values(row, self._piece + 1, size))
            held.append(row.chunk.packed)
            size += len(row.chunk.packed)
        if held:
            self._write(held, values)

    def _write(self, held: list[bytes | memoryview], values: list[tuple[object, ...]]) -> None:
        self._piece += 1
        self._db.execute("INSERT INTO pieces VALUES (?, ?)", (self._piece, b"".join(held)))
        self._db.executemany(_INSERT, values)
