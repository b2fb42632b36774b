"""From chunks that may overlap to those that stay: the same samples, merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

import numpy as np

from rta.archive.encoder import ChunkEncoder
from rta.archive.list_decoding import read_results, read_series
from rta.archive.results import LIST_SPAN, RESULT_SAMPLES, Results
from rta.archive.series import ChannelTypes, Series
from rta.wire import Chunk, DataKind

__all__ = ["seal"]

B = TypeVar("B", Series, Results)


def seal(chunks: Iterable[tuple[int, Chunk]], types: ChannelTypes) -> Iterator[Chunk]:
    """The chunks of one channel, row group, or of the events, without overlap.

    `chunks`: by their starts, each with a number that rises with its arrival; they may overlap. Samples of one time
    are in order of arrival. What comes out depends on the samples alone, so that sealing again changes nothing. What
    is held at once is what overlaps, and some 100 KiB.

    :raises MalformedError: kind `lz4`, `oversize` or `protobuf`: a chunk is damaged.
    """
    chunks = iter(chunks)
    first = next(chunks, None)
    if first is None:
        return
    kind, channels = first[1].kind, first[1].channels
    every = chain([first], chunks)
    encoder = ChunkEncoder(kind, channels)
    if kind in (DataKind.ROW, DataKind.EVENTS):
        for results in _merged((c.start, number, read_results(kind, c.raw())) for number, c in every):
            yield from encoder.feed_results(results)
    else:
        for series in _merged(_read(every, types, encoder)):
            yield from encoder.feed(series)
    yield from encoder.end()


def _read(
    chunks: Iterable[tuple[int, Chunk]], types: ChannelTypes, encoder: ChunkEncoder
) -> Iterator[tuple[int, int, Series]]:
    """Samples that are so far apart, and so many, that they have not got a chunk each (`result_limits`) do not now."""
    for number, chunk in chunks:
        series = read_series(chunk.kind, chunk.channels[0], chunk.raw(), types)
        if chunk.end - chunk.start > LIST_SPAN and len(series.times) > RESULT_SAMPLES:
            encoder.short = 0
        yield chunk.start, number, series


def _merged(blocks: Iterable[tuple[int, int, B]]) -> Iterator[B]:
    """`blocks`: with what they begin with, and their numbers. The same samples in order."""
    pending: list[tuple[int, B]] = []
    for start, number, block in blocks:
        final: list[tuple[int, B]] = []
        later: list[tuple[int, B]] = [(number, block.sorted())]
        for n, held in pending:
            at, size = int(np.searchsorted(held.moments, start, "left")), len(held.moments)
            if at:
                final.append((n, held.part(0, at)))
            if at < size:
                later.append((n, held.part(at, size)))
        pending = later
        if final:
            yield _in_order(final)
    if pending:
        yield _in_order(pending)


def _in_order(blocks: list[tuple[int, B]]) -> B:
    blocks.sort(key=lambda numbered: numbered[0])
    first = blocks[0][1]
    return first if len(blocks) == 1 else first.joined([block for _, block in blocks]).sorted()
