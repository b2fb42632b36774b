"""The ring: bounded, without holes, and cut at the same places for everybody."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from rta.ports import Position
from rta.session.ring import Ring
from rta.wire import TARGET, Burst

sizes = st.lists(st.sampled_from([0, 1, 40, 1000, 20_000, TARGET - 1, TARGET, TARGET + 1, 300_000]), max_size=60)


def burst(size: int, packed: int | None = None) -> Burst:
    return Burst(bytes(size // 10 if packed is None else packed), size, (), None, True, False)


def at(i: int) -> Position:
    return Position(1000 + i, 0)


def walk(ring: Ring, after: Position) -> list[tuple[list[Burst], Position]]:
    """All pieces behind a position."""
    out = []
    while (found := ring.piece(after)) is not None:
        out.append(found)
        assert found[1] > after
        after = found[1]
    return out


@settings(deadline=None)
@given(sizes, st.integers(0, 40_000))
def test_the_bound_holds_after_every_append(appended: list[int], bound: int) -> None:
    ring = Ring(bound, at(0))
    for i, size in enumerate(appended, 1):
        ring.append(at(i), burst(size))
        assert ring.bytes <= bound


@settings(deadline=None)
@given(sizes, st.integers(0, 40_000), st.data())
def test_pieces_hold_everything_behind_a_position_once_and_in_order(
    appended: list[int], bound: int, data: st.DataObject
) -> None:
    ring = Ring(bound, at(0))
    bursts = [burst(size) for size in appended]
    for i, b in enumerate(bursts, 1):
        ring.append(at(i), b)
    first = ring.floor.ms - 1000
    start = data.draw(st.integers(first, len(bursts)))
    pieces = walk(ring, at(start))
    assert [id(b) for some, _ in pieces for b in some] == [id(b) for b in bursts[start:]]
    taken = start
    for some, end in pieces:
        taken += len(some)
        assert end == at(taken)


@settings(deadline=None)
@given(sizes)
def test_a_piece_holds_at_most_the_target_or_a_single_burst(appended: list[int]) -> None:
    ring = Ring(1 << 30, at(0))
    for i, size in enumerate(appended, 1):
        ring.append(at(i), burst(size))
    for some, _ in walk(ring, at(0)):
        assert len(some) == 1 or sum(b.raw_size for b in some) <= TARGET


@settings(deadline=None)
@given(sizes)
def test_two_pieces_in_a_row_would_not_fit_into_one(appended: list[int]) -> None:
    ring = Ring(1 << 30, at(0))
    for i, size in enumerate(appended, 1):
        ring.append(at(i), burst(size))
    pieces = walk(ring, at(0))
    for (some, _), (others, _) in itertools.pairwise(pieces):
        assert sum(b.raw_size for b in some) + others[0].raw_size > TARGET


@settings(deadline=None)
@given(sizes, st.data())
def test_readers_from_different_places_meet_at_the_next_grid_line(appended: list[int], data: st.DataObject) -> None:
    ring = Ring(1 << 30, at(0))
    for i, size in enumerate(appended, 1):
        ring.append(at(i), burst(size))
    one, other = data.draw(st.integers(0, len(appended))), data.draw(st.integers(0, len(appended)))
    line = ring.grid_end(at(max(one, other)))
    if line is not None:
        ends = [{end for _, end in walk(ring, at(start))} for start in (one, other)]
        assert line in ends[0]
        assert {e for e in ends[0] if e >= line} == {e for e in ends[1] if e >= line}


@settings(deadline=None)
@given(sizes, st.integers(0, 40_000))
def test_the_grid_is_the_same_however_little_the_ring_holds(appended: list[int], bound: int) -> None:
    small, large = Ring(bound, at(0)), Ring(1 << 30, at(0))
    for i, size in enumerate(appended, 1):
        small.append(at(i), burst(size))
        large.append(at(i), burst(size))
    for i in range(len(appended) + 1):
        assert small.grid_end(at(i)) == large.grid_end(at(i))


def test_an_empty_ring_has_no_piece() -> None:
    assert Ring(1000, at(5)).piece(at(5)) is None


def test_what_was_dropped_is_behind_the_floor() -> None:
    ring = Ring(1000, at(0))
    for i in range(1, 10):
        ring.append(at(i), burst(0, packed=100))
    assert ring.floor == at(7)
    assert ring.bytes == 800
    found = ring.piece(ring.floor)
    assert found is not None
    assert len(found[0]) == 2


def test_a_burst_larger_than_the_ring_is_not_kept() -> None:
    ring = Ring(1000, at(0))
    ring.append(at(1), burst(0, packed=2000))
    assert ring.floor == at(1)
    assert ring.bytes == 0
    assert ring.piece(at(1)) is None


def test_the_ring_stays_right_when_thousands_have_come_and_gone() -> None:
    ring = Ring(10_000, at(0))
    for i in range(1, 10_000):
        ring.append(at(i), burst(100, packed=100))
    assert sum(len(some) for some, _ in walk(ring, ring.floor)) == 25
    assert walk(ring, ring.floor)[-1][1] == at(9_999)


def test_the_grid_outlives_the_bursts_and_is_bounded() -> None:
    ring = Ring(0, at(0))
    for i in range(1, 70_000):
        ring.append(at(i), burst(TARGET, packed=0))
    lines = []
    line = ring.grid_end(at(0))
    while line is not None:
        lines.append(line)
        line = ring.grid_end(line)
    assert 1 << 15 <= len(lines) <= 1 << 16
    assert lines[-1] == at(69_998)
