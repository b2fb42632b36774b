"""What is fed comes out as chunks: every sample once, in order, in chunks as they have to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rta.archive import ChunkBuilder
from rta.wire import Data, DataKind

from .any_bursts import TYPES, burst_of, stories
from .naive_samples import check_apart, check_chunk, check_samples

EVERYTHING = [(0, 0xFFFFFFFF)]


@given(stories, st.data())
def test_what_is_cut_is_what_was_fed(story: list[list[Data]], data: st.DataObject):
    builder, chunks = ChunkBuilder(TYPES), []
    for burst in story:
        builder.feed(burst_of(burst))
        if data.draw(st.integers(0, 4)) == 0:
            part = builder.cut()
            check_apart(part, TYPES)
            chunks += part
            assert builder.held == 0
            assert builder.cut() == []
    tail = [chunk for kind in DataKind for chunk in builder.tail(kind, EVERYTHING, None, None)]
    part = builder.cut()
    assert sorted(tail, key=repr) == sorted(part, key=repr)
    check_apart(part, TYPES)
    chunks += part
    for chunk in chunks:
        check_chunk(chunk, TYPES)
    check_samples(chunks, (item for burst in story for item in burst), TYPES)
