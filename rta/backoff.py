"""Waiting between tries: exponential, capped, with jitter."""

from __future__ import annotations

from collections.abc import Callable
from random import random

import trio

__all__ = ["Backoff"]


class Backoff:
    """`await pause()` after a failure, `reset()` after a success."""

    def __init__(self, first: float = 0.05, cap: float = 1.0, chance: Callable[[], float] = random) -> None:
        """Seconds. Each pause is between half and all of its step."""
        self._first, self._cap, self._chance = first, cap, chance
        self._step = first

    def reset(self) -> None:
        self._step = self._first

    async def pause(self) -> None:
        step, self._step = self._step, min(self._step * 2, self._cap)
        await trio.sleep(step * (1 + self._chance()) / 2)
