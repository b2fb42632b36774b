"""Whether another client with our id has taken over. Plain code.

MQTT 5 has a reason code for it (0x8E), but brokers that are widely used, mosquitto 2.0.11 for one, hang up without a
word instead. Then both clients connect again and again, each throwing out the other. That is recognised here, by how
often it happens, and by what the broker knows of us when we come back:

- A rival that continues our session leaves it there. A network that is bad leaves it there too, so that only
  connections that end at once count.
- A rival that starts clean, as most clients do, has made the broker forget our session, and nothing else. A broker that
  was restarted and has forgotten our session has forgotten what was retained, too: so that counts only where a message
  is still retained on the topic of our will.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Rivalry"]

_SHORT = 1.0  # s; rivals throw each other out after the first pause between tries
_ENOUGH = 3
_OFTEN = 4  # times within `_WHILE` that the broker has forgotten us
_WHILE = 30.0  # s; a client may wait for 5 s before it comes back


class Rivalry:
    """What became of one connection after another."""

    def __init__(self) -> None:
        self._short_lives = 0
        self._forgotten: deque[float] = deque(maxlen=_OFTEN)
        self._made_way = False

    def lost(
        self, *, told: bool, hung_up: bool, session: bool | None, retained: bool, lived: float, now: float
    ) -> bool:
        """A connection that was of use is over; whether a rival is to be made way for.

        `told`: the broker said so; `hung_up`: it closed the connection without a word; `session`: whether it knew us,
        None where we wanted it to forget us; `retained`: a message was retained on the topic of our will; `lived` in
        seconds; `now` in steady seconds.
        """
        if hung_up and session and lived < _SHORT:
            self._short_lives += 1
        else:
            self._short_lives = 0
        forgotten = hung_up and retained and session is False
        if forgotten:
            self._forgotten.append(now)
        often = forgotten and len(self._forgotten) == _OFTEN and now - self._forgotten[0] <= _WHILE
        again = self._made_way and hung_up and (session or retained) and lived <= _WHILE
        self._made_way = bool(told or self._short_lives >= _ENOUGH or often or again)
        return self._made_way

    def unreachable(self) -> None:
        """The broker could not be reached: so it is the broker's fault, or the network's."""
        self._short_lives = 0
        self._forgotten.clear()
        self._made_way = False
