"""Sealing keeps every sample, once and in order, in chunks that do not overlap, and changes nothing the second time."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from rta.archive import ChunkBuilder, seal
from rta.wire import Chunk, Data

from .any_bursts import TYPES, burst_of, stories
from .naive_samples import check_chunk, check_samples


def cut(story: list[list[Data]], data: st.DataObject) -> list[Chunk]:
    """In order of arrival."""
    builder, chunks = ChunkBuilder(TYPES), []
    for burst in story:
        builder.feed(burst_of(burst))
        if data.draw(st.integers(0, 2)) == 0:
            chunks += builder.cut()
    return chunks + builder.cut()


def sealed(chunks: list[Chunk]) -> list[Chunk]:
    """`chunks`: in order of arrival."""
    numbered = sorted(enumerate(chunks), key=lambda c: (c[1].kind.value, c[1].channels, c[1].start))
    groups = groupby(numbered, key=lambda c: (c[1].kind, c[1].channels))
    return [chunk for _, group in groups for chunk in seal(group, TYPES)]


@given(stories, st.data())
def test_sealed_chunks_hold_what_was_fed_and_do_not_overlap(story: list[list[Data]], data: st.DataObject):
    chunks = sealed(cut(story, data))
    last: dict[object, Chunk] = {}
    for chunk in chunks:
        check_chunk(chunk, TYPES)
        before = last.get((chunk.kind, chunk.channels))
        assert before is None or before.end <= chunk.start
        last[chunk.kind, chunk.channels] = chunk
    check_samples(chunks, (item for burst in story for item in burst), TYPES)
    assert sealed(chunks) == chunks
