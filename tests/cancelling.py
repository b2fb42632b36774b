"""Cancelling something at each point of its life, to see that it always comes to an end.

The points are all at which Trio passes on from one task to another, whichever they are: also those where a task of the
background has gone on and whoever waits for it has not heard of it yet.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from threading import Timer
from traceback import StackSummary

import trio

__all__ = ["cancel_at_every_step"]


async def cancel_at_every_step(attempt: Callable[[], Awaitable[object]], patience: float = 20.0) -> int:
    """Carry it out again and again, cancelled at its first step, at its second, and so on until it gets through.

    Returns how often it was cancelled. An attempt begins anew each time, and ends by itself.

    :raises AssertionError: it has not ended `patience` real seconds after it was cancelled. The text says where its
        tasks were then.
    """
    for number in count(1):
        cancelled = _CancelledBehind(number, patience)
        await cancelled.carry_out(attempt)
        if cancelled.stacks is not None:
            raise AssertionError(
                f"cancelled behind step {number}, it has not ended in {patience:g} s:\n{cancelled.stacks}"
            )
        if not cancelled.scope.cancel_called:
            break
    return number - 1


class _CancelledBehind(trio.abc.Instrument):
    """One attempt, cancelled behind so many steps."""

    def __init__(self, steps: int, patience: float) -> None:
        self.scope = trio.CancelScope()
        self.stacks: str | None = None
        """Where the tasks were when it should have ended."""
        self._left = steps
        self._timer = Timer(patience, self._give_up, [trio.lowlevel.current_trio_token()])
        self._timer.daemon = True

    async def carry_out(self, attempt: Callable[[], Awaitable[object]]) -> None:
        trio.lowlevel.add_instrument(self)
        try:
            with self.scope:
                await attempt()
        finally:
            self._timer.cancel()
            with suppress(KeyError):
                trio.lowlevel.remove_instrument(self)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if not self._left:
            self.scope.cancel()
            self._timer.start()

    def _give_up(self, token: trio.lowlevel.TrioToken) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(self._free)

    def _free(self) -> None:
        """Have it end though it is shielded."""
        root = trio.lowlevel.current_root_task()
        assert root is not None
        self.stacks = "\n".join(_stacks(root))
        for thing in gc.get_objects():
            if type(thing) is trio.CancelScope and thing.shield:
                thing.shield = False


def _stacks(task: trio.lowlevel.Task) -> Iterator[str]:
    yield f"{task.name}\n{''.join(StackSummary.extract(task.iter_await_frames()).format())}"
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _stacks(child)
