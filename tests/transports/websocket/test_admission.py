"""The gate of WebSockets: what it is asked, when, and what of a client's credentials is said to nobody."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import trio
from rta_transports.websocket.addresses import Addresses
from rta_transports.websocket.admission import AskedFor, stream_request
from rta_transports.websocket.head import RequestHead
from rta_transports.websocket.tls_socket import TlsClient
from served_edge import answering, serving

from rta.logs import set_up_logging
from rta.ports import ANYBODY, ClientCertificate, NotAdmitted, StreamRequest, Subject
from rta.wire.websocket import SUBPROTOCOL

SECRET = "rta_S3CRETS3CRETS3CRET"
KUBERNETES = f"base64url.bearer.authorization.k8s.io.{base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip('=')}"
CLOSE_FRAME = b"\x88\x80\x00\x00\x00\x00"
TICKET = f"rta.ticket.{SECRET}"


def upgrade(*headers: str, path: str = "/rta/v2/sessions/s/stream", protocols: str = SUBPROTOCOL) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: pit",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: {protocols}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Gate:
    """Remembers what it was asked."""

    def __init__(self, error: NotAdmitted | None = None) -> None:
        self.asked: list[StreamRequest] = []
        self.error = error

    async def __call__(self, request: StreamRequest) -> Subject:
        await trio.lowlevel.checkpoint()
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return ANYBODY


# ---- what it is asked


@pytest.mark.parametrize(
    ("trusted", "headers", "host", "secure", "peer"),
    [
        ([], ["X-Forwarded-Proto: https", "X-Forwarded-Host: evil"], "pit", False, "127.0.0.1"),
        (["127.0.0.1"], [], "pit", False, "127.0.0.1"),
        (
            ["127.0.0.1"],
            ["X-Forwarded-Proto: https", "X-Forwarded-Host: rta.example", "X-Forwarded-For: 192.0.2.7"],
            "rta.example",
            True,
            "192.0.2.7",
        ),
        (["127.0.0.1"], ["X-Forwarded-Proto: https, http"], "pit", False, "127.0.0.1"),
        (["127.0.0.1"], ["X-Forwarded-Host: evil", "X-Forwarded-Host: rta.example"], "rta.example", False, "127.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_says_what_the_client_has_asked(
    trusted: list[str], headers: list[str], host: str, secure: bool, peer: str
) -> None:
    gate = Gate()
    async with serving(answering(), gate, trusted_proxies=trusted) as served, served.visited() as visitor:
        await visitor.send(upgrade(*headers))
        await visitor.until(b"101 ")
    (request,) = gate.asked
    assert (request.headers["host"], request.secure, request.peer) == (host, secure, peer)


@pytest.mark.parametrize(
    ("trusted", "expected"), [([], ("http", [b"pit"])), (["127.0.0.1"], ("https", [b"rta.example"]))]
)
async def test_the_application_is_told_the_same(trusted: list[str], expected: tuple[str, list[bytes]]) -> None:
    told: list[tuple[str, list[bytes]]] = []
    answer = answering(b"hello")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append((scope["scheme"], [value for name, value in scope["headers"] if name == b"host"]))
        await answer(scope, receive, send)

    async with serving(app, trusted_proxies=trusted) as served, served.visited() as visitor:
        forwarded = b"Host: pit\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: rta.example\r\n"
        await visitor.send(b"GET / HTTP/1.1\r\n" + forwarded + b"\r\n")
        await visitor.until(b"hello")
    assert told == [expected]


@pytest.mark.parametrize("reason", ["nobody", "role", "origin"])
async def test_refusals_are_counted_by_reason(reason: str) -> None:
    gate = Gate(NotAdmitted(403, "no", reason))
    async with serving(answering(), gate) as served, served.visited() as visitor:
        await visitor.send(upgrade())
        assert b"403" in await visitor.until(b"no\n")
        assert served.refused(reason) == 1


async def test_a_refusal_without_a_challenge_has_the_one_that_401_needs() -> None:
    async with serving(answering(), Gate(NotAdmitted(401, "no", "nobody"))) as served, served.visited() as visitor:
        await visitor.send(upgrade())
        assert b"\r\nwww-authenticate: bearer\r\n" in (await visitor.until(b"no\n")).lower()


# ---- within bounds


async def test_a_gate_that_does_not_answer_lets_nobody_in_and_holds_nobody_up() -> None:
    async def gate(request: StreamRequest) -> Subject:
        if request.identity == "s":
            await trio.sleep_forever()
        return ANYBODY

    async with serving(answering(), gate, handshake_timeout=2.0) as served, served.visited() as waiting:
        await waiting.send(upgrade())
        async with served.visited() as other:
            await other.send(upgrade(path="/rta/v2/sessions/other/stream"))
            await other.until(b"101 ")
        assert b"503" in await waiting.until(b"who asks: try again\n")
        assert served.refused("late") == 1


async def test_a_gate_that_fails_lets_nobody_in() -> None:
    async def gate(request: StreamRequest) -> Subject:
        raise LookupError("a fault of the test's gate, on purpose")

    async with serving(answering(), gate) as served, served.visited() as visitor:
        await visitor.send(upgrade())
        assert b"101" not in await visitor.rest()


async def test_an_edge_that_is_drained_meanwhile_lets_nobody_in() -> None:
    asked, go_on = trio.Event(), trio.Event()

    async def gate(request: StreamRequest) -> Subject:
        asked.set()
        await go_on.wait()
        return ANYBODY

    async with serving(answering(), gate) as served, served.visited() as visitor:
        await visitor.send(upgrade())
        await asked.wait()
        served.edge.drain()
        go_on.set()
        assert b"503" in await visitor.until(b"shutting down\n")


async def test_of_many_wrong_tokens_few_have_the_same_turn_of_the_event_loop() -> None:
    asked = most = 0

    async def gate(request: StreamRequest) -> Subject:
        nonlocal asked
        asked += 1
        raise NotAdmitted(401, "no", "invalid")

    async def visit() -> None:
        async with served.visited() as visitor:
            await ready.wait()
            await visitor.send(upgrade(f"Authorization: Bearer {SECRET}"))
            await visitor.until(b"no\n")

    ready = trio.Event()
    async with serving(answering(), gate) as served, trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(visit)
        await trio.testing.wait_all_tasks_blocked()
        ready.set()
        before = 0
        while asked < 100:
            await trio.lowlevel.checkpoint()
            most, before = max(most, asked - before), asked
    assert most <= 8


# ---- said to nobody


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that is logged, with tracebacks."""
    out, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()
    set_up_logging("debug", "json", out)
    logging.getLogger("trio-websocket").setLevel(logging.DEBUG)
    try:
        yield out
    finally:
        root.handlers[:], _ = before[0], root.setLevel(before[1])
        structlog.configure(**before[2])
        logging.getLogger("trio-websocket").setLevel(logging.WARNING)


REQUESTS = [
    upgrade(f"Authorization: Bearer {SECRET}"),
    upgrade(protocols=f"{SUBPROTOCOL}, {KUBERNETES}"),
    upgrade(protocols=f"{TICKET}, {SUBPROTOCOL}"),
    upgrade(protocols=TICKET),
    upgrade(protocols=f"{SUBPROTOCOL}, {TICKET}, ,\x01"),
    upgrade(f"Authorization: Bearer {SECRET}\x01"),
    upgrade(f"Authorization: Bearer {SECRET}\x00"),
    upgrade(f"Authorization : Bearer {SECRET}"),
    upgrade(f"Authorization\x01: Bearer {SECRET}"),
    upgrade(f"Authorization: Bearer {SECRET}", "Sec-WebSocket-Version: 7"),
    upgrade(f"Authorization: Bearer {SECRET}", "Content-Length: x"),
    upgrade(f"Authorization: Bearer {SECRET}", f" {SECRET}"),
    upgrade(f"{SECRET}"),
    upgrade(path=f"/rta/v2/sessions/s/stream?after={SECRET}"),
    upgrade(f"Authorization: Bearer {SECRET}") + b"\x81\x05hello" + SECRET.encode(),
]


@pytest.mark.parametrize("ending", ["admitted", "refused", "failed"])
async def test_what_a_client_signs_in_with_is_in_no_answer_and_no_log(logged: io.StringIO, ending: str) -> None:
    async def gate(request: StreamRequest) -> Subject:
        if ending == "refused":
            raise NotAdmitted(401, "the token is not known", "unknown_token")
        if ending == "failed":
            raise LookupError(f"a fault at {request!r}, on purpose")
        return ANYBODY

    async with serving(answering(b"hello"), gate) as served:
        for request in REQUESTS + [request.replace(b"Upgrade: websocket\r\n", b"") for request in REQUESTS]:
            async with served.visited() as visitor:
                await visitor.send(request + CLOSE_FRAME)
                await visitor.stream.send_eof()
                answer = await visitor.rest()
            for secret in (SECRET, KUBERNETES, "S3CRET"):
                assert secret.encode() not in answer, request
                assert secret not in logged.getvalue(), request
    assert ending != "failed" or "a fault at StreamRequest" in logged.getvalue()


def test_a_head_shows_nothing_that_may_be_a_token() -> None:
    head = RequestHead.parse(upgrade(f"Authorization: Bearer {SECRET}", path=f"/x?token={SECRET}") + SECRET.encode())
    assert SECRET in head.headers["authorization"]
    assert "S3CRET" not in repr(head)


DESK = ClientCertificate("CN=desk")


@pytest.mark.parametrize(("trusted", "certificate"), [([], DESK), (["10.0.0.0/8"], None)])
def test_the_certificate_of_a_trusted_proxy_is_not_that_of_its_clients(trusted, certificate):
    addresses = Addresses(trusted, 1)
    head = RequestHead.parse(upgrade("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"))
    tls = TlsClient(DESK, {"client_cert_name": "CN=desk"})
    assert stream_request(head, "s", "10.0.0.1", addresses, tls).certificate == certificate
    scope: dict[str, Any] = {"client": ("10.0.0.1", 1), "headers": [], "extensions": {"tls": tls.extension}}
    AskedFor.at("10.0.0.1", head, addresses).put_into(scope)
    assert scope["client"][0] == ("192.0.2.1" if trusted else "10.0.0.1")
    assert ("tls" in scope["extensions"]) is not bool(trusted)
