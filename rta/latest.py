"""A value that one actor shows to others: an immutable snapshot, replaced as a whole."""

from __future__ import annotations

from typing import Generic, TypeVar

import trio

__all__ = ["Latest"]

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest of the values that one actor has shown. Those between it and the one a reader has seen are lost."""

    __slots__ = ("_changed", "_value")

    def __init__(self, value: T) -> None:
        """`value` must not be changed any more, here and in `show`."""
        self._value = value
        self._changed = trio.Event()

    @property
    def value(self) -> T:
        return self._value

    def show(self, value: T) -> None:
        """Replace it. Only its owner does."""
        self._value = value
        self._changed.set()
        self._changed = trio.Event()

    async def another(self, than: T) -> T:
        """Wait until it is another one than this."""
        while self._value == than:
            await self._changed.wait()
        return self._value
