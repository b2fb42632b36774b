"""How clients write paths, and what has to be done before a request is routed.

Requests are routed on the path as it was sent: `%2F` in an identity is no slash. Where there is `rta/v2`, any base
path, doubled slashes and a slash at the end are taken. Other paths have one spelling, so that a proxy can hide them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rta.rest.body import MAX_BODY, Body, receive_body
from rta.rest.problem import RequestProblem, problem

__all__ = ["V2", "Resource", "endpoint", "is_below", "replayed", "routed", "segment", "with_bodies"]

V2 = "/rta/v2"

_BASE = re.compile(r"^.*?/rta/v2(?=/|$)")
_DOUBLED = re.compile(r"/{2,}")


class Resource:
    """An application as an endpoint of a route. Starlette calls a bare function with a request instead."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def routed(app: ASGIApp) -> ASGIApp:
    """The application, with its paths as clients write them."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": _path(scope), "root_path": ""}
        await app(scope, receive, send)

    return route


def with_bodies(app: ASGIApp, own_body: tuple[str, ...] = ()) -> ASGIApp:
    """The application, which gets bodies whole, so that the next request on the connection is found whether it reads
    them or not. Paths at and below `own_body` receive theirs themselves."""

    async def receiving(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_below(scope["path"], own_body):
            body = await receive_body(receive, MAX_BODY)
            if body.size > MAX_BODY:
                detail = f"the body is longer than {MAX_BODY} bytes, the most that is taken"
                await problem(413, detail)(scope, receive, send)
            if body.size > MAX_BODY or body.cut:  # a request that did not come whole is none
                return
            receive = replayed(body, receive)
        await app(scope, receive, send)

    return receiving


def is_below(path: str, places: tuple[str, ...]) -> bool:
    """Whether a path is one of the places, or below one."""
    return any(f"{path}/".startswith(f"{place}/") for place in places)


def replayed(body: Body, receive: Receive) -> Receive:
    """Gives a body that has been received, and then what follows it."""
    waiting: list[Message] = [{"type": "http.request", "body": body.data, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def endpoint(answer: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """The application of a function. Unlike Starlette's own, what it raises comes through to whoever calls it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (await answer(Request(scope, receive)))(scope, receive, send)

    return app


def segment(scope: Scope, name: str) -> str:
    """A part of the path, decoded.

    :raises RequestProblem: 404, since nothing has a name that is not UTF-8.
    """
    try:
        return unquote(scope["path_params"][name], errors="strict")
    except UnicodeDecodeError:
        raise RequestProblem(404, f"{scope['path_params'][name][:200]!r} is not UTF-8 when it is decoded") from None


def _path(scope: Scope) -> str:
    path: str = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or scope["path"]
    if base := _BASE.match(single := _DOUBLED.sub("/", path)):
        path = V2 + single[base.end() :]
        if path != V2 + "/session-folders/":
            path = path.rstrip("/")
    return path
