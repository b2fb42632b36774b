"""Conditional requests for JSON: a client that has an answer already is told so, and does not get it again.

RFC 9110, 13.1. What is told of sealed sessions and configurations has tags of its own, known before it is read.
"""

from __future__ import annotations

import hashlib

import trio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rta.rest.negotiation import is_held

__all__ = ["tagged"]

_SMALL = 256 << 10  # bytes that are digested where they are: a fraction of a millisecond
_KEPT = (b"cache-control", b"etag", b"rta-incomplete")


def tagged(app: ASGIApp) -> ASGIApp:
    """The application, with an entity tag of the body for each JSON answer that is sent in one piece."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            send = _Tagging(Headers(scope=scope), send).send
        await app(scope, receive, send)

    return answer


class _Tagging:
    """One answer on its way."""

    def __init__(self, asked: Headers, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """A part of the answer as the application sends it."""
        if message["type"] == "http.response.start" and _is_tagged(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body", False):
                start, message = await self._conditional(start, message)
            await self._send(start)
        await self._send(message)

    async def _conditional(self, start: Message, message: Message) -> tuple[Message, Message]:
        """Start and body with the tag, or without a body for who has it."""
        body = message.get("body", b"")
        start = {**start, "headers": list(start["headers"])}
        headers = MutableHeaders(raw=start["headers"])
        if headers.get("content-length") != str(len(body)):  # of a HEAD that was answered elsewhere
            return start, message
        tag = await _tag(body)
        headers["etag"] = tag
        headers.setdefault("cache-control", "no-cache")
        if not is_held(self._asked, tag):
            return start, message
        kept = [(name, value) for name, value in start["headers"] if name in _KEPT]
        return {**start, "status": 304, "headers": [*kept, (b"vary", b"Accept-Encoding")]}, {**message, "body": b""}


def _is_tagged(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] == 200
        and headers.get("content-type") == "application/json"
        and "etag" not in headers
        and "no-store" not in headers.get("cache-control", "")
    )


async def _tag(body: bytes) -> str:
    """A weak one, since the body may be compressed on its way."""
    digest = _digest(body) if len(body) <= _SMALL else await trio.to_thread.run_sync(_digest, body)
    return f'W/"{digest}"'


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
