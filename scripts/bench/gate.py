"""Numbers that harness, service and sink share through a file mapped into memory: reading one costs no system call."""

from __future__ import annotations

import mmap
from enum import IntEnum
from pathlib import Path

__all__ = ["Gate", "Slot"]

_SIZE = 4096


class Slot(IntEnum):
    """What each number means. `sink.c` knows `SLOWEST` by its place."""

    READY = 0
    """The sessions are open."""
    LOAD = 1
    """The log may be filled."""
    LOADED = 2
    """The log has been filled."""
    GO = 3
    """Bursts may flow."""
    BEGUN = 4
    """When they began to, ns since the Unix epoch."""
    SLOWEST = 5
    """Bursts that the slowest client has, in steps."""
    SENT = 6
    """Bursts that a paced source has appended, or samples of one that makes changes."""
    ENOUGH = 7
    """Nothing more is to come."""


class Gate:
    """The numbers, by slot."""

    def __init__(self, path: Path) -> None:
        """The file is made if it is not there; made anew, all numbers are 0."""
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._numbers = memoryview(self._map).cast("Q")

    def __getitem__(self, slot: Slot) -> int:
        return self._numbers[slot]

    def __setitem__(self, slot: Slot, value: int) -> None:
        self._numbers[slot] = value
