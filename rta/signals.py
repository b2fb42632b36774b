"""SIGINT and SIGTERM: the first one ends a program in order, the second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NoReturn

import trio

from rta.background import started_in_background

__all__ = ["exit_at_once", "guard_signals"]


def exit_at_once(number: int) -> NoReturn:
    """End the process with the status of one that a signal has ended, without any clean-up."""
    os._exit(128 + number)


@asynccontextmanager
async def guard_signals(
    stop: Callable[[int], None], at_once: Callable[[int], None] = exit_at_once
) -> AsyncIterator[None]:
    """While the block runs, call `stop` with the first signal and `at_once` with each further one.

    What `stop` cancels has to be within the block, so that further signals are heard.
    """
    async with started_in_background(partial(_guard, stop, at_once)):
        yield


async def _guard(
    stop: Callable[[int], None], at_once: Callable[[int], None], *, task_status: trio.TaskStatus[None]
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        act = stop
        async for number in signals:
            act(number)
            act = at_once
