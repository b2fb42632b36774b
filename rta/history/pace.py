"""How much history may be on its way at once, so that live messages do not wait behind it.

The time until a message is acknowledged tells: what it takes longer than at best, it has spent waiting in line. On a
fast line that is nothing, and more and more may be on its way; on a slow one it becomes as little as is useful.
"""

from __future__ import annotations

from rta.rsmp.payload import MAX_PAYLOAD

__all__ = ["Pace"]

_SMALLEST = 4 << 10
_LARGEST = 512 << 10
_FIRST = 16 << 10
_WAIT = 0.25  # seconds in line that are too many


class Pace:
    """Of one connection."""

    def __init__(self) -> None:
        self.allowed = _FIRST
        """Bytes that may be on their way."""
        self._best = float("inf")

    @property
    def message(self) -> int:
        """Bytes that a message should have at most, so that several can be on their way."""
        return max(min(self.allowed // 2, MAX_PAYLOAD), _SMALLEST)

    def acknowledged(self, size: int, seconds: float) -> None:
        """A message of `size` bytes took so long."""
        self._best = min(self._best, seconds)
        if seconds > self._best + _WAIT:
            self.allowed = max(self.allowed // 2, _SMALLEST)
        else:
            self.allowed = min(self.allowed + size, _LARGEST)
