"""From bursts to the chunks of a round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from rta.archive import ChannelTypes, ChunkBuilder, pack_overview, read_series, values_of
from rta.ports import ALL_CHANNELS, DataKind, DataRange
from rta.wire import Burst, Chunk
from rta_transports.sqlite.chunk_rows import ChunkRow

__all__ = ["overview_of", "round_chunks", "round_rows", "samples_of", "tail_of", "wanted_of"]

Times = npt.NDArray[np.int64]
Values = npt.NDArray[Any]


def round_rows(builder: ChunkBuilder, types: ChannelTypes, first: int, last: int) -> list[ChunkRow]:
    """All that a builder holds, with the rows of the log that it was made of; it goes on holding it."""
    return [ChunkRow(chunk, first, last, overview_of(chunk, types)) for chunk in round_chunks(builder)]


def round_chunks(builder: ChunkBuilder) -> list[Chunk]:
    """All that a builder holds; it goes on holding it."""
    return [chunk for kind in DataKind for chunk in builder.tail(kind, ALL_CHANNELS, None, None)]


def overview_of(chunk: Chunk, types: ChannelTypes) -> bytes:
    """Of the samples of a chunk; empty: it is not about one channel, or the type of that is not known yet: what is
    guessed until then must not stay."""
    if len(chunk.channels) != 1 or chunk.channels[0] not in types:
        return b""
    found = samples_of(chunk, types)
    return b"" if found is None else pack_overview(*found)


def samples_of(chunk: Chunk, types: ChannelTypes) -> tuple[Times, Values] | None:
    """Times and raw values of the samples of a chunk, in order; None as above.

    :raises MalformedError: it is damaged.
    """
    if chunk.kind not in (DataKind.TIMESTAMPED, DataKind.PERIODIC):
        return None
    series = read_series(chunk.kind, chunk.channels[0], chunk.raw(), types)
    values = values_of(chunk.channels[0], series, types)
    return None if values is None else (series.times, values)


def tail_of(bursts: Iterable[Burst], types: ChannelTypes, wanted: DataRange) -> list[Chunk]:
    """What is wanted of some bursts."""
    builder = ChunkBuilder(types)
    for burst in bursts:
        builder.feed(burst)
    return wanted_of(builder, wanted)


def wanted_of(builder: ChunkBuilder, wanted: DataRange) -> list[Chunk]:
    """What is wanted of what a builder holds."""
    return builder.tail(wanted.kind, wanted.channels, wanted.start, wanted.end)
