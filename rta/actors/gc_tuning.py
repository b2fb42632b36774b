"""Keeps garbage collections short: with a thousand clients a full one stops everything for a tenth of a second.

Owns the settings of the collector, in a process that does nothing but serve. Counts tasks once a second, of which each
connection has some; when many have come, it freezes what there is, so that collections leave out what lives as long as
the service or a connection. Sends nothing. Ends with the process.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable

import trio

__all__ = ["keep_collections_short"]

_APART = 60.0  # seconds between collections of everything, at least: each stops the service for some 60 ms
_INTERVAL = 1.0  # seconds between counts of the tasks
_FEW = 50  # tasks that are not worth a freeze
_THRESHOLDS = (5000, 2, 1000)  # what has just come is looked through twice, 15 000 objects at most at a time


def _tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def keep_collections_short(size: Callable[[], int] = _tasks) -> None:
    """Until cancelled. `size`: how many tasks there are."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
    frozen = last = size()
    collected = -math.inf
    try:
        while True:
            await trio.sleep(_INTERVAL)
            now = size()
            if now > frozen * 1.1 + _FEW and now <= last * 1.1:  # they have come, and are being served
                gc.freeze()  # at once; garbage frozen with the rest stays until half of the clients have left
                frozen = now
            elif now < frozen / 2 - _FEW and now >= last * 0.9 and trio.current_time() >= collected + _APART:
                collected = trio.current_time()
                gc.unfreeze()
                gc.collect()
                gc.freeze()
                frozen = now
            last = now
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
