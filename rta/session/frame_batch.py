"""Frames that follow each other and leave in one `send`, each of them whole."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from rta.ports.values import Position

__all__ = ["BATCH_BYTES", "FrameBatch", "PartialSend"]

BATCH_BYTES = 64 << 10
"""A longer frame leaves alone, and no batch gets longer."""


class PartialSend(NamedTuple):
    """How far a client is that took only a part of a batch."""

    position: Position
    """Of the last entry whose frame it was given, whole or in part."""
    rest: int
    """Bytes that it lacks of that frame."""
    frames: int
    """That it was given, the last one perhaps in part."""
    bursts: int
    """In those frames."""


class FrameBatch:
    """Frames for the live clients of one view."""

    __slots__ = ("_before", "_bursts", "_ends", "_frames", "_positions", "range_version", "size")

    def __init__(self, before: Position, range_version: int) -> None:
        """`before`: where the clients are as long as they have taken nothing. `range_version`: which time range they
        know once they have all of it."""
        self._before = before
        self._frames: list[bytes] = []
        self._ends: list[int] = []
        self._bursts: list[int] = []
        self._positions: list[Position] = []
        self.range_version = range_version
        self.size = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: bytes, position: Position, bursts: int = 1) -> None:
        """The frame that brings clients to `position`, and how many bursts are in it."""
        self.size += len(frame)
        self._frames.append(frame)
        self._ends.append(self.size)
        self._bursts.append(bursts)
        self._positions.append(position)

    @property
    def bursts(self) -> int:
        """In all frames."""
        return sum(self._bursts)

    def joined(self) -> bytes:
        """All frames, one after the other."""
        return self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)

    def cut(self, taken: int) -> PartialSend:
        """How far so many bytes bring a client; -1: its socket is broken."""
        if taken == 0:
            return PartialSend(self._before, 0, 0, 0)
        if taken < 0:
            return PartialSend(self._positions[-1], 0, 0, 0)
        last = bisect_left(self._ends, taken)
        return PartialSend(self._positions[last], self._ends[last] - taken, last + 1, sum(self._bursts[: last + 1]))
