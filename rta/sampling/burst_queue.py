"""The bursts of a session that wait to be sampled. Plain code."""

from __future__ import annotations

from collections import deque

from rta.session.client import SessionRun
from rta.wire import Burst

__all__ = ["BurstQueue"]


class BurstQueue:
    """First in, first out, bounded in bytes; at the bound the newest is refused."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: packed; a single burst may be larger."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._bursts: deque[tuple[Burst, SessionRun]] = deque()

    def __len__(self) -> int:
        return len(self._bursts)

    def put(self, burst: Burst, run: SessionRun) -> bool:
        """A burst of a run of the session; whether there was room for it."""
        size = len(burst.packed)
        if self._bursts and self._bytes + size > self._max_bytes:
            return False
        self._bursts.append((burst, run))
        self._bytes += size
        return True

    def get(self) -> tuple[Burst, SessionRun] | None:
        """The oldest; None: the queue is empty."""
        if not self._bursts:
            return None
        burst, run = self._bursts.popleft()
        self._bytes -= len(burst.packed)
        return burst, run
