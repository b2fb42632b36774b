"""How often each of the numbers 0, 1, 2, … has come."""

from __future__ import annotations

__all__ = ["Numbers"]

_MOST = 255


class Numbers:
    """A byte for each. Plain code."""

    def __init__(self) -> None:
        self._times = bytearray()
        self.different = 0
        """How many have come at all."""

    def add(self, number: int) -> int:
        """How often it has come by now; at most 255."""
        if number >= len(self._times):
            self._times.extend(bytes(number + 1024 - len(self._times)))
        times = self._times[number] = min(self._times[number] + 1, _MOST)
        self.different += times == 1
        return times

    def missing(self, count: int) -> list[int]:
        """Those below `count` that have not come."""
        return [i for i in range(count) if i >= len(self._times) or not self._times[i]]
