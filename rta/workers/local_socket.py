"""A socket in the supervisor's folder, where the workers of one service find each other."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

__all__ = ["serve_at"]

_BACKLOG = 1024  # on a local socket, one more is refused instead of waiting


async def serve_at(path: Path, handler: Callable[[trio.SocketStream], Awaitable[object]]) -> None:
    """Until cancelled. Takes the place of whoever served there before: a worker which we replace."""
    await trio.Path(path).unlink(missing_ok=True)
    with trio.socket.socket(trio.socket.AF_UNIX) as listening:
        try:
            await listening.bind(os.fspath(path))
        except FileNotFoundError:
            return  # the supervisor has gone with its folder, and we are about to
        listening.listen(_BACKLOG)
        async with trio.open_nursery() as nursery:
            await trio.serve_listeners(handler, [trio.SocketListener(listening)], handler_nursery=nursery)
