"""The port of listeners for clients: they hand over WebSocket connections, ready for frames, and HTTP requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import trio

from rta.ports.access import Gate, Subject
from rta.ports.archive import FlushPoint

__all__ = ["AsgiApp", "ClientGone", "Edge", "FrameConnection", "Handler", "CloseCode"]

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class ClientGone(Exception):
    """The connection is over, by either side; `code` is the close code, 1006 where there was no handshake."""

    def __init__(self, code: int = 1006) -> None:
        super().__init__(code)
        self.code = code


class FrameConnection(Protocol):
    """One accepted WebSocket connection. The caller builds the frames: whole, unmasked and final.

    `send` is the socket's own. It may be called while `free` is true, by a caller that has called `watch`. When it
    takes less than the whole frame, `hold` must be called with the rest.
    """

    identity: str
    """Which session the client asked for, percent-decoded."""
    after: FlushPoint | None
    """Behind which point of the session it wants to begin, `?after=`; None: it wants the usual back scan."""
    peer: str
    """The client's address, for logs."""
    subject: Subject
    """Who has it: what the gate has said."""
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
        """Keep what `send` did not take of a frame; it is written before anything else."""
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
        """Perform the close handshake, within the configured time, and end the connection; idempotent."""
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
    POINT_LOST = 4002
    RUN_OVER = 4003
    SIGNED_OUT = 4004


Handler = Callable[[FrameConnection], Awaitable[None]]


class Edge(Protocol):
    """A listening transport for clients."""

    ping_interval: float
    """Seconds without a byte from a client after which it is to be pinged."""
    stall_timeout: float
    """Seconds after which a client that reads nothing is to be dropped."""

    async def serve(
        self,
        handler: Handler,
        app: AsgiApp,
        *,
        gate: Gate,
        shared_port: int | None = None,
        task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until cancelled; started with the base URL. One task per connection, whose faults stay its own.

        `gate`: says of each WebSocket, once it is asked for as it has to be, whose it is; whoever is not admitted is
        answered with the status, the challenge as `WWW-Authenticate` and the reason, before anything is accepted. What
        a client signs in with is in no answer, no log and no error.

        `shared_port`: listen on this port, which other processes share, instead of the configured one; given only where
        the transport's offer has an `address`.

        :raises RtaError: it cannot listen there.
        """
        ...

    def drain(self) -> None:
        """Stop accepting: new connections are refused, the others go on."""
        ...
