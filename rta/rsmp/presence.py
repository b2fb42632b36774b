"""Presence: what nodes and consumers say of themselves, and when they say it again. Plain code; times are steady
seconds.

Source: docs/rsmp.md, "Presence and connection".
"""

from __future__ import annotations

import math

from rta.errors import MalformedError
from rta.rsmp.payload import is_clear, read

__all__ = ["OFFLINE", "ONLINE", "SHUTDOWN", "PresenceKeeper", "read_presence"]

ONLINE = "online"
"""Said after each connection."""
SHUTDOWN = "shutdown"
"""Said before an orderly end."""
OFFLINE = "offline"
"""The will: published by the broker when the connection is lost."""

_LONGEST = 32  # characters of a presence that are kept
_AGAIN = 10.0  # s between two corrections


def read_presence(payload: bytes) -> str | None:
    """What somebody says of itself, cut to 32 characters; None: a payload that clears it, empty or null.

    :raises MalformedError: it is not text.
    """
    if is_clear(payload):
        return None
    said = read(payload)
    if not isinstance(said, str):
        raise MalformedError("type", f"a presence that is a {type(said).__name__}")
    return said[:_LONGEST]


class PresenceKeeper:
    """Decides when to publish "online" again because something else was published as our presence.

    The will of a lost connection may be published only after the next connection has said "online", and then stays
    retained. So whatever else comes live on our presence topic is corrected. A retained one is older than our own
    announcement and needs no correction.

    Corrections are at least 10 s apart, since two with one id would otherwise correct each other without end. One that
    is called for earlier is made when the 10 s are over.
    """

    def __init__(self) -> None:
        self._wrong = False
        self._earliest = -math.inf

    def handle(self, said: str | None, retained: bool) -> None:
        """A message on our presence topic; `said` as `read_presence` gives it, None also for one that is unreadable."""
        if not retained and said != ONLINE:
            self._wrong = True

    def connected(self) -> None:
        """We have said "online" on a new connection."""
        self._wrong = False

    def due(self) -> float | None:
        """When to correct; None: there is nothing to correct."""
        return self._earliest if self._wrong else None

    def correct(self, now: float) -> bool:
        """Whether to say "online" now; then it counts as said."""
        due = self.due()
        if due is None or now < due:
            return False
        self._wrong, self._earliest = False, now + _AGAIN
        return True
