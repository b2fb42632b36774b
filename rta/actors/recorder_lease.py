"""The lease of a stream: of all who could record it, one does.

Renewed whenever its holder asks for it, a few times in its length. A holder that has slept, or has waited for a disk,
asks again before it writes anything.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from math import inf

import trio

from rta.errors import TransportError
from rta.ports import BurstLog

__all__ = ["LeaseLost", "StreamLease", "lease_owner"]

_LENGTH = 5.0  # seconds for which nobody else takes over
_RENEWED = 1.5  # seconds after which it is asked for again
_SURE = 3.5  # seconds for which a holder may write without having asked
_AGAIN = 0.5  # seconds between tries to renew it
_WAIT = 1.0  # seconds between tries while another one has it


class LeaseLost(Exception):
    """Somebody else records the stream now."""


def lease_owner() -> str:
    """A name that nobody else has, and that tells people who it is."""
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"


class StreamLease:
    """The right to record one stream of a buffer."""

    def __init__(self, buffer: BurstLog, stream: str, owner: str) -> None:
        self._buffer = buffer
        self._stream = stream
        self._owner = owner
        self._held = False
        self._asked_at, self._asked_awake = -inf, -inf
        """When it was got last: Trio time, and time that goes on while the machine sleeps."""
        self.renew_at = -inf
        """When `confirm` is to be called at the latest, Trio time."""

    @property
    def held(self) -> bool:
        """Whether it was ours when we looked last."""
        return self._held

    async def obtain(self, has_another: Callable[[], None]) -> None:
        """Wait until it is ours. `has_another` is called when it is seen that somebody else has it.

        :raises TransportError: the buffer cannot be reached.
        """
        while not await self._claim():
            has_another()
            await trio.sleep(_WAIT)

    async def confirm(self) -> None:
        """Return if nobody else can have it for the next seconds.

        :raises LeaseLost: somebody else has it.
        :raises TransportError: it cannot be known, since the buffer cannot be reached.
        """
        now = trio.current_time()
        age = max(now - self._asked_at, _awake() - self._asked_awake)
        if age < _SURE and now < self.renew_at:
            return
        try:
            if not await self._claim():
                raise LeaseLost
        except TransportError:
            if age >= _SURE:
                raise
            self.renew_at = trio.current_time() + _AGAIN

    async def release(self) -> None:
        """Somebody else may have it at once.

        :raises TransportError: the buffer cannot be reached: then it runs out.
        """
        if self._held:
            self._held = False
            await self._buffer.release(self._stream, self._owner)

    async def _claim(self) -> bool:
        asked_at, asked_awake = trio.current_time(), _awake()
        self._held = await self._buffer.claim(self._stream, self._owner, _LENGTH)
        if self._held:
            self._asked_at, self._asked_awake = asked_at, asked_awake
            self.renew_at = asked_at + _RENEWED
        return self._held


def _awake() -> float:
    """Seconds since the machine was started, those included in which it slept; of systems that do not know, some."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
