"""Work that blocks, beside the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

__all__ = ["Threads", "in_threads"]

T = TypeVar("T")


class Threads(Protocol):
    """Runs something that blocks, and gives what it gives."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


def in_threads(at_once: int) -> Threads:
    """In threads that are abandoned when their caller is cancelled: a disk that hangs holds up nobody."""
    limiter = trio.CapacityLimiter(at_once)

    async def run(work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)

    return run
