"""A place in a stream of the buffer: up to where a reader has read, and where it goes on when that begins anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import structlog

from rta.ports import START, BurstLog, Entry, Position

__all__ = ["StreamPlace"]

log = structlog.get_logger("rta.hub")

_REMEMBERED = 4096  # positions that are known to have been read


class StreamPlace:
    """`position`: up to where the stream has been read."""

    def __init__(self, stream: str, position: Position) -> None:
        self.stream = stream
        self.position = position
        self._read: deque[Position] = deque([position], maxlen=_REMEMBERED)

    def have_read(self, entries: Sequence[Entry]) -> None:
        """At least one entry, in order."""
        self.position = entries[-1].position
        self._read.extend([entry.position for entry in entries])

    def move_on(self, position: Position) -> None:
        """There is nothing to be read up to here."""
        self.position = max(self.position, position)

    def go_back(self, position: Position) -> None:
        """What is behind this is to be read again."""
        self.position = position
        self._read = deque((p for p in self._read if p <= position), maxlen=_REMEMBERED)

    async def agree(self, buffer: BurstLog) -> bool:
        """Agree with the log on what has been read; whether the stream begins anew, `position` is where then.

        A log that has forgotten what it gave us may give positions again that we know: go back there. What is still
        there from before is not read again: entries that we have had are recognised, and with a clock that did not go
        back nothing new can be behind the head.

        :raises TransportError: the buffer cannot be read.
        """
        known = self.position
        head = await buffer.head(self.stream)
        if head >= known:
            return False
        last = max((p for p in self._read if START < p <= head), default=None)
        if last is not None and (await buffer.read(self.stream, last.before(), last, 1)).entries:
            goes_on = last
        elif await buffer.now() < known.ms:
            goes_on = START
        else:
            goes_on = head
        log.warning("the stream begins anew", stream=self.stream, known=str(known), head=str(head), at=str(goes_on))
        self.go_back(goes_on)
        return True
