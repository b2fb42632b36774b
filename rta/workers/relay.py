"""What only the first worker can do, asked of it by the others: a request and its answer over a socket in the
supervisor's folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
import trio

from rta.errors import MalformedError, TransportError
from rta.workers.local_socket import serve_at
from rta.workers.membership import Membership

__all__ = ["Relay"]

log = structlog.get_logger("rta.workers")

_PATIENCE = 8.0  # seconds for an answer: less than a client waits
_LONGEST = 64 << 20
_AT_ONCE = 16  # of one worker; more wait for their turn


class Relay:
    """Between the first worker and the others."""

    def __init__(self, membership: Membership, answer: Callable[[bytes], Awaitable[bytes]]) -> None:
        """`answer`: what the first worker does with a request; a `MalformedError` gets none."""
        self._path = membership.folder / "relay.sock"
        self._answer = answer
        self._turns = trio.CapacityLimiter(_AT_ONCE)

    async def serve(self) -> None:
        """In the first worker, until cancelled."""
        await serve_at(self._path, self._converse)

    async def _converse(self, stream: trio.SocketStream) -> None:
        with trio.move_on_after(_PATIENCE), suppress(trio.BrokenResourceError):
            async with stream:
                request = await _read(stream)
                if not request:  # the other has thought better of it
                    return
                try:
                    await stream.send_all(await self._answer(request))
                except MalformedError as e:
                    log.error("another worker asks for what is not known here", error=str(e))
                except Exception:  # as over HTTP: one that fails must not end the others
                    log.exception("what another worker has asked for has failed")

    async def ask(self, request: bytes) -> bytes:
        """In another worker: the first one's answer.

        :raises TransportError: there was none. It may have been done all the same.
        """
        answer = b""
        with trio.move_on_after(_PATIENCE), suppress(OSError, trio.BrokenResourceError):
            async with self._turns, await trio.open_unix_socket(self._path) as stream:
                await stream.send_all(request)
                await stream.send_eof()
                answer = await _read(stream)
        if not answer:
            raise TransportError("worker 0, which has the streams, does not answer now; look before you try again")
        return answer


async def _read(stream: trio.SocketStream) -> bytes:
    """Up to its end; nothing if that does not come within bounds."""
    data = bytearray()
    async for piece in stream:
        data += piece
        if len(data) > _LONGEST:
            return b""
    return bytes(data)
