"""The values of a stream, merged deeply from its entries, and bounded for each node. Plain code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rta.consumer.memory_size import characters
from rta.wire.values import Ns

__all__ = ["Allowance", "Path", "clear", "leaves", "merge"]

Path = tuple[str, ...]
"""Where a value is: the attribute, and below it the component."""


class Allowance:
    """The room that is left for one node: a number of values, and of characters in them and their names."""

    def __init__(self, values: int = 10_000, characters: int = 2 << 20) -> None:
        self._values = values
        self._characters = characters

    def acquire(self, values: int, characters: int) -> bool:
        """Take up so much room; False: there is not so much left."""
        if values > self._values or characters > self._characters:
            return False
        self._values -= values
        self._characters -= characters
        return True

    def release(self, values: int, characters: int) -> None:
        """Give room back."""
        self._values += values
        self._characters += characters


def leaves(values: dict[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is not a map, with its path."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def merge(
    into: dict[str, Any],
    at: dict[Path, Ns],
    values: dict[str, Any],
    ts: Ns,
    allowance: Allowance,
    newest: bool = True,
) -> int:
    """Put the values of an entry into those that are known; `at` is the time of each. Returns how many had no room.

    `newest`: the entry is the newest; otherwise only values that are unknown or older are replaced.
    """
    left_out = 0
    for path, value in leaves(values):
        if not newest and not _is_older(into, at, path, ts):
            continue
        left_out += not _put(into, at, path, value, ts, allowance)
    return left_out


def clear(into: dict[str, Any], at: dict[Path, Ns], allowance: Allowance) -> None:
    """Forget all values."""
    for path, value in leaves(into):
        allowance.release(1, _size(path, value))
    into.clear()
    at.clear()


def _is_older(into: dict[str, Any], at: dict[Path, Ns], path: Path, ts: Ns) -> bool:
    if path in at:
        return at[path] < ts
    place: Any = into
    for name in path:
        if not isinstance(place, dict):
            return False  # by now, the value has another shape
        if name not in place:
            return True
        place = place[name]
    return False


def _put(into: dict[str, Any], at: dict[Path, Ns], path: Path, value: Any, ts: Ns, allowance: Allowance) -> bool:
    if path in at:
        return _replace(into, at, path, value, ts, allowance)
    if not allowance.acquire(1, _size(path, value)):
        return False
    place = into
    for depth, name in enumerate(path[:-1], 1):
        if not isinstance(place.get(name), dict):
            if name in place:
                _drop(into, at, path[:depth], allowance)
            place[name] = {}
        place = place[name]
    inner = place.get(path[-1])
    if isinstance(inner, dict):
        for below, old in leaves(inner, path):
            allowance.release(1, _size(below, old))
            del at[below]
    place[path[-1]] = value
    at[path] = ts
    return True


def _replace(into: dict[str, Any], at: dict[Path, Ns], path: Path, value: Any, ts: Ns, allowance: Allowance) -> bool:
    place = into
    for name in path[:-1]:
        place = place[name]
    if not allowance.acquire(0, characters(value) - characters(place[path[-1]])):
        _drop(into, at, path, allowance)  # no room for the new value, and the old one is not true any more
        _prune(into, path)
        return False
    place[path[-1]] = value
    at[path] = ts
    return True


def _drop(into: dict[str, Any], at: dict[Path, Ns], path: Path, allowance: Allowance) -> None:
    """Remove a value; the maps around it stay."""
    place = into
    for name in path[:-1]:
        place = place[name]
    allowance.release(1, _size(path, place.pop(path[-1])))
    del at[path]


def _prune(into: dict[str, Any], path: Path) -> None:
    """Remove the maps that a removed value has left empty."""
    above = [into]
    for name in path[:-1]:
        above.append(above[-1][name])
    for place, name in zip(reversed(above[:-1]), reversed(path[:-1]), strict=True):
        if not place[name]:
            del place[name]


def _size(path: Path, value: Any) -> int:
    return sum(map(len, path)) + characters(value)
