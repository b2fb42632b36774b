"""Headers behind the body of an answer: what is known only when all of it has been read. RFC 9110, 6.5.

By the ASGI extension `http.response.trailers`; where the server does not have it, they are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.types import Message, Scope, Send

__all__ = ["send_end", "start_with_trailers"]


def start_with_trailers(scope: Scope, status: int, headers: Iterable[tuple[bytes, bytes]]) -> Message:
    """The message that begins an answer that `send_end` ends."""
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": list(headers)}
    return {**start, "trailers": True} if _are_sent(scope) else start


async def send_end(scope: Scope, send: Send, trailers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Behind the last piece of the body."""
    await send({"type": "http.response.body", "body": b""})
    if _are_sent(scope):
        await send({"type": "http.response.trailers", "headers": list(trailers), "more_trailers": False})


def _are_sent(scope: Scope) -> bool:
    return "http.response.trailers" in (scope.get("extensions") or {})
