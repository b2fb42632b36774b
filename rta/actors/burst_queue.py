"""The bursts of a session that wait to be sampled: bounded in bytes, and never waited with."""

from __future__ import annotations

from collections import deque

import trio

from rta.session.client import SessionRun
from rta.wire import Burst

__all__ = ["BurstQueue"]


class BurstQueue:
    """First in, first out; at the bound the newest is refused."""

    def __init__(self, max_bytes: int) -> None:
        """Packed bytes; a single burst may be larger."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._bursts: deque[tuple[Burst, SessionRun]] = deque()
        self._came = trio.Event()

    def __len__(self) -> int:
        return len(self._bursts)

    def put(self, burst: Burst, run: SessionRun) -> bool:
        """A burst of a run of the session; whether there was room for it."""
        size = len(burst.packed)
        if self._bursts and self._bytes + size > self._max_bytes:
            return False
        self._bursts.append((burst, run))
        self._bytes += size
        self._came.set()
        return True

    def wake(self) -> None:
        """Have `get` return, with or without a burst."""
        self._came.set()

    async def get(self) -> tuple[Burst, SessionRun] | None:
        """The next one; None when there is none after all. For one task."""
        await self._came.wait()
        if not self._bursts:
            self._came = trio.Event()
            return None
        burst, run = self._bursts.popleft()
        self._bytes -= len(burst.packed)
        return burst, run
