"""Frames that follow each other and leave in one `send`, each of them whole."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from rta.ports.values import Position

__all__ = ["BATCH_BYTES", "PartialSend", "FrameBatch"]

BATCH_BYTES = 64 << 10
"""A longer frame leaves alone, and no run gets longer."""


class PartialSend(NamedTuple):
    """Where a client is that took a part of a run."""

    position: Position
    rest: int
    """Bytes that it lacks of the frame it was given last."""
    begun: int
    """Frames that it was given."""


class FrameBatch:
    """What one view has been owed since `before`."""

    __slots__ = ("_before", "_ends", "_frames", "_positions", "range_version", "size")

    def __init__(self, before: Position, range_version: int) -> None:
        """`range_version`: which time range the view's clients know once they have it."""
        self._before = before
        self._frames: list[bytes] = []
        self._ends: list[int] = []
        self._positions: list[Position] = []
        self.range_version = range_version
        self.size = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: bytes, position: Position) -> None:
        """The frame of the entry at `position`."""
        self.size += len(frame)
        self._frames.append(frame)
        self._ends.append(self.size)
        self._positions.append(position)

    def joined(self) -> bytes:
        """All of it."""
        return self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)

    def cut(self, taken: int) -> PartialSend:
        """How far so many bytes bring a client, frames that were begun included."""
        if taken == 0:
            return PartialSend(self._before, 0, 0)
        if taken < 0:  # the socket is broken
            return PartialSend(self._positions[-1], 0, 0)
        last = bisect_left(self._ends, taken)
        return PartialSend(self._positions[last], self._ends[last] - taken, last + 1)
