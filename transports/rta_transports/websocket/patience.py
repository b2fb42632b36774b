"""How long one client may keep us waiting: for a while at first, and longer the more it gives or takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import trio

__all__ = ["Patience"]


class Patience:
    """Counts only the time in which we wait for the client."""

    def __init__(self, *, grace: float, rate: float, once: float, in_all: float = math.inf) -> None:
        """`grace`: seconds that cost no bytes; `rate`: bytes a second from then on; `once`: the longest single wait;
        `in_all`: the longest together.
        """
        self._grace = grace
        self._rate = rate
        self._once = once
        self._in_all = in_all
        self._waited = 0.0
        self._moved = 0

    def add(self, count: int) -> None:
        """So many bytes have come, or have been taken."""
        self._moved += count

    @property
    def left(self) -> float:
        """Seconds for the next wait."""
        in_all = min(self._in_all, self._grace + self._moved / self._rate)
        return max(0.0, min(self._once, in_all - self._waited))

    @contextmanager
    def limit(self) -> Iterator[trio.CancelScope]:
        """A wait, which is given up when there is no patience left."""
        began = trio.current_time()
        try:
            with trio.move_on_after(self.left) as scope:
                yield scope
        finally:
            self._waited += trio.current_time() - began
