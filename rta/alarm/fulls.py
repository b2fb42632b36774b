"""When the full update of which alarm is to be sent. Source: docs/rsmp.md, "Alarms". No clock is read here."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["Fulls"]

_REPEAT = 300.0  # s
_GAP = 1.0  # s between two of one code; what changes meanwhile is in the second


class Fulls:
    """At once where something has changed, but not more often than once a second; and every five minutes. Times are
    steady seconds."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._sent = dict.fromkeys(codes, -math.inf)
        self._due = dict.fromkeys(self._sent, math.inf)
        self._changed: set[str] = set()
        self.next = math.inf
        """When the next is due."""

    def all(self, now: float) -> None:
        """There is a connection: all of them, now."""
        self._due = dict.fromkeys(self._sent, now)
        self.next = now

    def changed(self, code: str, now: float) -> None:
        """Something of this code has."""
        self._changed.add(code)
        self._due[code] = min(self._due[code], max(now, self._sent[code] + _GAP))
        self.next = min(self.next, self._due[code])

    def drain(self, now: float) -> list[str]:
        """The codes of those that are due, taken to be sent now."""
        if now < self.next:
            return []
        due = [code for code, at in self._due.items() if at <= now]
        for code in due:
            self._sent[code], self._due[code] = now, now + _REPEAT
        self._changed.difference_update(due)
        self.next = min(self._due.values(), default=math.inf)
        return due

    def waiting(self) -> list[str]:
        """The codes of those that have changed since."""
        return sorted(self._changed)
