"""A way to a server that listens in, and that can be cut, closed, stopped and made deaf."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Protocol

import trio

from rta.background import started_in_background

__all__ = ["Ear", "Tap", "tapping"]

_RESET = struct.pack("ii", 1, 0)


class Ear(Protocol):
    """Listens to one connection. What goes on is heard before, so that it can be cut off in time."""

    def sent(self, data: bytes) -> None:
        """By who has connected."""
        ...

    def came(self, data: bytes) -> None:
        """From the server."""
        ...


class Tap:
    """A proxy. `port` is where to connect instead."""

    def __init__(self, to: int, listen: Callable[[], Ear] | None = None) -> None:
        self.port = 0
        self.closed = False
        """Whoever connects is cut off at once."""
        self.connections = 0
        """So far."""
        self._to = to
        self._listen = listen
        self._open: set[trio.CancelScope] = set()
        self._deaf = False
        self._moving = trio.Event()
        self._moving.set()

    def cut(self) -> None:
        """Both ends are told that the connection is broken; what is on its way is lost."""
        for scope in self._open:
            scope.cancel()

    def stand_still(self) -> None:
        """Nothing moves any more, nothing is lost."""
        self._moving = trio.Event()

    def move(self) -> None:
        self._moving.set()

    def go_deaf(self) -> None:
        """What is sent from now on is lost, and nobody is told, as when a router has forgotten a connection."""
        self._deaf = True

    def hear_again(self) -> None:
        """Connections that have lost something cannot go on."""
        self._deaf = False
        self.cut()

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self._carry, 0, host="127.0.0.1"))
            self.port = listeners[0].socket.getsockname()[1]
            task_status.started()

    async def _carry(self, client: trio.SocketStream) -> None:
        with trio.CancelScope() as scope:
            self._open.add(scope)
            try:
                await self._moving.wait()
                if self.closed:
                    return
                server = await trio.open_tcp_stream("127.0.0.1", self._to)
                self.connections += 1
                ear = None if self._listen is None else self._listen()
                try:
                    async with trio.open_nursery() as nursery:
                        over = nursery.cancel_scope
                        nursery.start_soon(self._pump, client, server, over, None if ear is None else ear.sent)
                        await self._pump(server, client, over, None if ear is None else ear.came)
                finally:
                    _reset(server)
            except OSError:
                pass
            finally:
                self._open.discard(scope)
                _reset(client)

    async def _pump(
        self,
        source: trio.SocketStream,
        drain: trio.SocketStream,
        over: trio.CancelScope,
        hear: Callable[[bytes], None] | None,
    ) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some(65536):
                await self._moving.wait()
                if self._deaf:
                    continue
                if hear is not None:
                    hear(data)
                await drain.send_all(data)
        over.cancel()


def _reset(stream: trio.SocketStream) -> None:
    with suppress(OSError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    stream.socket.close()


@asynccontextmanager
async def tapping(to: int, listen: Callable[[], Ear] | None = None) -> AsyncIterator[Tap]:
    """A tap that is there inside the block."""
    tap = Tap(to, listen)
    async with started_in_background(tap.serve):
        yield tap
