"""A session's recent bursts, once for all its clients, bounded in bytes."""

from __future__ import annotations

from bisect import bisect_right

from rta.ports.values import Position
from rta.wire.block import TARGET
from rta.wire.burst import Burst

__all__ = ["Ring"]


class Ring:
    """Bursts by position, and a grid of places where merged frames end.

    Clients that are behind stand at all sorts of positions; because their frames end on the same grid, they share
    frames from the second one on. The grid outlives the bursts: it serves readers of the log too.
    """

    _OVERHEAD = 300
    _GRID = 1 << 16

    def __init__(self, bound: int, floor: Position) -> None:
        self.bound = bound
        self.floor = floor
        """Everything of the session behind this position, up to the newest, is here."""
        self.bytes = 0
        self._positions: list[Position] = []
        self._bursts: list[Burst] = []
        self._gone = 0
        self._grid: list[Position] = []
        self._open = 0

    def append(self, position: Position, burst: Burst) -> None:
        """Add the newest burst; the oldest go when the bound is exceeded."""
        if self._open and self._open + burst.raw_size > TARGET:
            self._grid.append(self._positions[-1] if len(self._positions) > self._gone else self.floor)
            self._open = 0
            if len(self._grid) > self._GRID:
                del self._grid[: self._GRID // 2]
        self._open += burst.raw_size
        self._positions.append(position)
        self._bursts.append(burst)
        self.bytes += self._cost(burst)
        while self.bytes > self.bound and self._gone < len(self._positions):
            self.floor = self._positions[self._gone]
            self.bytes -= self._cost(self._bursts[self._gone])
            self._bursts[self._gone] = _DROPPED
            self._gone += 1
        if self._gone > 1024 and self._gone * 2 > len(self._positions):
            del self._positions[: self._gone], self._bursts[: self._gone]
            self._gone = 0

    def _cost(self, burst: Burst) -> int:
        """Session JSON is kept as it was unpacked."""
        return len(burst.packed) + self._OVERHEAD + sum(map(len, burst.session_json))

    def grid_end(self, after: Position) -> Position | None:
        """The first grid line behind a position."""
        i = bisect_right(self._grid, after)
        return self._grid[i] if i < len(self._grid) else None

    def piece(self, after: Position) -> tuple[list[Burst], Position] | None:
        """The bursts behind a position up to the next grid line, about `TARGET` bytes, and where they end.

        None when nothing is behind it. `after` must not be before the floor.
        """
        first = max(bisect_right(self._positions, after), self._gone)
        if first >= len(self._positions):
            return None
        line = self.grid_end(after)
        last = len(self._positions) if line is None else bisect_right(self._positions, line)
        size, stop = 0, first
        while stop < last and (stop == first or size + self._bursts[stop].raw_size <= TARGET):
            size += self._bursts[stop].raw_size
            stop += 1
        return self._bursts[first:stop], self._positions[stop - 1]


_DROPPED = Burst(b"", 0, (), None, False, False)
