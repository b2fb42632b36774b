"""When the full update of each alarm code is to be sent. Source: docs/rsmp.md, "Alarms". No clock is read here."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["Fulls"]

_REPEAT = 300.0  # s
_GAP = 1.0  # s between two of one code; what changes meanwhile is in the second


class Fulls:
    """A full update is due at once after a change, but at most once a second for each code; and every five minutes.
    Times are steady seconds."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._sent = dict.fromkeys(codes, -math.inf)
        self._due = dict.fromkeys(self._sent, math.inf)
        self._changed: set[str] = set()
        self.next = math.inf
        """When the next full update is due."""

    def all(self, now: float) -> None:
        """There is a new connection: all are due now."""
        self._due = dict.fromkeys(self._sent, now)
        self.next = now

    def changed(self, code: str, now: float) -> None:
        """An alarm of this code has changed."""
        self._changed.add(code)
        self._due[code] = min(self._due[code], max(now, self._sent[code] + _GAP))
        self.next = min(self.next, self._due[code])

    def drain(self, now: float) -> list[str]:
        """The codes whose full updates are due. They count as sent now."""
        if now < self.next:
            return []
        due = [code for code, at in self._due.items() if at <= now]
        for code in due:
            self._sent[code], self._due[code] = now, now + _REPEAT
        self._changed.difference_update(due)
        self.next = min(self._due.values(), default=math.inf)
        return due

    def waiting(self) -> list[str]:
        """The codes that have changed since their last full update."""
        return sorted(self._changed)
