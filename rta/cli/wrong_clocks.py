"""Entries whose time cannot be right, for `rta watch`. No I/O, no clock."""

from __future__ import annotations

from attrs import define, field

from rta.cli.times import format_age, format_time
from rta.clock_bounds import ClockBounds
from rta.consumer import Event, HistoryReceived, ReplayReceived, StatusReceived
from rta.wire.values import Ns

__all__ = ["WrongClocks"]

_STREAMS = 10_000  # of which it is remembered that they were told


@define
class WrongClocks:
    """Counts them, and says so once for each stream."""

    bounds: ClockBounds = field(factory=ClockBounds)
    total: int = 0
    last: str = ""
    """What the last one was, in words."""
    _told: set[tuple[str, str, str]] = field(factory=set)

    def handle(self, event: Event, now: Ns) -> str | None:
        """What there is to say of an event; None: nothing that was not said before."""
        if not isinstance(event, StatusReceived | ReplayReceived | HistoryReceived):
            return None
        wrong = [entry.ts for entry in event.entries if not self.bounds.allow(entry.ts, now)]
        if not wrong:
            return None
        self.total += len(wrong)
        stream = f"{event.code}/{event.name}" if event.name else event.code
        off = (now - wrong[-1]) / 1e9
        where = f"{format_age(off)} behind" if off > 0 else f"{format_age(-off)} ahead of"
        self.last = f"{event.node} {stream}: an entry of {format_time(wrong[-1])}, {where} our clock"
        key = event.node, event.code, event.name
        if key in self._told or len(self._told) >= _STREAMS:
            return None
        self._told.add(key)
        return self.last
