"""Frames in one `send`: where a client is that took a part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rta.ports import Position
from rta.session.frame_batch import FrameBatch

BEFORE = Position(1, 0)


def batch_of(sizes: list[int]) -> FrameBatch:
    batch = FrameBatch(BEFORE, 0)
    for i, size in enumerate(sizes):
        batch.add(bytes([i]) * size, Position(2, i))
    return batch


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10), st.data())
def test_what_was_taken_and_what_is_missing_are_whole_frames(sizes, data):
    batch = batch_of(sizes)
    out = batch.joined()
    taken = data.draw(st.integers(1, len(out)))
    cut = batch.cut(taken)
    begun = sizes[: cut.frames]
    assert cut.position == Position(2, cut.frames - 1)
    assert taken + cut.rest == sum(begun)
    assert sum(begun[:-1]) < taken
    assert cut.bursts == len(begun)


def test_who_took_nothing_is_where_it_was():
    assert batch_of([5, 5]).cut(0) == (BEFORE, 0, 0, 0)


def test_a_broken_socket_lacks_nothing():
    assert batch_of([5, 5]).cut(-1) == (Position(2, 1), 0, 0, 0)


def test_a_single_frame_is_passed_on_as_it_is():
    frame = bytes(5)
    batch = FrameBatch(BEFORE, 0)
    batch.add(frame, Position(2, 0))
    assert batch.joined() is frame
