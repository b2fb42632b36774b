"""Work for a client that ends when the client goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from starlette.types import Receive

from rta.background import in_background

__all__ = ["run_while_connected"]


async def run_while_connected(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Run it until it has ended or the client is gone, whose request has been received whole. Its errors come as they
    are."""
    with trio.CancelScope() as scope:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            scope.cancel()

        async with in_background(watch):
            await work()
