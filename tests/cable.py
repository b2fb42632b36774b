"""The cable between a client and its server, for tests that cut it, or have it go silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

__all__ = ["Cable", "cable_to"]


class Cable:
    """A proxy. `port` is where to connect; what comes there goes to the server and back."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.down = False
        """Whoever connects is cut off at once."""
        self.made = 0
        """Connections so far."""
        self.uplink_left: int | None = None
        """Cut it after so many more bytes to the server."""
        self.silent = False
        """Nothing gets through any more, and nobody is told: what is connected stays so, and who connects is accepted.
        A connection on which something was lost so stays silent for good."""
        self.swallowed = trio.Event()
        """Something was lost so."""
        self._server_port = server_port
        self._connections: set[trio.CancelScope] = set()

    def cut(self) -> None:
        """Break whatever is connected, as if somebody had pulled the plug of a machine in between."""
        for scope in self._connections:
            scope.cancel()

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self._carry, 0, host="127.0.0.1"))
            self.port = listeners[0].socket.getsockname()[1]
            task_status.started()

    async def _carry(self, client: trio.SocketStream) -> None:
        if self.down:
            return
        self.made += 1
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self._server_port)
        except OSError:
            return
        with trio.CancelScope() as scope:
            self._connections.add(scope)
            async with server, trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, client, server, nursery.cancel_scope, True)
                await self._pump(server, client, nursery.cancel_scope, False)
        self._connections.discard(scope)

    async def _pump(
        self, source: trio.SocketStream, drain: trio.SocketStream, over: trio.CancelScope, up: bool
    ) -> None:
        try:
            while data := await source.receive_some(65536):
                await self._swallow_if_silent()
                if up and self.uplink_left is not None:
                    data = data[: self.uplink_left]
                    self.uplink_left -= len(data)
                await drain.send_all(data)
                if up and self.uplink_left == 0:
                    self.uplink_left = None
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await self._swallow_if_silent()
        over.cancel()

    async def _swallow_if_silent(self) -> None:
        if self.silent:
            self.swallowed.set()
            await trio.sleep_forever()


@asynccontextmanager
async def cable_to(port: int) -> AsyncIterator[Cable]:
    cable = Cable(port)
    async with trio.open_nursery() as nursery:
        await nursery.start(cable.serve)
        yield cable
        nursery.cancel_scope.cancel()
