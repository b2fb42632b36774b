"""Reading the chunks of a session from its files and from what is not cut yet: channel by channel; or of a sealed file,
in whole pieces as far as may be."""

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
from rta.wire import ChunkRun
from rta_transports.sqlite.chunk_rows import CHUNKS, KINDS, PackedChunk, channels_of, is_right_chunk, is_right_row
from rta_transports.sqlite.payload_sum import payload_sum
from rta_transports.sqlite.pieces import PieceHead, all_pieces, pieces_of, read_piece
from rta_transports.sqlite.session_file import SessionHead

__all__ = ["FileChunks", "TailChunks", "chunks_in_order", "runs_in_order"]

_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_OF_CHANNEL = f'{CHUNKS} WHERE kind = ? AND channel = ? AND start >= ? AND start <= ? ORDER BY start, "end", id'
_OF_RANGE = f'{CHUNKS} WHERE kind = ? AND channel >= ? AND channel <= ? ORDER BY channel, start, "end", id'
_OF_PIECE = f"{CHUNKS} WHERE id >= ? AND id < ? ORDER BY id"
_NEXT = "SELECT channel FROM chunks WHERE kind = ? AND channel > ? AND channel <= ? ORDER BY channel LIMIT 1"

Placed = tuple[int, int, PackedChunk | None]
"""Where it starts, a number that rises with the arrival, and the chunk; None: it is not as it was written."""


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
        self._head = head
        self._earliest = _FIRST if wanted.start is None else wanted.start
        self._latest = self._bounds[1]
        self._upto = _LAST if upto is None else upto
        self._is_whole = wanted.start is None and wanted.end is None
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

    def every(self) -> Iterator[PackedChunk | None]:
        """The chunks of all channels, one channel after the other."""
        if self._is_whole:
            for first, last in self._ranges:
                for _, _, chunk in self._placed(self._db.execute(_OF_RANGE, (self._kind, first, last))):
                    yield chunk
        else:
            for channel in self.channels():
                for _, _, chunk in self.of_channel(channel):
                    yield chunk

    def of_channel(self, channel: int) -> Iterator[Placed]:
        """In the order of their starts."""
        return self._placed(self._db.execute(_OF_CHANNEL, (self._kind, channel, *self._bounds)))

    def _placed(self, rows: Iterable[Sequence[Any]]) -> Iterator[Placed]:
        earliest, upto, before = self._earliest, self._upto, (-1, _FIRST)
        for row in rows:
            place = row[2], row[3]
            if not (isinstance(place[0], int) and isinstance(place[1], int)) or place < before:
                raise DamagedFileError("its chunks are not in order")
            before = place
            if row[4] >= earliest and row[7] <= upto:
                yield place[1], row[0], self._chunk(row)

    def at(self, number: int) -> PackedChunk | None:
        """The chunk of this number; None: it is not as it was written."""
        row = self._db.execute(f"{CHUNKS} WHERE id = ?", (number,)).fetchone()
        return None if row is None else self._chunk(row)

    def _chunk(self, row: Sequence[Any]) -> PackedChunk | None:
        try:
            data, at = (row[15], 0) if row[12] is None else self._in_piece(row[12], row[13], row[14])
            to = at + row[14]
            if not is_right_chunk(row, memoryview(data)[at:to]):
                return None
        except (TypeError, ValueError, OverflowError, sqlite3.Error):
            return None
        return channels_of(row[1], row[2], row[10]), row[3], row[4], row[5], data, at, to

    def _in_piece(self, piece: int, place: int, size: int) -> tuple[bytes, int]:
        """Bytes, and where in them it begins."""
        if self._piece[0] == piece:
            return self._piece[1], place
        if self._is_whole:
            return self._read(piece), place
        with self._db.blobopen("pieces", "data", piece, readonly=True) as blob:
            blob.seek(place)
            return blob.read(size), 0

    def _read(self, piece: int) -> bytes:
        """A piece, which is kept."""
        self._piece = piece, read_piece(self._db, piece)
        return self._piece[1]

    # ---- in pieces

    def runs(self) -> Iterator[ChunkRun | PackedChunk | None]:
        """As `every`, in the order in which they were written: pieces whole if all of it is wanted and right."""
        if not self._head.in_pieces:
            yield from self.every()
            return
        for first, last in self._ranges:
            for piece in self._pieces(first, last):
                if piece.greatest_end < self._earliest or piece.least_start > self._latest:
                    continue
                run = self._run(piece) if self._is_all_wanted(piece, first, last) else None
                if run is None:
                    yield from self._of_piece(piece, first, last)
                else:
                    yield run

    def _pieces(self, first: int, last: int) -> Iterator[PieceHead]:
        if ((first, last),) != ALL_CHANNELS:
            yield from pieces_of(self._db, self._kind, first, last)
            return
        chunks = 0
        for piece in all_pieces(self._db):
            chunks += piece.chunks
            if piece.kind == self._kind:
                yield piece
        if chunks != self._head.chunks:
            raise DamagedFileError("pieces are missing")

    def _is_all_wanted(self, piece: PieceHead, first: int, last: int) -> bool:
        return (
            first <= piece.first
            and piece.last <= last
            and self._earliest <= piece.least_end
            and piece.greatest_start <= self._latest
        )

    def _run(self, piece: PieceHead) -> ChunkRun | None:
        """None: it is not as it was written."""
        try:
            data = self._read(piece.id)
        except sqlite3.Error:
            return None
        return ChunkRun(data, piece.start, piece.end) if payload_sum(data) == piece.summed else None

    def _of_piece(self, piece: PieceHead, first: int, last: int) -> Iterator[PackedChunk | None]:
        """Chunk by chunk."""
        found = 0
        for row in self._db.execute(_OF_PIECE, (piece.row, piece.row + piece.chunks)).fetchall():
            found += 1
            if not is_right_row(row):
                yield None
            elif first <= row[2] <= last and row[4] >= self._earliest and row[3] <= self._latest:
                yield self._chunk(row)
        for _ in range(piece.chunks - found):
            yield None


class TailChunks:
    """Of what is in no file yet."""

    def __init__(self, chunks: Iterable[Chunk], wanted: DataRange) -> None:
        """`chunks`: what is wanted."""
        self._chunks: dict[int, list[PackedChunk]] = defaultdict(list)
        for chunk in chunks:
            packed = (chunk.channels, chunk.start, chunk.end, chunk.raw_size, chunk.packed, 0, len(chunk.packed))
            self._chunks[min(chunk.channels, default=0)].append(packed)

    def channels(self) -> Iterator[int]:
        """As those of a file."""
        yield from sorted(self._chunks)

    def every(self) -> Iterator[PackedChunk | None]:
        """As that of a file."""
        for channel in self.channels():
            yield from sorted(self._chunks[channel], key=itemgetter(1))

    def of_channel(self, channel: int) -> Iterator[Placed]:
        """As those of a file."""
        for chunk in sorted(self._chunks.get(channel, ()), key=itemgetter(1)):
            yield chunk[1], 0, chunk


def chunks_in_order(sources: Sequence[FileChunks | TailChunks], wanted: DataRange) -> Iterator[PackedChunk | None]:
    """All of them, channel by channel, each in the order of their starts; None for one that is damaged.

    :raises sqlite3.Error, DamagedFileError: a file cannot be read on.
    """
    found = sources[0].every() if len(sources) == 1 else _merged(sources)
    if wanted.kind is DataKind.ROW:
        return (chunk for chunk in found if chunk is None or _meets(chunk[0], wanted.channels))
    return found


def runs_in_order(
    sources: Sequence[FileChunks | TailChunks], wanted: DataRange
) -> Iterator[ChunkRun | PackedChunk | None]:
    """As `chunks_in_order`, but channels may come in turns; of a sealed file alone, in runs as far as may be."""
    every_row = wanted.kind is not DataKind.ROW or wanted.channels == ALL_CHANNELS
    if len(sources) == 1 and isinstance(sources[0], FileChunks) and every_row:
        return sources[0].runs()
    return chunks_in_order(sources, wanted)


def _merged(sources: Sequence[FileChunks | TailChunks]) -> Iterator[PackedChunk | None]:
    for channel, _ in groupby(merge(*(source.channels() for source in sources))):
        parts = [source.of_channel(channel) for source in sources]
        for _, _, chunk in merge(*parts, key=itemgetter(0)):
            yield chunk


def _ranges(wanted: DataRange) -> ChannelRanges:
    """By what a row of `chunks` has as its channel."""
    if wanted.kind is DataKind.EVENTS:
        return ((0, 0),)
    return ALL_CHANNELS if wanted.kind is DataKind.ROW else wanted.channels


def _meets(channels: Sequence[int], ranges: ChannelRanges) -> bool:
    return any(first <= channel <= last for channel in channels for first, last in ranges)
