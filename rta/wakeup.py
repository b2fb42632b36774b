"""Waking a task that waits for something to do."""

from __future__ import annotations

import trio

__all__ = ["Wakeup"]


class Wakeup:
    """An event that arms itself again: `wait` returns once for any number of calls of `set` since it last returned.

    A `set` that nobody waits for is kept for the next `wait`; so a task that first looks for work and then waits misses
    nothing. Several tasks may wait: all of them return. Each has to check for itself what has changed.
    """

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """Wake whoever waits, or the next one who does. Never blocks."""
        self._event.set()

    def clear(self) -> None:
        """Forget a `set` that nobody has waited for: what it told of has been found already."""
        if self._event.is_set():
            self._event = trio.Event()

    async def wait(self) -> None:
        """Wait for `set`. A checkpoint; a cancelled call leaves the next one what it would have returned for."""
        event = self._event
        await event.wait()
        if self._event is event:
            self._event = trio.Event()
