"""The HTTP application. Reads what the site has; what can be changed is in `rta.rest.streams`."""

from __future__ import annotations

import json
import re
from typing import Protocol
from urllib.parse import unquote

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rta.errors import TransportError
from rta.ports import SessionRecord
from rta.rest.alarms import PATH as ALARMS
from rta.rest.alarms import AlarmResource, AlarmService
from rta.rest.body import MAX_BODY, take_body
from rta.rest.sessions import Page, SessionCatalogue
from rta.rest.streams import PATH as STREAMS
from rta.rest.streams import StreamResource, StreamService

__all__ = ["Service", "make_app"]

_BASE = re.compile(r"^.*?/rta/v2(?=/|$)")
_DOUBLED = re.compile(r"/{2,}")
_CONFIG = "application/vnd.mat.config+json"
_CHUNKED = "application/vnd.mat.protobuf+chunked"


class Service(StreamService, AlarmService, Protocol):
    """What the application shows."""

    version: str
    label: str
    description: str

    def unhealthy(self) -> list[str]:
        """Why, one line each; empty when healthy."""
        ...

    async def metrics(self) -> bytes:
        """The Prometheus text format."""
        ...

    async def sessions(self) -> list[SessionRecord]:
        """All sessions known."""
        ...

    async def session(self, identity: str) -> SessionRecord | None:
        """One session."""
        ...

    async def configuration(self, identifier: str) -> str | None:
        """A configuration document."""
        ...


def make_app(service: Service) -> ASGIApp:
    """The application, with paths as clients write them."""
    rest = _Rest(service)
    v2 = "/rta/v2"
    session = v2 + "/sessions/{identity}"
    streams = StreamResource(service)
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
            Route(ALARMS, AlarmResource(service).list),
            Route(v2 + "/session-metamodel", rest.empty_object),
            Route(v2 + "/session-metamodel/properties", rest.empty_list),
            Route(v2 + "/session-folders", rest.empty_list),
            Route(v2 + "/session-folders/{parent:path}", rest.empty_list),
        ],
        exception_handlers={TransportError: _unreachable},
    )
    return _tolerant(app)


def _tolerant(app: ASGIApp) -> ASGIApp:
    """Routes on the path as it was sent, so that `%2F` in an identity is no slash; any base path, doubled slashes."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or scope["path"]
            path = _BASE.sub("/rta/v2", _DOUBLED.sub("/", path), count=1)
            if len(path) > 1 and path != "/rta/v2/session-folders/":
                path = path.rstrip("/")
            scope = {**scope, "path": path, "root_path": ""}
            if not f"{path}/".startswith(f"{STREAMS}/") and (await take_body(receive)).size > MAX_BODY:
                await PlainTextResponse("the request body is too long\n", 413)(scope, receive, send)
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
        self._catalogue = SessionCatalogue(service.sessions)

    async def root(self, request: Request) -> Response:
        return PlainTextResponse(f"rta {self._service.version}\n")

    async def health(self, request: Request) -> Response:
        reasons = self._service.unhealthy()
        if reasons:
            return PlainTextResponse("".join(f"{r}\n" for r in reasons), 503)
        return PlainTextResponse("Healthy")

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
        record = await self._service.session(identity)
        if record is None or record.json is None:
            return _not_found(f"no session {identity!r}")
        return _json(record.json)

    async def not_an_upgrade(self, request: Request) -> Response:
        return PlainTextResponse("this is a WebSocket: connect with an upgrade request\n", 400)

    async def no_data(self, request: Request) -> Response:
        # Without a recorder there is nothing to read; a 404 would make ATLAS give up loading the session.
        if not re.fullmatch(r"(timestamped|periodic|row)/[^/]+|events", request.path_params["kind"]):
            return _not_found("data are timestamped/{channels}, periodic/{channels}, row/{channels} and events")
        return Response(b"", media_type=_CHUNKED)

    async def configuration(self, request: Request) -> Response:
        identifier = unquote(request.path_params["identifier"])
        text = await self._service.configuration(identifier)
        if text is None:
            return _not_found(f"no configuration {identifier!r}")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(text, media_type=_CONFIG, headers=headers)

    async def empty_object(self, request: Request) -> Response:
        return _json("{}")

    async def empty_list(self, request: Request) -> Response:
        return _json("[]")
