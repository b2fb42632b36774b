"""Looking for sessions: listing what a buffer knows may be costly, so it is not done too often."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import trio

from rta.ports import SessionRecord

__all__ = ["SessionListCache"]

_SHARE = 0.05  # of the time that may go into looking, however often the list is asked for
_OLDEST = 30.0  # seconds a list may be old


class SessionListCache:
    """The sessions a buffer knows, as of a short while ago."""

    def __init__(self, look: Callable[[], Awaitable[list[SessionRecord]]]) -> None:
        self._look = look
        self._looking = trio.Lock()
        self._records: list[SessionRecord] = []
        self._good_until = -math.inf
        self._began = -math.inf

    @property
    def age(self) -> float:
        """Of the list, seconds: what began since then may be missing."""
        return trio.current_time() - self._began

    async def records(self) -> list[SessionRecord]:
        """All of them; the same list as long as it is not looked for anew.

        :raises TransportError: the buffer cannot be read.
        """
        async with self._looking:
            began = trio.current_time()
            if began >= self._good_until:
                self._records = await self._look()
                self._began = began
                took = trio.current_time() - began
                self._good_until = began + took + min(took / _SHARE, _OLDEST)
            return self._records
