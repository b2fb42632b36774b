"""From bursts to the chunks of a round."""

from __future__ import annotations

from collections.abc import Iterable

from rta.archive import ChannelTypes, ChunkBuilder
from rta.ports import ALL_CHANNELS, DataKind, DataRange
from rta.wire import Burst, Chunk
from rta_transports.sqlite.session_file import ChunkRow

__all__ = ["round_rows", "tail_rows"]


def round_rows(builder: ChunkBuilder, first: int, last: int) -> list[ChunkRow]:
    """All that a builder holds, with the rows of the log that it was made of; it goes on holding it."""
    chunks: list[Chunk] = []
    for kind in DataKind:
        chunks += builder.tail(kind, ALL_CHANNELS, None, None)
    return [ChunkRow(chunk, first, last, b"") for chunk in chunks]


def overview_of(chunk: Chunk, types: ChannelTypes) -> bytes:
    """Of a chunk that is about one channel."""
    return b""


def tail_rows(bursts: Iterable[Burst], types: ChannelTypes, wanted: DataRange) -> list[ChunkRow]:
    """What is wanted of some bursts."""
    builder = ChunkBuilder(types)
    for burst in bursts:
        builder.feed(burst)
    return builder_rows(builder, wanted)


def builder_rows(builder: ChunkBuilder, wanted: DataRange) -> list[ChunkRow]:
    """What is wanted of what a builder holds."""
    chunks = builder.tail(wanted.kind, wanted.channels, wanted.start, wanted.end)
    return [ChunkRow(chunk, 0, 0, b"") for chunk in chunks]
