"""The list of the sessions that a buffer knows. Listing them may be costly, so the list is kept for a while."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import trio

from rta.ports import SessionRecord

__all__ = ["SessionListCache"]

_SHARE = 0.05  # of the time that may go into listing, however often the list is asked for
_OLDEST = 30.0  # seconds a list may be old


class SessionListCache:
    """The sessions a buffer knows, as of a short while ago."""

    def __init__(self, list_sessions: Callable[[], Awaitable[list[SessionRecord]]]) -> None:
        self._list_sessions = list_sessions
        self._listing = trio.Lock()
        self._records: list[SessionRecord] = []
        self._good_until = -math.inf
        self._began = -math.inf

    @property
    def age(self) -> float:
        """Seconds since the list was made: a session that has begun since then may be missing."""
        return trio.current_time() - self._began

    def list_anew(self) -> None:
        """Whoever asks next gets a list that is made then."""
        self._good_until = -math.inf

    async def records(self) -> list[SessionRecord]:
        """All of them; the same list object until it is made anew.

        :raises TransportError: the buffer cannot be read.
        """
        async with self._listing:
            began = trio.current_time()
            if began >= self._good_until:
                self._records = await self._list_sessions()
                self._began = began
                took = trio.current_time() - began
                self._good_until = began + took + min(took / _SHARE, _OLDEST)
            return self._records
