"""When the credentials of clients end. Plain: time is passed in.

Their ends are wall time, and so is what decides: a clock that was wrong and is put right is believed, forwards and
backwards. When it jumps it may be wrong only now, and nobody is to lose their connection for that; it has to stay where
it is for a while before it counts. Nothing of that is remembered: whoever is signed out may come back at once.
"""

from __future__ import annotations

from heapq import heappop, heappush

__all__ = ["CredentialEnds"]

_JUMP = 1_000_000_000  # ns between two calls by which the clock may differ from the monotonic one
_SETTLED = 10.0  # seconds after a jump until it is believed


class CredentialEnds:
    """A heap of ends, which costs nothing until one is due."""

    def __init__(self) -> None:
        self._ends: list[tuple[int, int]] = []
        self._offset: int | None = None
        """Wall time minus monotonic time, in ns, at the last call."""
        self._believed = float("-inf")

    def add(self, number: int, ends: int) -> None:
        """`number`: of a client. `ends`: ns since the Unix epoch."""
        heappush(self._ends, (ends, number))

    def due(self, wall: int, monotonic: float) -> list[int]:
        """Whose credentials have ended; each is said once. `wall`: ns since the Unix epoch; `monotonic`: seconds."""
        offset = wall - round(monotonic * 1e9)
        if self._offset is not None and abs(offset - self._offset) > _JUMP and monotonic >= self._believed:
            self._believed = monotonic + _SETTLED
        self._offset = offset
        due: list[int] = []
        while monotonic >= self._believed and self._ends and self._ends[0][0] <= wall:
            due.append(heappop(self._ends)[1])
        return due
