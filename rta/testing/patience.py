"""Waiting for what must come, in real time, whatever clock Trio runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer

import trio

__all__ = ["until", "within"]


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Give the block so many real seconds.

    :raises AssertionError: it took longer; `what` says what was waited for.
    """
    scope = trio.CancelScope()
    token = trio.lowlevel.current_trio_token()

    def give_up() -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(scope.cancel)

    timer = Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        with scope:
            yield
    finally:
        timer.cancel()
    if scope.cancelled_caught:
        raise AssertionError(f"waited {seconds:g} s in vain: {what}")


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition that nothing announces.

    :raises AssertionError: it did not come true in so many real seconds.
    """
    with within(seconds, what):
        while True:
            await trio.sleep(0.001)
            if condition():
                return
