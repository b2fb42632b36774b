"""What a site says of itself: its version, health and metrics, and what there is over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from rta import __version__
from rta.health import Health
from rta.rest.body import json_response
from rta.rest.negotiation import takes_page
from rta.rest.openapi import openapi_document
from rta.rest.openapi_page import PAGE_HEADERS, openapi_page
from rta.rest.page import PageResource
from rta.rest.signed_in import AccessRules

__all__ = ["SitePages"]


class SitePages:
    """The endpoints."""

    def __init__(
        self, health: Health, metrics: Callable[[], Awaitable[bytes]], page: PageResource, rules: AccessRules
    ) -> None:
        """`metrics`: gives them in the Prometheus text format."""
        self._page = page
        self._health = health
        self._metrics = metrics
        self._rules = rules

    async def root(self, request: Request) -> Response:
        """For browsers the page, for programs the version."""
        if takes_page(request.headers):
            return self._page.page(request)
        return PlainTextResponse(f"rta {__version__}\n", headers={"vary": "Accept"})

    async def health(self, request: Request) -> Response:
        """The status is for everybody, as probes need it; reasons name addresses and paths, and are for readers."""
        if not await self._rules.lets_read(request.scope):
            healthy = self._health.healthy
            return PlainTextResponse("Healthy" if healthy else "Unhealthy", 200 if healthy else 503)
        notes = [f"note: {note}" for note in self._health.notes]
        if self._health.healthy:
            return PlainTextResponse("\n".join(["Healthy", *notes]))
        return PlainTextResponse("".join(f"{line}\n" for line in [*self._health.reasons, *notes]), 503)

    async def metrics(self, request: Request) -> Response:
        return Response(await self._metrics(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:
        return json_response(openapi_document(), headers={"cache-control": "no-cache"})

    async def docs(self, request: Request) -> Response:
        return HTMLResponse(self._docs, headers=PAGE_HEADERS)

    @cached_property
    def _docs(self) -> str:
        return openapi_page(openapi_document())
