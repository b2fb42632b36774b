"""Chunks of one session, in a file until all are known: they come by their times, and are wanted by their channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO, NamedTuple

from rta.wire.chunks import Chunk, DataKind

__all__ = ["ChunkKey", "ChunkSpool"]

ChunkKey = tuple[DataKind, tuple[int, ...]]


class _Spooled(NamedTuple):
    start: int
    end: int
    raw_size: int
    place: int
    size: int


class ChunkSpool:
    """In memory are only their places. What goes wrong with the file is an `OSError`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[ChunkKey, list[_Spooled]] = {}
        self._end = 0

    def add(self, chunks: Iterable[Chunk]) -> None:
        """In any order."""
        for chunk in chunks:
            place = _Spooled(chunk.start, chunk.end, chunk.raw_size, self._end, len(chunk.packed))
            self._places.setdefault((chunk.kind, chunk.channels), []).append(place)
            self._file.write(chunk.packed)
            self._end += len(chunk.packed)

    @property
    def keys(self) -> list[ChunkKey]:
        """All there are, by kind and channels."""
        return sorted(self._places, key=lambda key: (key[0].value, key[1]))

    def are_apart(self, key: ChunkKey) -> bool:
        """Whether the chunks have come by their times, and do not overlap."""
        return all(before.end <= after.start for before, after in pairwise(self._places[key]))

    def chunks(self, key: ChunkKey) -> Iterator[tuple[int, Chunk]]:
        """Each with the number in which it came, by their starts."""
        kind, channels = key
        self._file.flush()
        for number, spooled in sorted(enumerate(self._places[key]), key=lambda numbered: numbered[1].start):
            self._file.seek(spooled.place)
            packed = self._file.read(spooled.size)
            yield number, Chunk(kind, channels, spooled.start, spooled.end, spooled.raw_size, packed)
        self._file.seek(self._end)
