"""What an edge makes of whom the gate admits, and of whom it does not."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
import trio
from trio_websocket import ConnectionRejected

from rta.errors import leaves
from rta.ports import NotAdmitted, Role, StreamRequest, Subject
from rta.testing.edge_under_test import EdgeUnderTest
from rta.wire.websocket import SUBPROTOCOL

__all__ = ["EdgeAdmission"]

_LIKE_ONE = "base64url.bearer.authorization.k8s.io.a2l0"  # a token in a sub-protocol
_WITHOUT_PROTOCOL = (
    b"GET /rta/v2/sessions/s/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class EdgeAdmission(EdgeUnderTest):
    """A part of `EdgeContract`."""

    async def test_the_gate_is_asked_with_what_the_client_has_sent(self) -> None:
        asked: list[StreamRequest] = []
        somebody = Subject("somebody", Role.READ, 1 << 62)

        async def gate(request: StreamRequest) -> Subject:
            await trio.lowlevel.checkpoint()
            asked.append(request)
            return somebody

        signed = {"authorization": f"Bearer {_LIKE_ONE}", "origin": "http://pit"}
        async with (
            self.serving(gate=gate) as served,
            self.connected(served.url, "a/b", [_LIKE_ONE], **signed) as (client, _),
        ):
            connection = await served.accepted.receive()
            assert connection.subject == somebody
            assert client.subprotocol == SUBPROTOCOL, "what may be a token must not be sent back"
        (request,) = asked
        headers = request.headers
        assert (request.identity, request.secure, request.certificate) == ("a/b", served.url.startswith("https"), None)
        assert (headers["authorization"], headers["origin"]) == (f"Bearer {_LIKE_ONE}", "http://pit")
        assert headers["sec-websocket-protocol"].replace(" ", "") == f"{SUBPROTOCOL},{_LIKE_ONE}"
        assert headers["host"] == urlsplit(served.url).netloc
        assert ip_address(request.peer).is_loopback

    @pytest.mark.parametrize("status", [401, 403, 503])
    async def test_whoever_is_not_admitted_is_told_why_and_gets_no_connection(self, status: int) -> None:
        async def gate(request: StreamRequest) -> Subject:
            await trio.lowlevel.checkpoint()
            raise NotAdmitted(status, "sign in to see it", "nobody", 'Bearer realm="kit"' if status == 401 else None)

        async with self.serving(gate=gate) as served:
            with pytest.raises(BaseExceptionGroup) as group:
                async with self.connected(served.url, authorization=f"Bearer {_LIKE_ONE}"):
                    pytest.fail("who is not admitted has a connection")
            refused = leaves(group.value)[0]
            assert isinstance(refused, ConnectionRejected), refused
            assert refused.status_code == status
            assert (refused.body or b"").strip() == b"sign in to see it"
            challenges = [value for name, value in refused.headers or () if name.lower() == b"www-authenticate"]
            assert challenges == ([b'Bearer realm="kit"'] if status == 401 else [])
            with pytest.raises(trio.WouldBlock):
                served.accepted.receive_nowait()

    async def test_what_cannot_be_streamed_is_refused_before_the_gate_is_asked(self) -> None:
        async def gate(request: StreamRequest) -> Subject:
            pytest.fail("the gate was asked")

        async with self.serving(gate=gate) as served, await self.dial(served.url) as stream:
            await stream.send_all(_WITHOUT_PROTOCOL)
            assert (await stream.receive_some()).split(b" ")[1] == b"406"
