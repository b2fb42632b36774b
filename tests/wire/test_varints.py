"""Many varints at once are what protobuf makes of one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.wire.varints import pack_varints, unpack_varints, varint

from . import independent

numbers = st.one_of(st.integers(0, 300), st.integers(-(1 << 63), (1 << 63) - 1), st.sampled_from([127, 128, 1 << 35]))


@given(numbers)
def test_one_number_is_as_the_specification_says(value: int):
    assert varint(value) == independent.varint(value)


@given(st.lists(numbers))
def test_many_are_one_after_the_other(values: list[int]):
    packed, starts = pack_varints(np.array(values, np.int64))
    parts = [independent.varint(value) for value in values]
    assert packed == b"".join(parts)
    assert starts.tolist() == [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]


@given(st.lists(st.lists(numbers, max_size=4), max_size=6))
def test_blocks_of_them_are_read_back(blocks: list[list[int]]):
    values, counts = unpack_varints([b"".join(map(independent.varint, block)) for block in blocks])
    assert values.tolist() == [value for block in blocks for value in block]
    assert counts.tolist() == [len(block) for block in blocks]


@pytest.mark.parametrize("blocks", [[b"\x80"], [b"\x80", b"\x01"], [b"\x01\xff", b""], [b"\xff" * 10 + b"\x01"]])
def test_what_ends_within_a_number_or_is_too_long_is_malformed(blocks: list[bytes]):
    with pytest.raises(MalformedError):
        unpack_varints(blocks)
