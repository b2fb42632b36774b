"""Keeps full garbage collections out of the way: with a thousand clients each stops everything for a tenth of a second.

What lives as long as the service or a client is set aside, so that collections do not look at it. Owns the settings
of the collector; for a process that does nothing but serve. Ends with it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import trio

__all__ = ["keep_collections_short"]

_EVERY = 2.0  # seconds between looks
_CHANGE = 0.1  # of the clients: that many more or fewer, and who is there now is set aside anew
_FEW = 50
_THRESHOLDS = (5000, 20, 100)


async def keep_collections_short(size: Callable[[], int]) -> None:
    """Until cancelled. `size`: how many clients there are."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    aside = last = size()
    _set_aside()
    try:
        while True:
            await trio.sleep(_EVERY)
            now = size()
            settled = abs(now - last) <= max(last, now) * _CHANGE
            if settled and abs(now - aside) > max(aside * _CHANGE, _FEW):
                _set_aside()
                aside = now
            last = now
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _set_aside() -> None:
    """All there is, once those that have left are gone."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
