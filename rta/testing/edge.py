"""The conformance kit of the `Edge` port: what every listener for clients must do.

    class TestMyEdge(EdgeContract):
        @asynccontextmanager
        async def open_edge(self) -> AsyncIterator[Edge]:
            yield MyEdge(MyEdgeOptions(port=0), context)

Real sockets are used, so the kit runs on the real clock.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed

from rta.ports import ClientGone, CloseCode, FrameConnection
from rta.testing.edge_admission import EdgeAdmission
from rta.testing.patience import until
from rta.wire.websocket import frame

__all__ = ["EdgeContract"]

_LARGE = 256 << 10
_MANY = 64  # large frames: more than sockets hold


class EdgeContract(EdgeAdmission):
    """Subclass it, override `open_edge`, and where it applies the other hooks of `EdgeUnderTest`."""

    # ---- HTTP

    async def test_what_asks_for_no_upgrade_goes_to_the_application(self) -> None:
        scopes: list[dict[str, Any]] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scopes.append(scope)
            body = (await receive())["body"]
            await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"7")]})
            await send({"type": "http.response.body", "body": b"got " + body})

        async with self.serving(app=app) as served:
            answer = await self.request(served.url, b"POST /a%2Fb?c=d HTTP/1.1", b"all")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (head.split(b" ")[1], body) == (b"202", b"got all")
        (scope,) = scopes
        assert (scope["type"], scope["method"], scope["query_string"]) == ("http", "POST", b"c=d")
        assert scope["raw_path"].partition(b"?")[0] == b"/a%2Fb"
        assert ip_address(scope["client"][0]).is_loopback

    # ---- connections

    @pytest.mark.parametrize("identity", ["s", "a/b", "Zürich 100 %?"])
    async def test_a_connection_says_what_it_is_and_of_which_session(self, identity: str) -> None:
        before = trio.current_time()
        async with self.serving() as served, self.visiting(served, identity) as client:
            connection = client.connection
            assert connection.identity == identity
            assert ip_address(connection.peer).is_loopback
            assert before <= connection.opened <= trio.current_time()
            assert connection.free

    async def test_frames_arrive_whole_and_in_order(self) -> None:
        payloads = [b"%d" % n * n for n in (1, 125, 1000)]
        async with self.serving() as served, self.visiting(served) as client:
            for payload in payloads:
                await client.connection.drain()
                sent = client.connection.send(frame(payload))
                assert sent == len(frame(payload)), "a socket that is empty has not taken a small frame"
            assert [await client.socket.get_message() for _ in payloads] == payloads

    async def test_what_a_slow_client_does_not_take_is_sent_when_it_does(self) -> None:
        payloads = [bytes([n]) * _LARGE for n in range(_MANY)]
        busy = False

        async def write(connection: FrameConnection) -> None:
            nonlocal busy
            for payload in payloads:
                await connection.drain()
                data = frame(payload)
                try:
                    sent = connection.send(data)
                except BlockingIOError:
                    sent = 0
                if sent < len(data):
                    connection.hold(memoryview(data)[sent:])
                    busy = True
                    assert not connection.free, "what is held is in the way of other frames"
            await connection.drain()
            assert connection.moved >= connection.opened

        async with self.serving() as served, self.visiting(served) as client, trio.open_nursery() as nursery:
            nursery.start_soon(write, client.connection)
            await until(lambda: busy, self.patience, "a socket that is full")
            for payload in payloads:
                assert await client.socket.get_message() == payload

    async def test_messages_of_the_client_arrive(self) -> None:
        async with self.serving() as served, self.visiting(served) as client:
            for message in (b"\x00\xff", "text", b""):
                await client.socket.send_message(message)
                assert await client.connection.receive() == message

    async def test_a_client_that_is_pinged_is_heard(self) -> None:
        async with self.serving() as served, self.visiting(served) as client:
            before = client.connection.heard
            client.connection.ping()
            await until(lambda: client.connection.heard > before, self.patience, "the answer to a ping")

    # ---- ends

    async def test_the_client_is_told_the_code_and_the_reason(self) -> None:
        blocked: list[None] = []

        async def close(connection: FrameConnection) -> None:
            for _ in range(2):
                await connection.close(CloseCode.FELL_BEHIND, "too slow")

        async with self.serving() as served, self.visiting(served) as client:
            client.connection.watch(lambda: blocked.append(None))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(close, client.connection)
                with pytest.raises(ConnectionClosed) as closed:
                    await client.socket.get_message()
                await trio.aclose_forcefully(client.stream)
            assert closed.value.reason is not None
            assert (closed.value.reason.code, closed.value.reason.reason) == (CloseCode.FELL_BEHIND, "too slow")
            assert not client.connection.free, "nothing may be sent behind a close frame"
            assert blocked, "whoever watches must learn that nothing may be sent any more"

    async def test_a_close_of_the_client_is_told_with_its_code(self) -> None:
        async with self.serving() as served, self.visiting(served) as client, trio.open_nursery() as nursery:
            nursery.start_soon(client.socket.aclose, 4711)
            with pytest.raises(ClientGone) as gone:
                await client.connection.receive()
            assert gone.value.code == 4711

    async def test_a_client_that_vanishes_is_gone(self) -> None:
        async with self.serving() as served, self.visiting(served) as client:
            await trio.aclose_forcefully(client.stream)
            with pytest.raises(ClientGone) as gone:
                await client.connection.receive()
            assert gone.value.code == 1006

    async def test_an_abort_ends_whatever_waits(self) -> None:
        ended: list[str] = []

        async def receive(connection: FrameConnection) -> None:
            with pytest.raises(ClientGone):
                await connection.receive()
            ended.append("receive")

        async def drain(connection: FrameConnection) -> None:
            data = frame(b"x" * _LARGE)
            try:
                while True:
                    await connection.drain()
                    with suppress(BlockingIOError):
                        if (sent := connection.send(data)) < len(data):
                            connection.hold(memoryview(data)[sent:])
            except ClientGone:
                ended.append("drain")

        async with self.serving() as served, self.visiting(served) as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive, client.connection)
                nursery.start_soon(drain, client.connection)
                await until(lambda: not client.connection.free, self.patience, "a socket that is full")
                client.connection.abort()
            assert sorted(ended) == ["drain", "receive"]

    async def test_a_handler_that_returns_closes_its_connection(self) -> None:
        async def handler(connection: FrameConnection) -> None:
            await trio.lowlevel.checkpoint()

        async with self.serving(handler) as served, self.connected(served.url) as (client, _):
            with pytest.raises(ConnectionClosed) as closed:
                await client.get_message()
            assert closed.value.reason is not None
            assert closed.value.reason.code == CloseCode.NORMAL

    async def test_a_handler_that_fails_ends_its_own_connection_only(self) -> None:
        async def handler(connection: FrameConnection) -> None:
            if await connection.receive() == b"fail":
                raise LookupError("a fault of the kit's handler, on purpose")
            await connection.drain()
            connection.send(frame(b"served"))
            await trio.sleep_forever()

        async with self.serving(handler) as served, self.connected(served.url) as (client, _):
            async with self.connected(served.url) as (failing, _):
                await failing.send_message(b"fail")
                with pytest.raises(ConnectionClosed):
                    await failing.get_message()
            async with self.connected(served.url) as (later, _):
                for each in (client, later):
                    await each.send_message(b"go on")
                    assert await each.get_message() == b"served"

    async def test_draining_refuses_who_comes_and_leaves_who_is_there(self) -> None:
        async with self.serving() as served, self.visiting(served) as client:
            served.edge.drain()
            await self.until_refused(served.url)
            client.connection.send(frame(b"still served"))
            assert await client.socket.get_message() == b"still served"

    async def test_an_edge_that_is_cancelled_listens_no_more(self) -> None:
        async with self.serving() as served, self.visiting(served):
            url = served.url
        await self.until_refused(url)

    async def test_two_edges_can_share_a_port(self) -> None:
        if not self.shares_port:
            return
        with socket.socket() as held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
            async with self.serving(shared_port=port) as one, self.serving(shared_port=port) as two:
                assert one.url == two.url
                assert one.url.endswith(f":{port}")
                async with self.connected(one.url):
                    pass
