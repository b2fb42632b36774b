"""For programs that the harness starts: a harness that was killed cannot stop them."""

from __future__ import annotations

import os
import signal

import trio

__all__ = ["end_with_parent"]


async def end_with_parent() -> None:
    """Terminate this process when its parent is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        await trio.sleep(1)
    signal.raise_signal(signal.SIGTERM)
