"""Places in a stream."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rta.ports import START, Position

LAST = (1 << 64) - 1
counts = st.integers(0, LAST)
positions = st.builds(Position, counts, counts)


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (START, "0-0"),
        (Position(1700000000000, 0), "1700000000000-0"),
        (Position(5, 12), "5-12"),
        (Position(LAST, LAST), "18446744073709551615-18446744073709551615"),
    ],
)
def test_a_position_is_written_as_redis_writes_ids(position, text):
    assert str(position) == text
    assert Position.parse(text) == position


@given(positions)
def test_parse_is_the_inverse_of_str(position):
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "5-",
        "-5",
        "5-5-5",
        "a-1",
        "1-a",
        "+1-1",
        "1--1",
        "1.0-1",
        " 1-1",
        "1-1 ",
        "1-1\n",
        "$",
        "*",
        "1_0-1",
    ],
)
def test_what_is_not_a_position_is_refused_by_name(text):
    with pytest.raises(ValueError, match="is not a position like"):
        Position.parse(text)


@pytest.mark.parametrize("text", ["1" * 21 + "-0", "0-" + "1" * 21])
def test_what_is_too_long_for_a_position_is_refused(text):
    with pytest.raises(ValueError, match="is not a position like"):
        Position.parse(text)


@pytest.mark.parametrize(
    ("position", "before"),
    [
        (Position(5, 3), Position(5, 2)),
        (Position(5, 1), Position(5, 0)),
        (Position(5, 0), Position(4, LAST)),
        (Position(0, 1), START),
        (START, START),
    ],
)
def test_before_is_one_step_down_and_stops_at_the_start(position, before):
    assert position.before() == before


@given(positions, positions)
def test_nothing_is_between_a_position_and_the_one_before(position, other):
    assume(position != START)
    assert position.before() < position
    assert not position.before() < other < position


@given(positions, positions)
def test_positions_are_ordered_by_time_and_then_by_count(a, b):
    assert (a < b) == (a.ms < b.ms or (a.ms == b.ms and a.seq < b.seq))


@given(positions)
def test_nothing_is_before_the_start(position):
    assert position >= START
