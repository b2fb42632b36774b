"""Values of entries, merged."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rta.consumer.values import Allowance, Path, clear, leaves, merge
from rta.wire.values import Ns


class Kept:
    def __init__(self, values: int = 10_000, characters: int = 1 << 20) -> None:
        self.allowance = Allowance(values, characters)
        self.values: dict[str, Any] = {}
        self.at: dict[Path, Ns] = {}

    def merge(self, values: dict[str, Any], ts: int = 1, newest: bool = True) -> int:
        return merge(self.values, self.at, values, Ns(ts), self.allowance, newest)


def naive(into: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            if any(True for _ in leaves(value)):
                if not isinstance(into.get(name), dict):
                    into[name] = {}
                naive(into[name], value)
        else:
            into[name] = value


VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.text("ab", max_size=3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@settings(deadline=None)
@given(st.lists(MAPS, max_size=8))
def test_merging_is_deep_and_what_is_forgotten_leaves_nothing_behind(entries):
    kept, expected = Kept(), {}
    for ts, values in enumerate(entries):
        assert kept.merge(values, ts) == 0
        naive(expected, values)
    assert kept.values == expected
    assert kept.at.keys() == {path for path, _ in leaves(expected)}
    clear(kept.values, kept.at, kept.allowance)
    assert kept.allowance.acquire(10_000, 1 << 20)


@settings(deadline=None)
@given(st.lists(st.tuples(MAPS, st.booleans(), st.integers(0, 5)), max_size=12), st.integers(0, 6), st.integers(0, 40))
def test_over_the_bound_values_are_left_out_and_no_room_is_lost(entries, values, characters):
    kept = Kept(values, characters)
    for entry, newest, ts in entries:
        kept.merge(entry, ts, newest)
        assert len(kept.at) <= values
        assert kept.at.keys() == {path for path, _ in leaves(kept.values)}
    clear(kept.values, kept.at, kept.allowance)
    assert kept.allowance.acquire(values, characters)


def test_an_earlier_entry_only_adds_what_is_not_known():
    kept = Kept()
    kept.merge({"rpm": 5, "sg": {"1": 1}}, ts=10)
    kept.merge({"rpm": 4, "oil": 7, "sg": {"1": 0, "2": 0}}, ts=5, newest=False)
    assert kept.values == {"rpm": 5, "oil": 7, "sg": {"1": 1, "2": 0}}
    assert kept.at["oil",] == 5


def test_what_is_left_out_is_counted_value_by_value():
    kept = Kept(values=2)
    assert kept.merge({"a": 1, "b": 2, "c": 3, "d": {"e": 4}}) == 2
    assert kept.merge({"a": 9}) == 0
    assert kept.values == {"a": 9, "b": 2}


def test_a_value_that_has_become_too_large_is_not_shown_as_it_was():
    kept = Kept(characters=20)
    kept.merge({"a": "x"})
    assert kept.merge({"a": "x" * 100}) == 1
    assert kept.values == {}
