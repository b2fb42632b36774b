"""Rows of chunks in a file of a session, with their check sums.

An open file has the bytes of a chunk in its row, a sealed one those of many chunks in pieces: see `pieces`.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rta.ports import Chunk, DataKind, RecordedChannel
from rta_transports.sqlite.payload_sum import payload_sum

__all__ = [
    "CHUNKS",
    "GROUPS",
    "KINDS",
    "OVERVIEWS",
    "ChunkRow",
    "PackedChunk",
    "channels_of",
    "insert_chunk",
    "is_right_chunk",
    "is_right_row",
    "made_chunk",
    "read_channels",
    "write_chunk",
    "write_chunks",
    "write_group",
]

KINDS = tuple(DataKind)
"""The number of a kind is its place in here."""

PackedChunk = tuple[tuple[int, ...], int, int, int, bytes | memoryview, int, int]
"""A chunk without its kind: channels, start, end, raw size; and bytes, with where in them `packed` begins and ends."""

_INSERT = f"INSERT INTO chunks VALUES (NULL, {', '.join('?' * 16)})"  # noqa: S608
_numbers = struct.Struct("<9q").pack


class ChunkRow(NamedTuple):
    """A chunk that is to be written."""

    chunk: Chunk
    first: int
    """Of the log's rows that it was made of."""
    last: int
    overview: bytes


CHUNKS = """
SELECT id, kind, channel, start, "end", raw, first, last, seen, summed, channels, sum, piece, place, size, packed
FROM chunks
"""
"""Rows for `is_right_chunk`."""


def is_right_row(row: Sequence[Any]) -> bool:
    """Whether a row of `CHUNKS` is as it was written, but for its bytes."""
    try:
        return zlib.crc32(row[10] or b"", zlib.crc32(_numbers(*row[1:10]))) == row[11]  # type: ignore[no-any-return]
    except (TypeError, struct.error):
        return False


def is_right_chunk(row: Sequence[Any], packed: bytes | memoryview) -> bool:
    """Whether a row of `CHUNKS`, with its bytes, is as it was written."""
    return is_right_row(row) and payload_sum(packed) == row[9]


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
    for row in rows:
        write_chunk(db, row)


def write_chunk(db: sqlite3.Connection, row: ChunkRow, piece: int | None = None, place: int | None = None) -> int:
    """Within a transaction; the number of the row. `piece`: has the bytes, from `place` on."""
    return db.execute(_INSERT, _values(row, piece, place)).lastrowid or 0


def insert_chunk(db: sqlite3.Connection, number: int, values: Sequence[object]) -> None:
    """A row of `chunks` as it is, under its number. Within a transaction."""
    db.execute(f"REPLACE INTO chunks VALUES ({', '.join('?' * 17)})", (number, *values))  # noqa: S608


def _values(row: ChunkRow, piece: int | None, place: int | None) -> tuple[object, ...]:
    chunk = row.chunk
    kind = KINDS.index(chunk.kind)
    channel = min(chunk.channels, default=0)
    channels = None if len(chunk.channels) < 2 else struct.pack(f"<{len(chunk.channels)}I", *chunk.channels)
    numbers = (kind, channel, chunk.start, chunk.end, chunk.raw_size, row.first, row.last)
    seen, summed = zlib.crc32(row.overview), payload_sum(chunk.packed)
    whole = zlib.crc32(channels or b"", zlib.crc32(_numbers(*numbers, seen, summed)))
    packed = chunk.packed if piece is None else None
    return (*numbers, channels, summed, whole, seen, row.overview, piece, place, len(chunk.packed), packed)


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
