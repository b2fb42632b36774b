"""What serves clients: a listener that hands on WebSocket connections, ready for frames, and HTTP requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import trio

__all__ = ["AsgiApp", "ClientGone", "Edge", "FrameConnection", "Handler", "CloseCode"]

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class ClientGone(Exception):
    """The connection is over, by either side; `code` is the close code, 1006 where there was no handshake."""

    def __init__(self, code: int = 1006) -> None:
        super().__init__(code)
        self.code = code


class FrameConnection(Protocol):
    """One accepted WebSocket connection. Frames are whole, unmasked and final, built by the caller.

    `send` is the socket's own: it may only be called while `free` is true and the caller has said so by
    `watch`; anything less than the whole frame taken must be followed by `hold`.
    """

    identity: str
    """Which session the client asked for, percent-decoded."""
    peer: str
    """The client's address, for logs."""
    opened: float
    """Trio time of the handshake."""
    send: Callable[[bytes], int]

    @property
    def heard(self) -> float:
        """Trio time at which the last byte arrived from the client."""
        ...

    @property
    def moved(self) -> float:
        """Trio time at which the kernel last took bytes that had been waiting."""
        ...

    @property
    def free(self) -> bool:
        """Nothing is waiting to be written or being written."""
        ...

    def watch(self, blocked: Callable[[], None]) -> None:
        """Call `blocked` when the connection stops being free without `hold` having been called."""
        ...

    def hold(self, rest: memoryview) -> None:
        """What `send` did not take of a frame; it is written first of all by `drain`."""
        ...

    async def drain(self) -> None:
        """Wait until the connection is free.

        :raises ClientGone: it is over.
        """
        ...

    async def receive(self) -> bytes | str:
        """The next message from the client.

        :raises ClientGone: it is over.
        """
        ...

    async def close(self, code: int, reason: str) -> None:
        """The close handshake, within the configured time, then the end of the connection; idempotent."""
        ...

    def ping(self) -> None:
        """Send a ping if the connection is free."""
        ...

    def abort(self) -> None:
        """End the connection without a handshake; all waiting calls raise `ClientGone`."""
        ...


class CloseCode:
    """Reserved close codes of RFC 6455 and ours. Below 4500: come back later; from there on: do not."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED = 1003
    INVALID = 1007
    TOO_BIG = 1009
    INTERNAL = 1011
    FELL_BEHIND = 4000
    UNREACHABLE = 4001


Handler = Callable[[FrameConnection], Awaitable[None]]


class Edge(Protocol):
    """A listening transport for clients."""

    ping_interval: float
    """Seconds after which a client that is not heard is to be pinged."""
    stall_timeout: float
    """Seconds after which a client that takes nothing is to be dropped."""

    async def serve(
        self,
        handler: Handler,
        app: AsgiApp,
        *,
        shared_port: int | None = None,
        task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until cancelled; started with the base URL. One task per connection, whose faults stay its own.

        `shared_port`: listen on this port, which other processes share, instead of the configured one; given only where
        the transport's offer has an `address`.

        :raises RtaError: it cannot listen there.
        """
        ...

    def drain(self) -> None:
        """Stop accepting: new connections are refused, those there are go on."""
        ...
