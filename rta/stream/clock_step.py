"""Whether the wall clock was set. Plain code: it is told both times."""

from __future__ import annotations

from rta.wire.values import Ns

__all__ = ["ClockStepDetector"]


class ClockStepDetector:
    """Compares the wall clock with a steady clock, which is never set.

    From one call to the next, both clocks advance by the same time. Where the wall clock advances by more than
    `forward` seconds more than the steady one, or by more than `back` seconds less, it was set: wall times from before
    and after cannot be compared, and what depends on such a comparison begins anew. A smaller difference is drift, or
    a correction as small as those that a time service makes all the time; it is treated as time that has passed.
    """

    def __init__(self, wall: Ns, steady: float, *, back: float, forward: float) -> None:
        """The times now, `wall` in ns and `steady` in seconds; and the limits, in seconds."""
        self._wall = wall
        self._steady = steady
        self._back = back
        self._forward = forward

    def step(self, wall: Ns, steady: float) -> float | None:
        """By how many seconds the wall clock was set since the last call; None: it was not."""
        step = (wall - self._wall) / 1e9 - (steady - self._steady)
        self._wall, self._steady = wall, steady
        return None if -self._back <= step <= self._forward else step
