"""Which bursts are worth a pattern, and how many are kept."""

from __future__ import annotations

from itertools import pairwise

from rta.wire.bit_pattern import PatternCache


def test_a_size_that_has_come_before_is_admitted() -> None:
    patterns: PatternCache[str] = PatternCache()
    assert [patterns.admits(size) for size in (10, 20, 10, 20)] == [False, False, True, True]


def test_a_burst_that_resembles_another_than_the_last_of_its_size_is_not_admitted() -> None:
    patterns: PatternCache[str] = PatternCache()
    one, other = object(), object()
    assert [patterns.admits(10, of) for of in (one, other, one, one)] == [False, False, False, True]


def test_beyond_the_first_eight_there_is_one_pattern_for_every_thousand_bursts() -> None:
    patterns: PatternCache[str] = PatternCache()
    admitted = [n for n in range(12_000) if patterns.admits(10)]
    assert admitted[:8] == [*range(1, 9)]
    assert len(admitted) in (19, 20)
    assert all(b - a >= 999 for a, b in pairwise(admitted[8:]))


def test_credit_does_not_pile_up() -> None:
    patterns: PatternCache[str] = PatternCache()
    for size in range(50_000):
        assert not patterns.admits(size)
    assert sum(patterns.admits(0) for _ in range(100)) in (8, 9)


def test_eight_patterns_are_kept_and_the_oldest_goes() -> None:
    patterns: PatternCache[str] = PatternCache()
    for size in range(10):
        patterns.add(size, "pattern")
    assert [*patterns] == [*range(2, 10)]


def test_a_pattern_of_the_same_size_is_replaced_and_none_changes_nothing() -> None:
    patterns: PatternCache[str] = PatternCache()
    for size in range(8):
        patterns.add(size, "old")
    patterns.add(3, "new")
    patterns.add(4, None)
    assert dict(patterns) == {size: "new" if size == 3 else "old" for size in range(8)}


def test_few_sizes_are_remembered() -> None:
    patterns: PatternCache[str] = PatternCache()
    for size in range(65):
        patterns.admits(size)
    assert not patterns.admits(0)
