"""The order of sessions in a list, for merging lists that are sorted already. The same as the one of SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

from rta.session_catalogue.properties import SessionProperty, canonical
from rta.session_query import SortKey

__all__ = ["UNSORTABLE", "SortValue", "listing_order", "sort_values"]

UNSORTABLE = frozenset({"children", "alternates"})
"""Properties with several values: sessions do not differ in them."""

SortValue = tuple[int, Any]
"""The kind of a value, by which values of different kinds are sorted, and the value; nothing is 0 and None."""

MISSING: SortValue = (0, None)


def sort_values(properties: Sequence[SessionProperty], keys: Sequence[SortKey]) -> tuple[SortValue, ...]:
    """By what a session with these properties is sorted."""
    paths = [canonical(key.path) for key in keys]
    found = {p.path: (int(p.kind), p.value) for p in properties if p.path in paths and p.path not in UNSORTABLE}
    return tuple(found.get(path, MISSING) for path in paths)


def listing_order(keys: Sequence[SortKey]) -> Callable[[tuple[tuple[SortValue, ...], str]], Any]:
    """A key for `sorted` of what sessions are sorted by, and their identities."""

    def compare(one: tuple[tuple[SortValue, ...], str], other: tuple[tuple[SortValue, ...], str]) -> int:
        for a, b, key in zip(one[0], other[0], keys, strict=True):
            if a != b:
                return -1 if (a < b) is not key.descending else 1
        return (one[1] > other[1]) - (one[1] < other[1])

    return cmp_to_key(compare)
