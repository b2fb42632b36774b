"""Configuration documents: immutable, and known by their identifier. Source: docs/rest.md, "Configurations"."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import trio
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.ports.access import ANYBODY
from rta.rest.connected import run_while_connected
from rta.rest.negotiation import check_accepted, is_held
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment
from rta.rest.signed_in import SUBJECT

__all__ = ["CONFIGURATION", "ConfigurationResource"]

CONFIGURATION = "application/vnd.mat.config+json"

_PIECE = 64 << 10  # characters that are encoded, and sent, without letting others run
_KEEP = "max-age=31536000, immutable"


class ConfigurationResource:
    """The ASGI application of configurations."""

    def __init__(self, find: Callable[[str], Awaitable[str | None]]) -> None:
        """`find`: gives the document of an identifier."""
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        check_accepted(headers, CONFIGURATION, "application/json")
        identifier = segment(scope, "identifier")

        async def answer() -> None:
            text = await self._find(identifier)
            if text is None:
                raise RequestProblem(404, f"there is no configuration {identifier[:200]!r}")
            pieces, tag = await _encoded(text)
            whose = "public" if scope[SUBJECT] == ANYBODY else "private"
            kept = {"cache-control": f"{whose}, {_KEEP}", "etag": tag}
            if is_held(headers, tag):
                await Response(status_code=304, headers=kept)(scope, receive, send)
                return
            response = Response(b"", 200, kept, CONFIGURATION)
            response.headers["content-length"] = str(sum(map(len, pieces)))
            await send({"type": "http.response.start", "status": 200, "headers": response.raw_headers})
            for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        await run_while_connected(receive, answer)


async def _encoded(text: str) -> tuple[list[bytes], str]:
    """The document as it is sent, and its entity tag: a weak one, since it may be compressed on its way."""
    pieces, digest = [], hashlib.sha256()
    for at in range(0, len(text), _PIECE):
        pieces.append(text[at : at + _PIECE].encode("utf-8", "backslashreplace"))
        digest.update(pieces[-1])
        await trio.lowlevel.checkpoint()
    return pieces, f'W/"{digest.hexdigest()[:32]}"'
