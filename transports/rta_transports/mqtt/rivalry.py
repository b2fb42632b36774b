"""Whether another client with our id has taken over. Plain code.

MQTT 5 has a reason code for it (0x8E), but brokers that are widely used, mosquitto 2.0.11 for one, hang up without a
word instead. Then both clients connect again and again, each throwing out the other: that is recognised here.
"""

from __future__ import annotations

__all__ = ["Rivalry"]

_SHORT = 1.0  # s; rivals throw each other out after the first pause between tries
_ENOUGH = 3


class Rivalry:
    """What became of one connection after another."""

    def __init__(self) -> None:
        self._short_lives = 0

    def lost(self, *, told: bool, hung_up: bool, session_present: bool, lived: float) -> bool:
        """A connection that was of use is over; whether a rival is to be made way for.

        `told`: the broker said so; `hung_up`: it closed the connection without a word; `session_present`: it knew us,
        as it does while a rival is there, and does not after it was restarted; `lived` in seconds.
        """
        if hung_up and session_present and lived < _SHORT:
            self._short_lives += 1
        else:
            self._short_lives = 0
        return told or self._short_lives >= _ENOUGH

    def unreachable(self) -> None:
        """The broker could not be reached: so it is the broker's fault, or the network's."""
        self._short_lives = 0
