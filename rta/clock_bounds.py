"""Which times can be right. A node that has just been switched on may believe that it is 1970."""

from __future__ import annotations

from attrs import frozen

__all__ = ["AHEAD", "BEHIND", "ClockBounds"]

AHEAD = 86400.0
"""Seconds: time zones and dates that are a day off."""
BEHIND = 20 * 365.25 * 86400
"""Seconds: recordings that are played in their own time may be years old, but not of 1970 or 1980, as clocks are that
were never set."""


@frozen
class ClockBounds:
    """How far from our clock the time of something may be, in seconds; None: as far as it likes."""

    ahead: float | None = AHEAD
    behind: float | None = BEHIND

    def allow(self, ts: int, now: int) -> bool:
        """Whether something may be of the time `ts` at the time `now`, both in ns since the Unix epoch."""
        ahead = (ts - now) / 1e9
        return (self.ahead is None or ahead <= self.ahead) and (self.behind is None or -ahead <= self.behind)
