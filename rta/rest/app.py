"""The HTTP application: what can be read of a site. What can be changed is in `rta.rest.streams`."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from attrs import field, frozen
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rta import __version__
from rta.clock_bounds import ClockBounds
from rta.errors import TransportError
from rta.health import Health
from rta.node.node_stream import Initiator, Refused
from rta.node.stream_service import StreamService
from rta.ports import BurstLog
from rta.rest.body import MAX_BODY, json_response, receive_body, refusal
from rta.rest.sessions import Page, SessionCatalogue
from rta.rest.streams import PATH as STREAMS
from rta.rest.streams import StreamResource

__all__ = ["Service", "make_app"]

_ALARMS = "/rta/v2/alarms"
_BASE = re.compile(r"^.*?/rta/v2(?=/|$)")
_DOUBLED = re.compile(r"/{2,}")
_CONFIG = "application/vnd.mat.config+json"
_CHUNKED = "application/vnd.mat.protobuf+chunked"
_TRUE, _FALSE = ("true", "1", "yes"), ("", "false", "0", "no")


async def _no_alarms(active_only: bool) -> list[dict[str, Any]]:
    return []


@frozen(kw_only=True)
class Service:
    """What the application shows of a site."""

    label: str
    description: str
    host: str
    """What the site is called by its configuration."""
    buffer: BurstLog
    health: Health
    metrics: Callable[[], Awaitable[bytes]]
    """Gives them in the Prometheus text format."""
    clocks: ClockBounds = field(factory=ClockBounds)
    """What time ranges of sessions may say."""
    streams: Callable[[Initiator], StreamService] | None = None
    """The streams of the node, for whoever asks; None: the site has none."""
    alarms: Callable[[bool], Awaitable[list[dict[str, Any]]]] = _no_alarms
    """The alarms of the node as they are listed: all, or only those that are active."""


def make_app(service: Service, node: ASGIApp | None = None) -> ASGIApp:
    """The application, with paths as clients write them. `node` answers for the node where another process has it."""
    rest = _Rest(service)
    v2 = "/rta/v2"
    session = v2 + "/sessions/{identity}"
    streams = StreamResource(service.streams, service.host)
    app = Starlette(
        routes=[
            Route("/", rest.root),
            Route("/health", rest.health),
            Route("/metrics", rest.metrics),
            Route(v2 + "/info", rest.info),
            Route(v2 + "/sessions", rest.sessions, methods=["GET", "POST"]),
            Route(session, rest.session),
            Route(session + "/stream", rest.not_an_upgrade),
            Route(session + "/data/{kind:path}", rest.no_data),
            Route(v2 + "/configs/{identifier}", rest.configuration),
            Route(STREAMS, streams),
            Route(STREAMS + "/{target:path}", streams),
            Route(_ALARMS, rest.alarms),
            Route(v2 + "/session-metamodel", rest.empty_object),
            Route(v2 + "/session-metamodel/properties", rest.empty_list),
            Route(v2 + "/session-folders", rest.empty_list),
            Route(v2 + "/session-folders/{parent:path}", rest.empty_list),
        ],
        exception_handlers={TransportError: _unreachable},
    )
    app.router.redirect_slashes = False  # `_tolerant` knows every spelling that there is
    return _tolerant(app, node)


def _tolerant(app: ASGIApp, node: ASGIApp | None) -> ASGIApp:
    """Route on the path as it was sent: `%2F` in an identity is no slash. Where there is `rta/v2`, any base path,
    doubled slashes and a slash at the end are taken. Other paths have one spelling: a proxy can hide them.

    Bodies that no route reads are received here, so that the next request on the connection is found.
    """

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or scope["path"]
            if base := _BASE.match(single := _DOUBLED.sub("/", path)):
                path = "/rta/v2" + single[base.end() :]
                if path != "/rta/v2/session-folders/":
                    path = path.rstrip("/")
            scope = {**scope, "path": path, "root_path": ""}
            of_streams = f"{path}/".startswith(f"{STREAMS}/")
            if node is not None and (of_streams or path == _ALARMS):
                await node(scope, receive, send)
                return
            if not of_streams:
                body = await receive_body(receive)
                if body.size > MAX_BODY:
                    await PlainTextResponse("the request body is too long\n", 413)(scope, receive, send)
                if body.size > MAX_BODY or body.cut:  # a request that did not come whole is none
                    return
        await app(scope, receive, send)

    return routed


async def _unreachable(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"the buffer cannot be read now: {error}\n", 503)


def _json(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="application/json")


def _not_found(what: str) -> Response:
    return PlainTextResponse(f"{what}\n", 404)


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class _Rest:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._catalogue = SessionCatalogue(service.buffer.sessions, service.clocks)

    async def root(self, request: Request) -> Response:
        return PlainTextResponse(f"rta {__version__}\n")

    async def health(self, request: Request) -> Response:
        health = self._service.health
        notes = [f"note: {note}" for note in health.notes]
        if health.healthy:
            return PlainTextResponse("\n".join(["Healthy", *notes]))
        return PlainTextResponse("".join(f"{line}\n" for line in [*health.reasons, *notes]), 503)

    async def metrics(self, request: Request) -> Response:
        return Response(await self._service.metrics(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def info(self, request: Request) -> Response:
        return _json(json.dumps({"label": self._service.label, "description": self._service.description}))

    async def sessions(self, request: Request) -> Response:
        sort = tuple(s for v in request.query_params.getlist("sort") for s in v.split(",") if s)
        size = _number(request, "pageSize")
        page = Page(_number(request, "pageIndex") or 0, size, sort or Page().sort)
        return _json(await self._catalogue.list(page))

    async def session(self, request: Request) -> Response:
        identity = unquote(request.path_params["identity"])
        record = await self._service.buffer.find(identity)
        if record is None or record.json is None:
            return _not_found(f"no session {identity!r}")
        return _json(await self._catalogue.text(record))

    async def not_an_upgrade(self, request: Request) -> Response:
        return PlainTextResponse("this is a WebSocket: connect with an upgrade request\n", 400)

    async def no_data(self, request: Request) -> Response:
        # Without a recorder there is nothing to read; with a 404, ATLAS would give up loading the session.
        if not re.fullmatch(r"(timestamped|periodic|row)/[^/]+|events", request.path_params["kind"]):
            return _not_found("data are timestamped/{channels}, periodic/{channels}, row/{channels} and events")
        return Response(b"", media_type=_CHUNKED)

    async def configuration(self, request: Request) -> Response:
        identifier = unquote(request.path_params["identifier"])
        text = await self._service.buffer.configuration(identifier)
        if text is None:
            return _not_found(f"no configuration {identifier!r}")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(text, media_type=_CONFIG, headers=headers)

    async def alarms(self, request: Request) -> Response:
        active = request.query_params.get("active", "").lower()
        if active not in (*_TRUE, *_FALSE):
            return refusal(400, "active: expected true or false", "active")
        try:
            return json_response({"alarms": await self._service.alarms(active in _TRUE)})
        except Refused as e:
            return refusal(503, str(e))

    async def empty_object(self, request: Request) -> Response:
        return _json("{}")

    async def empty_list(self, request: Request) -> Response:
        return _json("[]")
