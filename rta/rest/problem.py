"""Problem documents: the answer to every request that is not granted, in one place. RFC 9457; docs/rest.md, "Problems".

The paths of streams, alarms and remote nodes have answers of their own: see `rta.rest.body`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from rta.errors import ArchiveError, FlushPointError, MalformedError, RtaError, TransportError
from rta.rest.body import json_text

__all__ = ["PROBLEM", "PROBLEM_HANDLERS", "RequestProblem", "problem", "refuse"]

PROBLEM = "application/problem+json"

_AGAIN = {"retry-after": "5"}  # seconds


class RequestProblem(RtaError):
    """A request is not granted."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """`detail`: what is wrong and what would be right. `field`: the parameter that is wrong."""
        super().__init__(detail)
        self.status = status
        self.field = field
        self.headers = dict(headers or {})


def refuse(field: str, error: MalformedError) -> NoReturn:
    """:raises RequestProblem: 400, always: `error` tells what is wrong with a parameter."""
    raise RequestProblem(400, str(error), field) from None


def problem(status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The answer."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if field is not None:
        document["field"] = field
    return Response(json_text(document), status, headers, PROBLEM)


async def _requested(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestProblem)
    return problem(error.status, str(error), error.field, error.headers)


async def _buffer(request: Request, error: Exception) -> Response:
    return problem(503, f"the buffer cannot be read now: {error}", headers=_AGAIN)


async def _archive(request: Request, error: Exception) -> Response:
    return problem(503, f"the archive cannot be read now: {error}", headers=_AGAIN)


async def _flush_point(request: Request, error: Exception) -> Response:
    return problem(409, str(error), "upto")


async def _fault(request: Request, error: Exception) -> Response:
    return problem(500, "the server failed")


PROBLEM_HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    RequestProblem: _requested,
    TransportError: _buffer,
    ArchiveError: _archive,
    FlushPointError: _flush_point,
    Exception: _fault,
}
"""For Starlette: what becomes of which error."""
