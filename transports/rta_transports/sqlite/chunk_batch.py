"""Chunks on their way from the archive's process to whoever reads, their bytes in large pieces as they are on disk.

Large bytes cross the line without being copied in between.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from rta.ports import Chunk, DataKind
from rta_transports.sqlite.chunk_rows import PackedChunk

__all__ = ["ChunkBatch"]


class ChunkBatch(NamedTuple):
    """Some chunks."""

    number: int
    """Of the batches of one reading, from 0 on."""
    heads: list[tuple[tuple[int, ...], int, int, int]]
    """Channels, start, end, raw size of each."""
    pieces: list[tuple[bytes | memoryview, list[int]]]
    """Bytes, with where in them chunks begin and end, in turns."""
    is_last: bool
    damaged: int
    """How many have been left out since the reading began."""

    @classmethod
    def of(cls, number: int, chunks: list[PackedChunk], is_last: bool, damaged: int) -> Self:
        """With as few bytes as may be that are not wanted."""
        pieces: list[tuple[bytes | memoryview, list[int]]] = []
        for chunk in chunks:
            if not pieces or pieces[-1][0] is not chunk[4]:
                pieces.append((chunk[4], []))
            pieces[-1][1].extend(chunk[5:7])
        trimmed = [_trimmed(*piece) for piece in pieces]
        return cls(number, [chunk[:4] for chunk in chunks], trimmed, is_last, damaged)

    def chunks(self, kind: DataKind) -> list[Chunk]:
        """All of them, their bytes where they are."""
        views = [(memoryview(data), places) for data, places in self.pieces]
        packed = [view[at:to] for view, places in views for at, to in zip(places[::2], places[1::2], strict=True)]
        return [Chunk(kind, *head, data) for head, data in zip(self.heads, packed, strict=True)]


def _trimmed(data: bytes | memoryview, places: list[int]) -> tuple[bytes | memoryview, list[int]]:
    """Without what is before and behind the chunks, if that is much."""
    first, last = min(places), max(places)
    if 2 * (last - first) >= len(data):
        return data, places
    return data[first:last], [place - first for place in places]
