"""How often something may be asked: so many times a second, and more at once after a while without."""

from __future__ import annotations

__all__ = ["TokenBucket"]


class TokenBucket:
    """A bucket that fills with time. Times are seconds of any steady clock."""

    def __init__(self, rate: float = 50.0, burst: float = 200.0) -> None:
        """`rate` a second, `burst` at once."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def acquire(self, now: float) -> bool:
        """Whether one more is within it."""
        if self._at is not None:
            self._left = min(self._burst, self._left + max(now - self._at, 0.0) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
