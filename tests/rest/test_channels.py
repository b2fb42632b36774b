"""Channel expressions. Source: docs/rest.md, "Data"."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.rest.channels import read_channels

LAST = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("-5,7,B-D,14-", ((0, 5), (7, 7), (0xB, 0xD), (0x14, LAST))),
        ("0-7f", ((0, 0x7F),)),
        ("1,A-F", ((1, 1), (10, 15))),
        ("1,a-F", ((1, 1), (10, 15))),
        ("-", ((0, LAST),)),
        ("0-ffffffff", ((0, LAST),)),
        ("FFFFFFFF", ((LAST, LAST),)),
        ("00000001", ((1, 1),)),
        ("7,5,6,5-5", ((5, 7),)),
        ("7-5,1", ((1, 1),)),
        ("7-5", ()),
        ("8-,1,3-,-0", ((0, 1), (3, LAST))),
    ],
)
def test_an_expression_says_which_channels_are_wanted(text, ranges):
    assert read_channels(text) == ranges


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,", ",1", "1,,2", "x", "1 ", " 1", "1--2", "1-2-3", "--", "+1", "0x1", "1.0", "-g", "123456789",
     "1-123456789", "123456789-", "１", "1\x00", "1;2", "1_0"],
)  # fmt: skip
def test_anything_else_is_refused_and_the_text_says_what_would_be_right(text):
    with pytest.raises(MalformedError, match=r"expected .*-") as caught:
        read_channels(text)
    assert caught.value.kind == "channels"


@pytest.mark.parametrize("text", [",".join(["1"] * 2049), "1" * 16385, "," * 10**6])
def test_an_endless_expression_is_not_read(text):
    with pytest.raises(MalformedError, match="at most 2048 items in 16384 characters"):
        read_channels(text)


def test_the_longest_expression_is_read():
    assert read_channels(",".join(f"{2 * n:x}" for n in range(2048))) == tuple((2 * n, 2 * n) for n in range(2048))


ENDS = st.none() | st.integers(0, LAST)


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1), st.booleans(), st.sets(st.integers(0, LAST)))
def test_a_channel_is_wanted_if_an_item_has_it(items, upper, more):
    items = [(a, b) for a, b in items if a is None or b is None or a <= b] or [(None, None)]
    text = ",".join(f"{'' if a is None else f'{a:x}'}-{'' if b is None else f'{b:x}'}" for a, b in items)
    ranges = read_channels(text.upper() if upper else text)
    closed = [(a or 0, LAST if b is None else b) for a, b in items]
    for channel in more | {c + d for pair in closed for c in pair for d in (-1, 0, 1)}:
        if 0 <= channel <= LAST:
            assert any(a <= channel <= b for a, b in ranges) == any(a <= channel <= b for a, b in closed)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(ranges)), "they rise and do not touch"
