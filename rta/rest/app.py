"""The HTTP application: what can be read of a site. What can be changed is in `rta.rest.streams`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rta.auth import SignIn
from rta.clock_bounds import ClockBounds
from rta.health import Health
from rta.node.node_stream import Initiator, Refused
from rta.node.stream_service import StreamService
from rta.ports import Archive, BurstLog, Reporter, SessionRecord
from rta.rest.access import ALARMS, METRICS, NODES, OF_NODES, STREAMS
from rta.rest.body import json_response, refusal
from rta.rest.compression import compressed
from rta.rest.configurations import ConfigurationResource
from rta.rest.data import DataResource
from rta.rest.deletion import DeletionResource, DeletionWitnesses, NoteDeletion
from rta.rest.elsewhere import Elsewhere
from rta.rest.exports import ExportResource, export_turns
from rta.rest.nodes import FollowedNodes, NodesResource
from rta.rest.overview import OverviewResource
from rta.rest.page import PageResource
from rta.rest.problem import PROBLEM_HANDLERS, RequestProblem
from rta.rest.recording import EntriesResource, RecordingResource
from rta.rest.routing import V2, Resource, endpoint, is_below, routed, with_bodies
from rta.rest.session_pages import SessionPages
from rta.rest.sessions import SessionCatalogue
from rta.rest.sign_in_pages import SignInPages
from rta.rest.signed_in import AccessRules, signed_in
from rta.rest.site_pages import SitePages
from rta.rest.streams import StreamResource
from rta.rest.tagged import tagged
from rta.rest.turns import AnswerTurns

__all__ = ["Service", "make_app", "routes_of"]

_TRUE, _FALSE = ("true", "1", "yes"), ("", "false", "0", "no")


async def _no_alarms(active_only: bool, history: bool) -> list[dict[str, Any]]:
    return []


async def _every_one(record: SessionRecord) -> bool:
    return True


@frozen(kw_only=True)
class Service:
    """What the application shows of a site."""

    label: str
    description: str
    host: str
    """What the site is called by its configuration."""
    timezone: str = "UTC"
    """The IANA name of the zone where it stands."""
    buffer: BurstLog
    health: Health
    metrics: Callable[[], Awaitable[bytes]]
    """Gives them in the Prometheus text format."""
    archive: Archive | None = None
    """None: the site records nothing."""
    records: Callable[[SessionRecord], Awaitable[bool]] = _every_one
    """Whether a session of the buffer is going to be recorded, if it is not yet."""
    elsewhere: Elsewhere | None = None
    """Who has the archive, where it is another process."""
    clocks: ClockBounds = field(factory=ClockBounds)
    """What time ranges of sessions may say."""
    report: Reporter | None = None
    """Where it is counted what has been given."""
    turns: AnswerTurns = field(factory=AnswerTurns)
    """Of answers with data."""
    export_turns: AnswerTurns = field(factory=export_turns)
    streams: Callable[[Initiator], StreamService] | None = None
    """The streams of the node, for whoever asks; None: the site has none."""
    alarms: Callable[[bool, bool], Awaitable[list[dict[str, Any]]]] = _no_alarms
    """The alarms of the node as they are listed: all, or only those that are active; and whether with their history."""
    nodes: Callable[[], FollowedNodes] = tuple
    """The remote nodes that the sources here follow."""
    sign_in: SignIn | None = None
    """Tells who asks; None: nobody has to sign in."""
    clock: Callable[[], int] = time.time_ns
    """Wall time, ns since the Unix epoch."""
    note_deletion: NoteDeletion | None = None
    """For the audit file."""

    @property
    def rules(self) -> AccessRules:
        """What requests are held to."""
        return AccessRules(self.sign_in, self.host, self.clock)


def make_app(service: Service, node: ASGIApp | None = None) -> ASGIApp:
    """The application, with paths as clients write them. `node` answers for the node and for remote nodes where another
    process has them."""
    app = Starlette(routes=routes_of(service), exception_handlers=PROBLEM_HANDLERS)
    app.router.redirect_slashes = False  # `routed` knows every spelling that there is
    answering = compressed(tagged(app if node is None else _with_node(app, node)))
    return routed(signed_in(with_bodies(answering, own_body=(STREAMS,)), service.rules))


def routes_of(service: Service) -> list[Route]:
    """What there is. What it says of itself is in `rta.rest.openapi`."""
    rest = _Rest(service)
    page = PageResource(lambda: [] if service.sign_in is None else service.sign_in.issuer_urls)
    pages = SitePages(service.health, service.metrics, page, service.rules)
    signing_in = SignInPages(service.rules, service.label, service.description, service.timezone)
    streams = StreamResource(service.streams)
    return [
        Route("/", pages.root),
        Route("/page/{file}", page.file),
        Route("/health", pages.health),
        Route(METRICS, pages.metrics),
        Route(V2 + "/info", signing_in.info),
        Route(V2 + "/whoami", signing_in.whoami),
        Route(V2 + "/tickets", signing_in.ticket, methods=["POST"]),
        Route(V2 + "/openapi.json", pages.openapi),
        Route(V2 + "/docs", pages.docs),
        *_of_sessions(service, rest),
        Route(STREAMS, streams),
        Route(STREAMS + "/{target:path}", streams),
        Route(ALARMS, rest.alarms),
        Route(NODES, NodesResource(service.nodes).list),
    ]


def _of_sessions(service: Service, rest: _Rest) -> list[Route]:
    """What is here is shown here; where the archive is elsewhere, the rest is asked for there."""
    buffer, archive, elsewhere, turns = service.buffer, service.archive, service.elsewhere, service.turns
    catalogue = SessionCatalogue(buffer.sessions, service.clocks)
    sessions = SessionPages(buffer, archive, catalogue)
    session = V2 + "/sessions/{identity}"

    def with_recorded(here: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
        return endpoint(here) if elsewhere is None else elsewhere.or_here(endpoint(here))

    def or_recorded(here: ASGIApp) -> ASGIApp:
        return here if elsewhere is None else elsewhere.unless_here(here)

    def recorded(here: ASGIApp) -> ASGIApp:
        return here if elsewhere is None else elsewhere

    witnesses = DeletionWitnesses(service.note_deletion, catalogue.list_anew)
    deletion = DeletionResource(buffer, archive, service.records, witnesses)
    data = recorded(DataResource(buffer, archive, service.records, turns, service.report))
    found: list[tuple[str, ASGIApp]] = [
        (V2 + "/sessions", with_recorded(sessions.list)),
        (session, or_recorded(endpoint(sessions.session))),
        (session + "/stream", endpoint(_not_an_upgrade)),
        (session + "/data/events", data),
        (session + "/data/{kind}/{channels}", data),
        (session + "/overview/{channels}", recorded(OverviewResource(buffer, archive, turns))),
        (session + "/export", recorded(ExportResource(archive, buffer, service.export_turns))),
        (session + "/recording", recorded(RecordingResource(archive))),
        (V2 + "/entries", recorded(EntriesResource(archive, turns))),
        (V2 + "/configs/{identifier}", or_recorded(ConfigurationResource(rest.configuration))),
        (V2 + "/session-metamodel", with_recorded(sessions.metamodel)),
        (V2 + "/session-metamodel/properties", with_recorded(sessions.properties)),
        (V2 + "/session-folders", with_recorded(sessions.folders)),
        (V2 + "/session-folders/{parent:path}", with_recorded(sessions.folders)),
    ]
    return [
        Route(session, Resource(or_recorded(endpoint(deletion.delete))), methods=["DELETE"]),
        *(
            Route(path, Resource(app), methods=["GET", "HEAD", *(["POST"] if path == V2 + "/sessions" else [])])
            for path, app in found
        ),
    ]


def _with_node(app: ASGIApp, node: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        of_node = scope["type"] == "http" and is_below(scope["path"], OF_NODES)
        await (node if of_node else app)(scope, receive, send)

    return answer


async def _not_an_upgrade(request: Request) -> Response:
    raise RequestProblem(400, "this is a WebSocket: connect with an upgrade request")


class _Rest:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def configuration(self, identifier: str) -> str | None:
        text = await self._service.buffer.configuration(identifier)
        if text is None and self._service.archive is not None:
            text = await self._service.archive.configuration(identifier)
        return text

    async def alarms(self, request: Request) -> Response:
        chosen: list[bool] = []
        for key in ("active", "history"):
            text = request.query_params.get(key, "").lower()
            if text not in (*_TRUE, *_FALSE):
                return refusal(400, f"{key}: expected true or false", key)
            chosen.append(text in _TRUE)
        try:
            return json_response({"alarms": await self._service.alarms(*chosen)})
        except Refused as e:
            return refusal(503, str(e))
