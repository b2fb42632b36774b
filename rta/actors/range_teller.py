"""The range teller: sends live clients the time range of their session when it is due.

Owns the set of feeds that may have something to tell. Receives feeds; their fan-out sends. Ends with the hub.
"""

from __future__ import annotations

import trio

from rta.session.feed import SessionFeed
from rta.wakeup import Wakeup

__all__ = ["RangeTeller"]

_REST = 1e-4  # seconds for each client that has been told, some ten times what it takes


class RangeTeller:
    """When to tell is `FanOut.tell_ranges`; this waits for it."""

    def __init__(self) -> None:
        self._due: set[SessionFeed] = set()
        self._noted = Wakeup()

    def add(self, feed: SessionFeed) -> None:
        """The feed may have something to tell."""
        self._due.add(feed)
        self._noted.set()

    def discard(self, feed: SessionFeed) -> None:
        """The feed is followed no longer."""
        self._due.discard(feed)

    async def run(self) -> None:
        """Until cancelled. Sleeps at most `RANGE_INTERVAL` at a time while something is due.

        Clients that get nothing else are told less often when there are thousands of them: who gets data goes first.
        """
        while True:
            await self._noted.wait()
            feeds, self._due = self._due, set()
            next_due: list[float] = []
            for feed in feeds:
                told, due = feed.fan_out.tell_ranges(trio.current_time())
                if due is not None:
                    self._due.add(feed)
                    next_due.append(due)
                if told:
                    await trio.sleep(told * _REST)
            if next_due:
                self._noted.set()
                await trio.sleep_until(min(next_due))
