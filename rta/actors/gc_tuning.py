"""Keeps full garbage collections out of the way: with a thousand clients each stops everything for a tenth of a second.

What lives as long as the service or a client is set aside, so that collections do not look at it. Owns the settings
of the collector; for a process that does nothing but serve. Ends with it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import trio

__all__ = ["keep_collections_short"]

_EVERY = 1.0  # seconds between looks
_FEW = 50  # clients that are not worth it
_THRESHOLDS = (5000, 20, 100)


async def keep_collections_short(size: Callable[[], int]) -> None:
    """Until cancelled. `size`: how many clients there are."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
    aside = last = size()
    try:
        while True:
            await trio.sleep(_EVERY)
            now = size()
            if now > aside * 1.1 + _FEW and now <= last * 1.1:  # they have come, and are being served
                gc.freeze()  # takes no time; what garbage goes along waits until half of the clients have left
                aside = now
            elif now < aside / 2 - _FEW and now >= last * 0.9:
                gc.unfreeze()
                gc.collect()
                gc.freeze()
                aside = now
            last = now
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
