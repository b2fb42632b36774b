"""Where another service has the archive: requests about sessions are sent on to it, and its answers stream through.

Each request says in `Via` through which services it has come, so that services that point at each other in a circle
find out. Source: docs/rest.md, "An edge without an archive".
"""

from __future__ import annotations

import structlog
import trio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rta.errors import NotConnectedError
from rta.health import Health
from rta.http_peer import HttpPeer, PeerAnswer, PeerLate
from rta.rest.body import MAX_BODY, receive_body
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.peer_access import PeerAccess, ServiceAccess
from rta.rest.problem import RequestProblem
from rta.rest.routing import replayed
from rta.rest.trailers import send_end, start_with_trailers
from rta.rest.turns import AnswerTurns

__all__ = ["AwayProblem", "Elsewhere"]

log = structlog.get_logger("rta.rest")

_MOST_HOPS = 8
_SAID_BY_US = frozenset((b"date", b"server", b"via"))
_WHO = "recorded sessions"
_PROBE = b"/rta/v2/sessions/-/recording"  # whoever has the archive has to look into it
_UNABLE = (502, 503, 504)  # it, or a proxy before it, cannot answer now
_PAUSE = 10.0  # seconds between tries to reach it

_NOT_US = (401, 403)  # the other service does not take our own credential


class AwayProblem(RequestProblem):
    """The other service does not answer, or cannot."""


class Elsewhere:
    """The ASGI application whose answers are those of another service."""

    def __init__(
        self,
        peer: HttpPeer,
        name: str,
        health: Health,
        turns: AnswerTurns | None = None,
        access: PeerAccess | None = None,
    ) -> None:
        """`name`: what we are called in `Via`; all workers of a service are called the same. `turns`: None: they are
        given elsewhere. `access`: how it is said who asks; None: with what the client brings."""
        self.via = f"1.1 {name}"
        self._peer = peer
        self._name = name
        self._health = health
        self._turns = turns
        self._access = access or ServiceAccess()
        self.away = False
        """Whether the other service has not answered when it was asked last."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(scope, receive, send)

    def or_here(self, here: ASGIApp) -> ASGIApp:
        """The application that answers by itself as far as it can, where the other service does not. A header says
        so."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            body = await receive_body(receive, MAX_BODY)
            try:
                await self.answer(scope, replayed(body, receive), send, refuse_faults=True)
            except AwayProblem as e:
                log.debug("answered without the archive", path=scope["path"], reason=str(e))
                await here(scope, replayed(body, receive), _incomplete(send))

        return answer

    def unless_here(self, here: ASGIApp) -> ASGIApp:
        """The application that asks the other service for what it does not know by itself."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            body = await receive_body(receive, MAX_BODY)
            try:
                await here(scope, replayed(body, receive), send)
            except RequestProblem as e:
                if e.status != 404:
                    raise
                await self.answer(scope, replayed(body, receive), send)

        return answer

    async def answer(self, scope: Scope, receive: Receive, send: Send, refuse_faults: bool = False) -> None:
        """Send the request on, and the answer back as it comes.

        :raises AwayProblem: 502, 504; there is no answer. With `refuse_faults`, also if it is that the other service
            has failed.
        :raises RequestProblem: 508; the request goes in a circle.
        """
        self._check_circle(Headers(scope=scope))
        body = await receive_body(receive, MAX_BODY)

        async def forward() -> None:
            if self._turns is None:
                await self._forward(scope, body.data, send, refuse_faults)
            else:
                async with self._turns.turn(client_address(scope)) as turn:
                    await self._forward(scope, body.data, turn.watched(send), refuse_faults)

        await run_while_connected(receive, forward)

    async def watch(self) -> None:
        """Until cancelled: see whether the other service is there, so that health and metrics say so."""
        while True:
            await self._access.refresh()
            try:
                asked = [(b"via", self.via.encode()), *self._access.ours()]
                async with self._peer.request("HEAD", _PROBE, asked) as answer:
                    self._there(answer.status)
            except NotConnectedError as e:
                self._away(e)
            await trio.sleep(_PAUSE)

    async def _forward(self, scope: Scope, body: bytes, send: Send, refuse_faults: bool) -> None:
        begun = False
        try:
            async with self._peer.request(scope["method"], _target(scope), self._headers(scope), body) as answer:
                self._there(answer.status)
                if self._access.known and answer.status in _NOT_US:
                    raise AwayProblem(502, f"{self._peer.name} does not let us in", headers={"retry-after": "5"})
                if refuse_faults and answer.status >= 500:
                    raise AwayProblem(answer.status, f"{self._peer.name} answers {answer.status}")
                first = await answer.next()
                begun = True
                await _pass_on(answer, first, scope, send)
        except NotConnectedError as e:
            self._away(e)
            if begun:
                log.warning("an answer from elsewhere breaks off", path=scope["path"], error=str(e))
                return
            status = 504 if isinstance(e, PeerLate) else 502
            raise AwayProblem(status, f"the service that has the archive: {e}", headers={"retry-after": "5"}) from None

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        return self._access.of_client(scope, [*scope["headers"], (b"via", self.via.encode())])

    def _check_circle(self, headers: Headers) -> None:
        hops = [hop.split() for value in headers.getlist("via") for hop in value.split(",")]
        if len(hops) > _MOST_HOPS or any(len(hop) > 1 and hop[1] == self._name for hop in hops):
            detail = "the request has come here before: archive.url has to name the service that has the archive"
            raise RequestProblem(508, detail)

    def _away(self, reason: object) -> None:
        """What is live is served as before, so we stay healthy: a balancer would take that away too."""
        self.away = True
        self._health.lack(_WHO, f"{self._peer.name} is to have them: {reason}")

    def _there(self, status: int) -> None:
        if status == 508:
            self._away("the requests go in a circle; is archive.url the service that has the archive?")
        elif status in _NOT_US and self._access.known:
            self._away(f"it answers {status}: our own token is not right there")
        elif status in _UNABLE:
            self._away(f"it answers {status}")
        elif status < 500:
            self.away = False
            self._health.ok(_WHO)


async def _pass_on(answer: PeerAnswer, piece: bytes, scope: Scope, send: Send) -> None:
    headers = [(name, value) for name, value in answer.headers if name not in _SAID_BY_US]
    await send(start_with_trailers(scope, answer.status, headers))
    while piece:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        piece = await answer.next()
    await send_end(scope, send, answer.trailers)


def _target(scope: Scope) -> bytes:
    query = scope["query_string"]
    path: bytes = scope["path"].encode("latin-1")
    return path + (b"?" + query if query else b"")


def _incomplete(send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": list(message["headers"])}
            MutableHeaders(raw=message["headers"])["rta-incomplete"] = _WHO
        await send(message)

    return marked
