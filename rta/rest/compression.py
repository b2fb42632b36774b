"""Compressing what is JSON, for clients that take it. Data are LZ4 already."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import trio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rta.rest.negotiation import takes_gzip

__all__ = ["compressed"]

_LEAST = 1 << 10  # bytes of an answer that is compressed
_SMALL = 32 << 10  # bytes that are compressed where they are: under a millisecond
_PIECE = 256 << 10  # bytes that are compressed at once, in a thread
_LEVEL = 4
_GZIP = 16 + zlib.MAX_WBITS
_AT_ONCE = 2  # threads: a core is left to everybody else
_SUFFIXES = ("/json", "+json")


def compressed(app: ASGIApp) -> ASGIApp:
    """The application, with its JSON answers compressed for who wants it, unless they are short.

    An answer that streams is sent on piece by piece, and a long one does not hold up the event loop.
    """
    threads = trio.CapacityLimiter(_AT_ONCE)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = _Compressing(scope, send, threads).send
        await app(scope, receive, send)

    return answer


class _Compressing:
    """One answer on its way."""

    def __init__(self, scope: Scope, send: Send, threads: trio.CapacityLimiter) -> None:
        self._wanted = scope["method"] != "HEAD" and takes_gzip(Headers(scope=scope))
        self._send = send
        self._threads = threads
        self._start: Message | None = None
        self._gzip: Any = None

    async def send(self, message: Message) -> None:
        """A part of the answer as the application sends it."""
        if message["type"] == "http.response.start":
            self._begin(message)
            return
        if self._gzip is None:
            await self._send_start()
            await self._send(message)
            return
        more = message.get("more_body", False)
        parts = [await self._compress(piece) for piece in _cut(message.get("body", b""))]
        body = b"".join(parts) + (b"" if more else self._gzip.flush())
        if self._start is not None and not more:
            MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
        if body or not more:
            await self._send_start()
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _begin(self, message: Message) -> None:
        self._start = message = {**message, "headers": list(message.get("headers", ()))}
        headers = MutableHeaders(raw=message["headers"])
        kind = headers.get("content-type", "").partition(";")[0]
        if not kind.endswith(_SUFFIXES):
            return
        if "accept-encoding" not in headers.get("vary", "").lower():
            headers.add_vary_header("Accept-Encoding")
        if self._wanted and "content-encoding" not in headers and int(headers.get("content-length", _LEAST)) >= _LEAST:
            del headers["content-length"]
            headers["content-encoding"] = "gzip"
            self._gzip = zlib.compressobj(_LEVEL, wbits=_GZIP)

    async def _send_start(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def _compress(self, piece: bytes) -> bytes:
        if len(piece) <= _SMALL:
            return bytes(self._gzip.compress(piece))
        return await trio.to_thread.run_sync(self._gzip.compress, piece, limiter=self._threads)


def _cut(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _PIECE):
        yield data[at : at + _PIECE]
