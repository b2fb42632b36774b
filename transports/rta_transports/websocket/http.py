"""HTTP on the same port: a connection is handed to Hypercorn, and taken back when a later request on it upgrades."""

from __future__ import annotations

import logging

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.protocol import ProtocolWrapper
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext

from rta.ports import AsgiApp
from rta_transports.websocket.head import RequestHead
from rta_transports.websocket.options import EdgeOptions
from rta_transports.websocket.stream import WireStream

__all__ = ["HttpHost", "raw_response"]

_PREFACE = b"PRI * HTTP/2.0"
_BODILESS = (b"GET ", b"HEAD ", b"OPTIONS ")
_WATCH = 1.0  # seconds between looks at a connection


def raw_response(status: str, text: str) -> bytes:
    """An answer for connections that no library gets."""
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


class HttpHost:
    """Runs an ASGI application on connections one by one."""

    def __init__(self, app: AsgiApp, options: EdgeOptions) -> None:
        self._app = ASGIWrapper(app)
        self._serving: set[WorkerContext] = set()
        self._config = Config()
        self._config.keep_alive_timeout = options.keep_alive
        self._config.h11_max_incomplete_size = options.max_head
        self._config.include_server_header = False
        self._config.errorlog = logging.getLogger("rta.http")
        self._config.accesslog = None

    async def stop(self) -> None:
        """Idle connections end now, the others after their answer."""
        for context in list(self._serving):
            await context.terminated.set()

    async def serve(self, wire: WireStream) -> RequestHead | None:
        """Serve requests until the connection ends; the head of one that asks to upgrade, if there comes one."""
        context = WorkerContext(None)
        lent = _LentStream(wire, self._config.h11_max_incomplete_size, context)
        self._serving.add(context)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, wire, lent, nursery.cancel_scope)
                await _Http1Server(self._app, self._config, context, {}, lent).run()  # type: ignore[arg-type]
                nursery.cancel_scope.cancel()
        finally:
            self._serving.discard(context)
        return lent.upgrade

    async def _watch(self, wire: WireStream, lent: _LentStream, scope: trio.CancelScope) -> None:
        """Bound the connection's life: Hypercorn can wait for ever on one that is broken, and shields its sends."""
        patience = self._config.keep_alive_timeout + _WATCH
        try:
            while not lent.ended and trio.current_time() - max(wire.heard, wire.moved) < patience:
                await trio.sleep(_WATCH)
        finally:
            if lent.upgrade is None:
                wire.abort()
            scope.cancel()


class _Http1Server(TCPServer):
    """Hypercorn's server of one connection, without the change to HTTP/2 that any request could ask it for."""

    @property
    def protocol(self) -> ProtocolWrapper:
        return self._protocol

    @protocol.setter
    def protocol(self, wrapper: ProtocolWrapper) -> None:
        wrapper.protocol._check_protocol = _stay  # type: ignore[union-attr,method-assign]
        self._protocol = wrapper


async def _stay(event: object) -> None:
    """Take no offer of another protocol."""


class _LentStream(trio.abc.HalfCloseableStream):
    """The stream as Hypercorn sees it: it ends when a request asks to upgrade, and closing it then closes nothing."""

    def __init__(self, wire: WireStream, max_head: int, context: WorkerContext) -> None:
        self._wire = wire
        self._max_head = max_head
        self._context = context
        self.socket = wire.socket
        self.upgrade: RequestHead | None = None
        self.ended = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = b""
        try:
            data = await self._receive(max_bytes)
        finally:
            if not data:
                self.ended = self._wire.closed.is_set()
                await self._context.terminated.set()  # otherwise it would wait for the keep-alive time to pass
        return data

    async def _receive(self, max_bytes: int | None) -> bytes:
        data = await self._wire.receive_some(max_bytes)
        if data.startswith(_PREFACE):
            return b"HTTP/2 is not served here\r\n\r\n"  # answered 400: cleartext HTTP/2 has no use on this port
        # A proxy may send the upgrade on a connection it has used before. Requests begin at the beginning of what is
        # received when nothing was pipelined, and who upgrades cannot pipeline.
        while data.startswith(_BODILESS) and b"\r\n\r\n" not in data and len(data) < self._max_head:
            more = await self._wire.receive_some(max_bytes)
            if not more:
                break
            data += more
        if data.startswith(_BODILESS) and b"\r\n\r\n" in data:
            head = RequestHead.parse(data)
            if head.wants_websocket:
                self.upgrade = head
                return b""
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.upgrade is None:
            try:
                await self._wire.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.ended = True
                raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._wire.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        if self.upgrade is None:
            await self._wire.send_eof()

    async def aclose(self) -> None:
        self.ended = True
        if self.upgrade is None:
            await self._wire.aclose()
