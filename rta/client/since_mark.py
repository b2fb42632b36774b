"""What has come of a session since the last mark, so that what a new connection sends again is left out. No I/O."""

from __future__ import annotations

from collections import Counter

from rta.wire.block import pack
from rta.wire.burst import Burst, digest, join, split

__all__ = ["SinceMark"]


class SinceMark:
    """The samples and events behind a flush point, each item once, over any number of connections.

    A service sends an item the same way each time, byte for byte, whole; in which order, and in which bursts, may
    differ. Two that are equal are two. It holds what has come since the last mark: of about a second.
    """

    def __init__(self, point: str) -> None:
        self.point = point
        """The text of a flush point. All that was wanted up to here has come; the next connection begins behind it."""
        self._had: Counter[bytes] = Counter()
        self._again: Counter[bytes] = Counter()

    def connect(self) -> None:
        """A new connection begins behind the point: all that came since comes again."""
        self._again = Counter(self._had)

    def add(self, burst: Burst) -> Burst:
        """The next burst of a connection, without what has come by another."""
        if not (burst.has_data or burst.has_events):
            return burst
        items = split(burst.raw())
        new = [item for item in items if not self._is_again(item)]
        self._had.update(new)
        if len(new) == len(items):
            return burst
        raw = join(new)
        return digest(pack(raw), raw)

    def _is_again(self, item: bytes) -> bool:
        if not self._again.get(item):
            return False
        self._again[item] -= 1
        return True

    def mark(self, point: str) -> None:
        """Everything up to here has come."""
        self.point = point
        self._had.clear()
        self._again.clear()
