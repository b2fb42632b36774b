"""Tasks beside a block: they are there from its beginning until it has ended, whatever ends it.

A task of the background is shielded, and whoever waits for the block's end lifts the shield, always. So nothing can
hang, and what the block does at its end, also when it is cancelled, can still use what the background serves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import trio

__all__ = ["in_background", "started_in_background"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Service(Protocol[T_co]):
    def __call__(self, *, task_status: trio.TaskStatus[T_co]) -> Awaitable[object]: ...


class _Status:
    """What `nursery.start` would wait for."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self.value: Any = None

    def started(self, value: Any = None) -> None:
        self.value = value
        self.begun.set()


@asynccontextmanager
async def started_in_background(service: _Service[T]) -> AsyncIterator[T]:
    """Run a service while the block runs, and give what it is started with.

    When the block has ended the service is cancelled and waited for. An error of the service cancels the block. What
    either raises comes as it is; only if both do, in a group.
    """
    status, scope = _Status(), trio.CancelScope(shield=True)

    async def serve() -> None:
        with scope:
            await service(task_status=status)
            if not status.begun.is_set():
                raise RuntimeError(f"{service!r} has ended before it was started")

    alone: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                nursery.start_soon(serve, name=service)
                await status.begun.wait()
                yield status.value
            finally:
                scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        alone = group.exceptions[0]
    if alone is not None:
        try:
            raise alone  # out here: its context is to stay its own
        finally:
            del alone  # whose traceback holds this frame


@asynccontextmanager
async def in_background(run: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """The same with a task that nobody has to wait for at the beginning."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await run()

    async with started_in_background(service):
        yield
