"""Any number of timers, in the order of their times, that can be set anew and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

from rta.wire.values import Ns

__all__ = ["TimerHeap", "Timer"]

_Entry = tuple[Ns, int, int, "Timer"]

_SLACK = 64  # cancelled entries that may stay in the heap


class Timer:
    """Calls `fire` with the time for which it was set. It is set for one time at most."""

    __slots__ = ("entry", "fire", "rank")

    def __init__(self, fire: Callable[[Ns], None], rank: int = 0) -> None:
        self.fire = fire
        self.rank = rank
        """Of timers with one time, those of a lower rank come first."""
        self.entry: _Entry | None = None


class TimerHeap:
    """A heap with lazy deletion: setting, cancelling and firing cost a logarithm, and it stays small."""

    __slots__ = ("_heap", "_number", "_set")

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._set = 0
        self._number = count()

    def __len__(self) -> int:
        return self._set

    def set(self, timer: Timer, at: Ns) -> None:
        """Set a timer for `at`, and no longer for the time before."""
        if timer.entry is None:
            self._set += 1
        timer.entry = entry = (at, timer.rank, next(self._number), timer)
        heappush(self._heap, entry)
        if len(self._heap) > 2 * self._set + _SLACK:
            self._heap = [entry for entry in self._heap if entry[3].entry is entry]
            heapify(self._heap)

    def cancel(self, timer: Timer) -> None:
        """Set a timer for no time."""
        if timer.entry is not None:
            timer.entry = None
            self._set -= 1

    def head(self) -> tuple[Ns, int] | None:
        """The time and rank of the next timer; None: no timer is set."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if entry[3].entry is entry:
                return entry[:2]
            heappop(heap)
        return None

    def may_be_due(self, until: int) -> bool:
        """False if nothing is due at or before `until`; cheap."""
        return bool(self._heap) and self._heap[0][0] <= until

    def fire_head(self) -> None:
        """Remove the next timer, and fire it. Only after `head` has found one."""
        at, _, _, timer = heappop(self._heap)
        timer.entry = None
        self._set -= 1
        timer.fire(at)
