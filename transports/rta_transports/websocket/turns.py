"""Few things at once in one turn of the event loop, so that live data is not held up by many that come together."""

from __future__ import annotations

import trio

__all__ = ["Turns"]


class Turns:
    """Whoever waits for one goes on in a turn in which only a few do."""

    def __init__(self, at_once: int) -> None:
        self._free = trio.Semaphore(at_once)

    async def next(self) -> None:
        """The turn of who asks. A checkpoint."""
        try:
            self._free.acquire_nowait()
        except trio.WouldBlock:
            await self._free.acquire()
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self._free.release()
