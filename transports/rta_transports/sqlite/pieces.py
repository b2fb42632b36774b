"""The pieces of a sealed file: chunks one behind the other, as an answer with them alone has them.

What is wanted of a session is mostly whole pieces. They are sent as they are, with another header before the first
chunk: nothing is done for each chunk. Each piece has a row in `piece_heads` that says what is in it, and a check sum of
it all. Rows of their own for the bytes of chunks would leave up to half of each page empty, besides.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from rta.errors import DamagedFileError
from rta.wire import ChunkWriter
from rta_transports.sqlite.chunk_rows import KINDS, ChunkRow, write_chunk
from rta_transports.sqlite.payload_sum import payload_sum

__all__ = ["ChunkSink", "PieceHead", "all_pieces", "damaged_pieces", "pieces_of", "read_piece"]

_PIECE = 256 << 10  # bytes, about
_INSERT = f"INSERT INTO piece_heads VALUES ({', '.join('?' * 14)})"  # noqa: S608
_EVERY = "SELECT * FROM piece_heads ORDER BY id"
_OF_CHANNELS = "SELECT * FROM piece_heads WHERE kind = ? AND first <= ? AND last >= ? ORDER BY id"
_numbers = struct.Struct("<13q").pack


class PieceHead(NamedTuple):
    """What is in a piece: chunks of one kind."""

    id: int
    kind: int
    first: int
    """The smallest of its channels, by what rows of chunks have as theirs."""
    last: int
    """The greatest."""
    row: int
    """The number of its first chunk; those of the others follow."""
    chunks: int
    least_start: int
    """Of a chunk, as the next three."""
    greatest_start: int
    least_end: int
    greatest_end: int
    start: int
    """Of its last chunk."""
    end: int
    """Likewise."""
    summed: int
    """The check sum of its bytes."""


def all_pieces(db: sqlite3.Connection) -> Iterator[PieceHead]:
    """In the order in which they were written.

    :raises DamagedFileError: they are not all there, as they were written; so `pieces_of`.
    """
    for number, piece in enumerate(map(_read, db.execute(_EVERY)), 1):
        if piece.id != number:
            raise DamagedFileError("a piece is missing")
        yield piece


def pieces_of(db: sqlite3.Connection, kind: int, first: int, last: int) -> Iterator[PieceHead]:
    """Those that have chunks of channels in a range, both inclusive, in the order in which they were written."""
    yield from map(_read, db.execute(_OF_CHANNELS, (kind, last, first)))


def read_piece(db: sqlite3.Connection, number: int) -> bytes:
    """Its bytes. Not by a query: that copies each page twice on its way.

    :raises sqlite3.Error: it is not there.
    """
    with db.blobopen("pieces", "data", number, readonly=True) as blob:
        return blob.read()


def damaged_pieces(db: sqlite3.Connection) -> int:
    """How many are not as they were written.

    :raises DamagedFileError: they are not all there.
    """
    return sum(payload_sum(read_piece(db, piece.id)) != piece.summed for piece in all_pieces(db))


def _read(row: tuple[int, ...]) -> PieceHead:
    *numbers, found = row
    try:
        right = zlib.crc32(_numbers(*numbers)) == found
    except struct.error:
        right = False
    if not right:
        raise DamagedFileError("what is said of a piece is not as it was written")
    return PieceHead(*numbers)


class ChunkSink:
    """Writes chunks of a sealed file. Nothing is written before so much is there that what belongs together is
    together, in whatever order it comes."""

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
        held: list[ChunkRow] = []
        size = 0
        for row in rows:
            if held and _begins(held[-1], row, size):
                self._write(held)
                held, size = [], 0
            held.append(row)
            size += len(row.chunk.packed)
        if held:
            self._write(held)

    def _write(self, rows: list[ChunkRow]) -> None:
        self._piece += 1
        writer, size = ChunkWriter(), 0
        parts: list[bytes | memoryview] = []
        numbers: list[int] = []
        for row in rows:
            parts += (writer.head(row.chunk), row.chunk.packed)
            numbers.append(write_chunk(self._db, row, self._piece, size + len(parts[-2])))
            size += len(parts[-2]) + len(parts[-1])
        data = b"".join(parts)
        chunks = [row.chunk for row in rows]
        channels = [min(chunk.channels, default=0) for chunk in chunks]
        starts, ends = [chunk.start for chunk in chunks], [chunk.end for chunk in chunks]
        head = PieceHead(
            id=self._piece,
            kind=KINDS.index(chunks[0].kind),
            first=min(channels),
            last=max(channels),
            row=numbers[0],
            chunks=len(chunks),
            least_start=min(starts),
            greatest_start=max(starts),
            least_end=min(ends),
            greatest_end=max(ends),
            start=starts[-1],
            end=ends[-1],
            summed=payload_sum(data),
        )
        self._db.execute("INSERT INTO pieces VALUES (?, ?)", (self._piece, data))
        self._db.execute(_INSERT, (*head, zlib.crc32(_numbers(*head))))


def _begins(before: ChunkRow, row: ChunkRow, size: int) -> bool:
    """Whether a chunk begins another piece. `size`: of the piece."""
    if row.chunk.kind is not before.chunk.kind or size + len(row.chunk.packed) > _PIECE:
        return True
    return size >= _PIECE // 4 and row.chunk.channels != before.chunk.channels
