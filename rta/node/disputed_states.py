"""Which stream states are published anew because somebody else has published something else there. Plain code; times
are steady seconds.

What a topic says last is what is retained there. Our own older state may come back to us behind a newer one that is on
its way, so that a wrong state counts when no right one has followed it within a second.
"""

from __future__ import annotations

from math import inf

__all__ = ["DisputedStates"]

Key = tuple[str, str]

_FOLLOWS = 1.0  # s for the right state to follow
_AGAIN = 10.0  # s between two corrections of one stream: two with one id would correct each other without end


class DisputedStates:
    """The streams of one node; a key is code and name."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._earliest: dict[Key, float] = {}
        self._next = inf
        """Nothing is due before. Kept, since every message asks for it, and there may be thousands of streams."""

    def handle(self, key: Key, right: bool, now: float) -> None:
        """A state has been heard on the topic of a stream that there is; whether it is what the stream is."""
        if right:
            self._due.pop(key, None)
        else:
            due = self._due.setdefault(key, max(now + _FOLLOWS, self._earliest.get(key, now)))
            self._next = min(self._next, due)

    def connected(self) -> None:
        """All states are published anew."""
        self._due.clear()

    def due(self) -> float | None:
        """When there may be some to be published; None: not before something is heard."""
        return self._next if self._due else None

    def drain(self, now: float) -> list[Key]:
        """The streams whose state is to be published now."""
        if now < self._next:
            return []
        found = [key for key, due in self._due.items() if due <= now]
        for key in found:
            del self._due[key]
        self._next = min(self._due.values(), default=inf)
        self._earliest = {k: t for k, t in self._earliest.items() if t > now} | dict.fromkeys(found, now + _AGAIN)
        return found
