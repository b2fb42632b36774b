"""How much of something there was a second, over the last minute."""

from __future__ import annotations

from collections import deque

__all__ = ["Rate"]

_STEP = 5.0  # seconds
_STEPS = 12


class Rate:
    """Amounts by time, in steps of a few seconds. Times are seconds of a steady clock."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._steps: deque[tuple[int, float]] = deque(maxlen=_STEPS)
        """What is over."""
        self._step = int(since // _STEP)
        self._amount = 0.0
        self._over = (self._step + 1) * _STEP

    def add(self, amount: float, now: float) -> None:
        if now >= self._over:
            self._steps.append((self._step, self._amount))
            self._step, self._amount = int(now // _STEP), 0.0
            self._over = (self._step + 1) * _STEP
        self._amount += amount

    def per_second(self, now: float) -> float:
        """Since the beginning, where that is less than a minute ago."""
        oldest = int(now // _STEP) - _STEPS
        total = sum(amount for step, amount in (*self._steps, (self._step, self._amount)) if step > oldest)
        seconds = min(now - self._since, now - (oldest + 1) * _STEP)
        return total / max(seconds, 1.0)
