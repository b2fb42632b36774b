"""What a worker without the node answers for it: it forwards the request to worker 0, which has the node."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import NotConnectedError
from rta.rest.body import MAX_CHANGE, Body, receive_body, refusal
from rta.rest.guard import client_address
from rta.rest.signed_in import SUBJECT
from rta.workers.local_http import request_locally
from rta.workers.membership import Membership

__all__ = ["ForwardingApp"]

_PATIENCE = 8.0  # seconds for an answer, a turn included: less than a client waits
_AT_ONCE = 16  # requests; more wait for their turn


class ForwardingApp:
    """An ASGI application whose answers are those of worker 0. Who asks, and whether they may, is known by then."""

    def __init__(self, membership: Membership) -> None:
        self._path = membership.socket_of(0)
        self._turns = trio.CapacityLimiter(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive_body(receive, MAX_CHANGE + 1)  # a longer one is refused there as well as in whole
        if not body.cut:
            await (await self._answer(scope, body))(scope, receive, send)

    async def _answer(self, scope: Scope, body: Body) -> Response:
        path, query = scope.get("raw_path") or quote(scope["path"]).encode(), scope["query_string"]
        target = path.partition(b"?")[0] + (b"?" + query if query else b"")
        with trio.move_on_after(_PATIENCE), suppress(NotConnectedError):
            async with self._turns:
                found = await request_locally(
                    self._path,
                    scope["method"],
                    target,
                    scope["headers"],
                    body.data,
                    client_address(scope),
                    scope[SUBJECT],
                )
            answer = Response(found.body, found.status)
            answer.raw_headers = found.headers
            return answer
        return refusal(503, "worker 0, which has the streams, does not answer now; look before you try again")
