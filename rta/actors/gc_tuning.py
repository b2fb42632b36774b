"""Keeps garbage collections short: with a thousand clients a full one stops everything for a tenth of a second.

Owns the settings of the collector, in a process that does nothing but serve. Counts clients once a second; when many
have come, it freezes what there is, so that collections leave out what lives as long as the service or a client. Sends
nothing. Ends with the process.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import trio

__all__ = ["keep_collections_short"]

_INTERVAL = 1.0  # seconds between counts of the clients
_FEW = 50  # clients that are not worth a freeze
_THRESHOLDS = (5000, 20, 100)


async def keep_collections_short(size: Callable[[], int]) -> None:
    """Until cancelled. `size`: how many clients there are."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()
    frozen = last = size()
    try:
        while True:
            await trio.sleep(_INTERVAL)
            now = size()
            if now > frozen * 1.1 + _FEW and now <= last * 1.1:  # they have come, and are being served
                gc.freeze()  # at once; garbage frozen with the rest stays until half of the clients have left
                frozen = now
            elif now < frozen / 2 - _FEW and now >= last * 0.9:
                gc.unfreeze()
                gc.collect()
                gc.freeze()
                frozen = now
            last = now
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
