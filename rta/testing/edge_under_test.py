"""What an edge's author tells the kit, and how the kit serves and connects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import trio
from attrs import define
from trio_websocket import WebSocketConnection, wrap_client_stream

from rta.ports import ANYBODY, AsgiApp, Edge, FrameConnection, Gate, Handler, StreamRequest, Subject
from rta.testing.patience import within
from rta.wire.websocket import SUBPROTOCOL

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]

__all__ = ["EdgeUnderTest", "ServedEdge", "VisitingClient", "admit_anybody"]


async def admit_anybody(request: StreamRequest) -> Subject:
    """A `Gate` that stands open."""
    await trio.lowlevel.checkpoint()
    return ANYBODY


@define
class ServedEdge:
    """An edge that is being served."""

    edge: Edge
    url: str
    accepted: trio.MemoryReceiveChannel[FrameConnection]
    """The connections that were handed over."""


@define
class VisitingClient:
    """A WebSocket client, and what the edge has made of it."""

    socket: WebSocketConnection
    stream: Stream
    connection: FrameConnection


class EdgeUnderTest:
    """The hooks of `EdgeContract`. Only `open_edge` has to be overridden."""

    pytestmark = pytest.mark.trio

    patience: float = 60.0
    """Real seconds after which what the kit waits for is taken never to come."""

    shares_port: bool = False
    """Whether the offer has an `address`: processes can share a port."""

    def open_edge(self) -> AbstractAsyncContextManager[Edge]:
        """An edge that is not serving yet and is going to listen on a free port of the loopback address."""
        raise NotImplementedError(f"{type(self).__name__} must say how to open its edge")

    async def dial(self, url: str) -> Stream:
        """Connect to a base URL. Override it for one that needs more than TCP."""
        parts = urlsplit(url)
        assert parts.hostname is not None, f"{url} is no base URL"
        assert parts.port is not None, f"{url} is no base URL"
        return await trio.open_tcp_stream(parts.hostname, parts.port)

    # ---- how the kit uses it

    @asynccontextmanager
    async def serving(
        self,
        handler: Handler | None = None,
        app: AsgiApp | None = None,
        shared_port: int | None = None,
        gate: Gate = admit_anybody,
    ) -> AsyncIterator[ServedEdge]:
        """Serve a new edge; without a handler, connections are kept and handed out by `accepted`."""
        send, accepted = trio.open_memory_channel[FrameConnection](100)

        async def keep(connection: FrameConnection) -> None:
            await send.send(connection)
            await trio.sleep_forever()

        more: dict[str, Any] = {"gate": gate} if shared_port is None else {"gate": gate, "shared_port": shared_port}
        with within(self.patience, "what the test of the kit does with an edge"):
            async with self.open_edge() as edge, trio.open_nursery() as nursery:
                url = await nursery.start(partial(edge.serve, handler or keep, app or nothing_here, **more))
                yield ServedEdge(edge, url, accepted)
                nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def connected(
        self, url: str, identity: str = "s", protocols: Sequence[str] = (), **headers: str
    ) -> AsyncIterator[tuple[WebSocketConnection, Stream]]:
        """A client of a session's stream. `protocols`: sub-protocols that it asks for too."""
        stream = await self.dial(url)
        path = f"/rta/v2/sessions/{quote(identity, safe='')}/stream"
        try:
            async with trio.open_nursery() as nursery:
                host = urlsplit(url).netloc
                more = [(name.encode(), value.encode()) for name, value in headers.items()]
                asked = [SUBPROTOCOL, *protocols]
                yield (
                    await wrap_client_stream(nursery, stream, host, path, subprotocols=asked, extra_headers=more),
                    stream,
                )
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(stream)

    @asynccontextmanager
    async def visiting(self, served: ServedEdge, identity: str = "s") -> AsyncIterator[VisitingClient]:
        """A client that the edge has accepted."""
        async with self.connected(served.url, identity) as (socket, stream):
            yield VisitingClient(socket, stream, await served.accepted.receive())

    async def request(self, url: str, line: bytes, body: bytes = b"") -> bytes:
        """The whole answer to an HTTP request, head and body."""
        length = b"Content-Length: %d\r\n" % len(body)
        answer = bytearray()
        async with await self.dial(url) as stream:
            await stream.send_all(line + b"\r\nHost: localhost\r\nConnection: close\r\n" + length + b"\r\n" + body)
            async for data in stream:
                answer += data
        return bytes(answer)

    async def until_refused(self, url: str) -> None:
        """Connect again and again until nobody is served any more; an edge may need a moment to stop."""
        with within(self.patience, "a client that is refused"):
            while (await self._answer_to_upgrade(url)).startswith(b"HTTP/1.1 101"):
                pass

    async def _answer_to_upgrade(self, url: str) -> bytes:
        """The beginning of it; empty where there is none."""
        try:
            async with await self.dial(url) as stream:
                await stream.send_all(_UPGRADE)
                return bytes(await stream.receive_some())
        except (OSError, trio.BrokenResourceError):
            return b""


_UPGRADE = (
    "GET /rta/v2/sessions/s/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
).encode()


async def nothing_here(scope: Any, receive: Any, send: Any) -> None:
    """An application that has nothing to show."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
