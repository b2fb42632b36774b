"""LZ4 blocks: what we write is the format's, and what we read is bounded."""

import tracemalloc
from contextlib import suppress

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire import BURST_LIMIT, JSON_LIMIT, TARGET, pack, unpack

from .independent import lz4_literals, lz4_run, lz4_unpack

repetitive = st.lists(st.sampled_from([b"\0\0\0\0\0\0\x29\x40", b"abc", b"x" * 40, b"\xff"]), max_size=200).map(
    b"".join
)
some_bytes = st.binary(max_size=2000) | repetitive


def kind_of(block: bytes, limit: int) -> str:
    with pytest.raises(MalformedError) as caught:
        unpack(block, limit)
    return caught.value.kind


def peak_memory(block: bytes, limit: int) -> int:
    tracemalloc.start()
    try:
        with suppress(MalformedError):
            unpack(block, limit)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_limits_are_those_of_the_protocol() -> None:
    assert (TARGET, BURST_LIMIT, JSON_LIMIT) == (64 * 1024, 1024 * 1024, 16 * 1024 * 1024)


@given(some_bytes)
@settings(deadline=None)
def test_unpacking_gives_back_what_was_packed(raw: bytes) -> None:
    assert unpack(pack(raw), len(raw)) == raw


@given(some_bytes)
@settings(deadline=None, max_examples=examples(60))
def test_a_packed_block_is_read_by_an_independent_decoder(raw: bytes) -> None:
    assert lz4_unpack(pack(raw)) == raw


def test_a_block_has_neither_frame_nor_size_prefix() -> None:
    assert pack(b"hello") == b"\x50hello"


@given(st.binary(max_size=600))
@settings(deadline=None, max_examples=examples(60))
def test_a_block_of_literals_only_is_unpacked(raw: bytes) -> None:
    assert unpack(lz4_literals(raw), 1000) == raw


@given(st.integers(17, 5000))
@settings(deadline=None, max_examples=examples(60))
def test_a_match_that_overlaps_itself_is_unpacked(count: int) -> None:
    assert unpack(lz4_run(b"r", count), 5000) == b"r" * count


def test_a_block_that_unpacks_to_exactly_the_limit_is_accepted() -> None:
    assert len(unpack(lz4_run(b"r", 1000), 1000)) == 1000


def test_a_block_that_unpacks_to_one_byte_more_than_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError):
        unpack(lz4_run(b"r", 1001), 1000)


def test_a_block_that_may_unpack_to_more_than_the_limit_is_oversize() -> None:
    assert kind_of(lz4_run(b"\0", 3 * BURST_LIMIT), BURST_LIMIT) == "oversize"


def test_a_damaged_block_too_small_to_overrun_the_limit_is_called_damaged() -> None:
    assert kind_of(b"\xf0\x00", BURST_LIMIT) == "lz4"


def test_no_bytes_at_all_are_not_a_block() -> None:
    assert kind_of(b"", BURST_LIMIT) == "lz4"


@pytest.mark.parametrize("raw", [b"", b"hello", b"0123456789" * 200], ids=["empty", "short", "long"])
def test_a_block_cut_short_by_one_byte_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        unpack(pack(raw)[:-1], BURST_LIMIT)


def test_a_match_that_reaches_before_the_start_is_refused() -> None:
    assert kind_of(b"\x11a\x02\x00" + b"\x50hello", BURST_LIMIT) == "lz4"


@given(st.binary(max_size=300), st.integers(0, 1000))
@settings(deadline=None)
def test_any_bytes_are_unpacked_within_the_limit_or_malformed(block: bytes, limit: int) -> None:
    with suppress(MalformedError):
        assert len(unpack(block, limit)) <= limit


def test_the_memory_meter_sees_what_is_unpacked() -> None:
    assert peak_memory(lz4_run(b"\0", BURST_LIMIT), BURST_LIMIT) >= BURST_LIMIT


def test_a_bomb_takes_no_more_memory_than_the_limit_asks_for() -> None:
    bomb = lz4_run(b"\0", 200 << 20)
    assert peak_memory(bomb, BURST_LIMIT) < 2 * BURST_LIMIT + 64 * 1024
