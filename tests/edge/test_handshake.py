"""The WebSocket handshake, as clients, proxies and strangers do it. Source: docs/protocol.md, "Connecting"."""

from __future__ import annotations

import base64
import hashlib
import socket
from contextlib import AsyncExitStack
from urllib.parse import quote

import pytest
import trio
from trio_websocket import open_websocket_url

from rta.ports import CloseCode, FlushPoint

from .clients import BINARY, CLOSE, KEY, PING, PONG, RawClient, masked, raw, stream_path, upgrade
from .conftest import Serve, Service
from .telemetry import samples, subscribe, tags

PATH = stream_path("s")


async def test_an_upgrade_is_answered_101_with_the_sub_protocol_echoed(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        answer = await client.upgrade(PATH, sec_websocket_protocol="other, mat.ocs.rta.stream-lz4")
        accept = hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        assert answer.status == 101
        assert answer.headers["sec-websocket-accept"] == base64.b64encode(accept).decode()
        assert answer.headers["sec-websocket-protocol"] == "mat.ocs.rta.stream-lz4"


async def test_a_library_client_gets_in(service: Service) -> None:
    await service.open("s")
    async with open_websocket_url(service.url + PATH, subprotocols=["mat.ocs.rta.stream-lz4"]) as websocket:
        assert websocket.subprotocol == "mat.ocs.rta.stream-lz4"
        assert await websocket.get_message()


async def test_compression_is_never_negotiated(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        offer = "permessage-deflate; client_max_window_bits"
        answer = await client.upgrade(PATH, sec_websocket_extensions=offer)
        assert answer.status == 101
        assert "sec-websocket-extensions" not in answer.headers


async def test_the_handshake_succeeds_when_there_is_nothing_to_stream(service: Service) -> None:
    async with raw(service.port) as client:
        assert (await client.upgrade(stream_path("nobody"))).status == 101


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/elsewhere", {}, 404),
        ("/rta/v2/sessions/s", {}, 404),
        ("/rta/v2/sessions//stream", {}, 404),
        ("/rta/v2/sessions/a/b/stream", {}, 404),
        ("/rta/v2/sessions/%FF%FE/stream", {}, 404),
        (PATH, {"sec_websocket_protocol": None}, 406),
        (PATH, {"sec_websocket_protocol": "mat.ocs.rta.stream"}, 406),
        (PATH, {"sec_websocket_key": None}, 400),
        (PATH, {"sec_websocket_key": "short"}, 400),
        (PATH, {"sec_websocket_version": "8"}, 426),
        (PATH, {"sec_websocket_version": None}, 400),
        (PATH, {"host": None}, 400),
        (PATH, {"upgrade": None}, 400),
        (PATH, {"upgrade": "chat"}, 400),
        (PATH, {"connection": "keep-alive"}, 400),
        (f"{PATH}?after=", {}, 400),
        (f"{PATH}?after=1700000000000-0", {}, 400),
        (f"{PATH}?after=1700000000000-0:1:%25FF", {}, 400),
        (f"{PATH}?after=99999999999999999999-0:1:a", {}, 400),
        (f"{PATH}?after=1-0:1:a&after=1-0:1:a", {}, 400),
    ],
)
async def test_what_is_no_proper_upgrade_is_refused(
    service: Service, path: str, headers: dict[str, str | None], status: int
) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        assert (await client.upgrade(path, **headers)).status == status


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/base/path/rta/v2/sessions/s/stream", "s"),
        ("//rta/v2/sessions/s/stream", "s"),
        ("/rta//v2//sessions//s//stream", "s"),
        ("/base//rta/v2/sessions/s/stream/", "s"),
        ("/rta/v2/sessions/s/stream?token=x/y&a=b", "s"),
        ("/rta/v2/sessions/a%2Fb/stream", "a/b"),
        ("/rta/v2/sessions/a%2fb%20c/stream", "a/b c"),
        ("/rta/v2/sessions/Z%C3%BCrich%F0%9F%8F%81/stream", "Zürich🏁"),
        ("/rta/v2/sessions/100%25/stream", "100%"),
        ("/rta/v2/sessions/a+b/stream", "a+b"),
    ],
)
async def test_a_session_is_found_however_its_address_is_written(service: Service, path: str, identity: str) -> None:
    json = await service.open(identity)
    async with raw(service.port) as client:
        assert (await client.upgrade(path)).status == 101
        assert (await client.message())[0].session_json == json


@pytest.mark.parametrize("stream", ["live", "a stream: 100%", "Zürich"])
async def test_a_client_may_begin_behind_a_flush_point(service: Service, stream: str) -> None:
    json = await service.open("s")
    record = await service.log.find("s")
    assert record is not None
    point = FlushPoint(stream, record.stream_session_id, record.stream_position.before())
    async with raw(service.port) as client:
        assert (await client.upgrade(f"{PATH}?a=b&after={quote(str(point), safe='')}")).status == 101
        if stream == record.stream:
            assert (await client.message())[0].session_json == json
        else:
            assert (await client.next_of(CLOSE)).code == CloseCode.POINT_LOST


async def test_the_sub_protocol_may_be_in_the_second_of_two_headers(service: Service) -> None:
    await service.open("s")
    two = upgrade(PATH).replace(b"sec-websocket-protocol:", b"sec-websocket-protocol: x\r\nsec-websocket-protocol:")
    async with raw(service.port) as client:
        await client.send(two)
        assert (await client.answer()).headers["sec-websocket-protocol"] == "mat.ocs.rta.stream-lz4"


async def test_blank_lines_before_the_request_are_ignored(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.send(b"\r\n\r\n" + upgrade(PATH))
        assert (await client.answer()).status == 101


async def test_names_and_tokens_of_headers_are_taken_in_any_case(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        answer = await client.upgrade(PATH, connection="keep-alive, UPGRADE", upgrade="WebSocket")
        assert answer.status == 101


async def test_a_head_may_come_byte_by_byte(service: Service) -> None:
    json = await service.open("s")
    async with raw(service.port) as client:
        client.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in upgrade(PATH):
            await client.send(bytes([byte]))
        assert (await client.answer()).status == 101
        assert (await client.message())[0].session_json == json


async def test_a_frame_that_comes_with_the_handshake_is_not_lost(service: Service) -> None:
    await service.open("s")
    await service.send("s", samples(1))
    async with raw(service.port) as client:
        await client.send(upgrade(PATH) + masked(BINARY, subscribe(data=True)))
        assert (await client.answer()).status == 101
        assert tags(await client.until_tag(1)) == [1]


async def test_part_of_a_frame_that_comes_with_the_handshake_is_not_lost(service: Service) -> None:
    await service.open("s")
    frame = masked(PING, b"early")
    async with raw(service.port) as client:
        await client.send(upgrade(PATH) + frame[:4])
        assert (await client.answer()).status == 101
        await client.send(frame[4:])
        assert (await client.next_of(PONG)).payload == b"early"


@pytest.mark.parametrize("size", [20_000, 60_000])
async def test_a_long_head_is_taken(service: Service, size: int) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        assert (await client.upgrade(PATH, cookie="c" * size)).status == 101


@pytest.mark.parametrize("ending", ["", "\r\n\r\n"], ids=["unfinished", "finished"])
async def test_a_head_that_is_too_long_is_answered_431(service: Service, ending: str) -> None:
    async with raw(service.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nhost: localhost\r\ncookie: " + b"c" * 70_000 + ending.encode())
        assert (await client.answer()).status == 431


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET / HT", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)],
    ids=["nothing", "half a head", "a TLS hello"],
)
async def test_whoever_sends_no_head_in_time_is_answered_408(serve: Serve, beginning: bytes) -> None:
    async with serve(edge={"handshake_timeout": 0.1}) as service, raw(service.port) as client:
        await client.send(beginning)
        assert (await client.answer()).status == 408
        await client.rest()


@pytest.mark.parametrize(
    "garbage",
    [
        bytes(range(256)) + b"\r\n\r\n",
        b"\r\n\r\n\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTQ\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        upgrade(stream_path("\xc3\xbc")),
    ],
    ids=["all bytes", "after blank lines", "no target", "no version", "HTTP/2", "bare UTF-8"],
)
async def test_garbage_is_answered_400(service: Service, garbage: bytes) -> None:
    async with raw(service.port) as client:
        await client.send(garbage)
        assert 400 <= (await client.answer()).status < 500
        await client.rest()


async def test_an_upgrade_by_http_1_0_is_refused(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(upgrade(PATH).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert 400 <= (await client.answer()).status < 500


async def test_a_client_that_hangs_up_within_the_head_leaves_nothing(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(b"GET /rta")
        await service.until_connections(1)
    await service.until_connections(0)


async def test_one_connection_over_the_limit_is_answered_503(serve: Serve) -> None:
    async with serve(edge={"max_connections": 2}) as service:
        async with raw(service.port) as first, raw(service.port) as second, raw(service.port) as third:
            await first.upgrade(stream_path("nobody"))
            await second.request("/")
            assert (await third.upgrade(PATH)).status == 503
        await service.until_connections(0)
        async with raw(service.port) as fourth:
            assert (await fourth.request("/")).status == 200


@pytest.mark.parametrize("limits", [{"max_connections": 1}, {"max_per_address": 1}], ids=["in all", "of an address"])
async def test_a_service_that_is_full_still_says_whether_it_lives(serve: Serve, limits: dict[str, object]) -> None:
    async with serve(edge=limits) as service, raw(service.port) as first:
        await first.request("/")
        for path in ("/health", "/metrics", "/health?probe=1"):
            for method in ("GET", "HEAD"):
                async with raw(service.port) as probe:
                    answer = await probe.request(path, method)
                    assert (answer.status, answer.headers["connection"]) == (200, "close")
                    assert await probe.rest() == b""
        for path in ("/", "/rta/v2/sessions", "//health", "/health/"):
            async with raw(service.port) as other:
                assert (await other.request(path)).status == 503
        assert (await first.request("/")).status == 200


async def test_a_service_that_is_full_says_so_while_others_are_silent(serve: Serve) -> None:
    async with serve(edge={"max_connections": 1}) as service, raw(service.port) as first, AsyncExitStack() as crowd:
        await first.request("/")
        for _ in range(200):
            await crowd.enter_async_context(raw(service.port))
        async with raw(service.port) as probe:
            assert (await probe.request("/health")).status == 200


async def test_who_comes_to_a_full_service_and_says_nothing_is_let_go(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rta_transports.websocket.listener._PROBE", 0.1)
    async with serve(edge={"max_connections": 1}) as service, raw(service.port) as first, raw(service.port) as silent:
        await first.request("/")
        await silent.gone()
        await service.until_connections(1)


async def test_connections_of_every_kind_count_for_their_address(serve: Serve) -> None:
    async with serve(edge={"max_per_address": 1}) as service, raw(service.port) as first:
        await service.open("s")
        await first.attach("s")
        async with raw(service.port) as second:
            assert (await second.upgrade(PATH)).status == 503
        async with raw(service.port) as third:
            assert (await third.request("/")).status == 503


async def test_one_address_cannot_have_all_connections(serve: Serve) -> None:
    async with serve(edge={"max_connections": 20}) as service, AsyncExitStack() as crowd:
        clients = [await crowd.enter_async_context(raw(service.port)) for _ in range(19)]
        assert [(await client.request("/")).status for client in clients] == [200] * 18 + [503]


async def test_a_trusted_proxy_may_have_many_connections(serve: Serve) -> None:
    options = {"max_per_address": 1, "trusted_proxies": ["127.0.0.1"]}
    async with serve(edge=options) as service, raw(service.port) as a, raw(service.port) as b:
        for client in (a, b):
            assert (await client.request("/")).status == 200


async def test_clients_that_come_together_do_not_slip_past_the_limit_of_their_address(serve: Serve) -> None:
    statuses: list[int] = []

    async def connect(client: RawClient) -> None:
        statuses.append((await client.answer()).status)

    async with serve(edge={"max_per_address": 1}) as service:
        await service.open("s")
        async with raw(service.port) as a, raw(service.port) as b, raw(service.port) as c:
            for client in (a, b, c):
                await client.send(upgrade(PATH))
            async with trio.open_nursery() as nursery:
                for client in (a, b, c):
                    nursery.start_soon(connect, client)
    assert sorted(statuses) == [101, 503, 503]


async def test_addresses_are_counted_as_a_trusted_proxy_tells_them(serve: Serve) -> None:
    options = {"max_per_address": 1, "trusted_proxies": ["127.0.0.0/8"]}
    async with serve(edge=options) as service, raw(service.port) as a, raw(service.port) as b, raw(service.port) as c:
        await service.open("s")
        assert (await a.upgrade(PATH, x_forwarded_for="10.1.1.1, 10.0.0.1")).status == 101
        assert (await b.upgrade(PATH, x_forwarded_for="10.1.1.1, 10.0.0.2")).status == 101
        assert (await c.upgrade(PATH, x_forwarded_for="10.9.9.9, 10.0.0.2")).status == 503


async def test_three_hundred_clients_connecting_at_once_all_get_in(service: Service) -> None:
    json = await service.open("s")
    welcome: list[str] = []

    async def visit() -> None:
        async with raw(service.port) as client:
            await client.attach("s")
            welcome.append((await client.message())[0].session_json)

    async with trio.open_nursery() as nursery:
        for _ in range(300):
            nursery.start_soon(visit)
    assert welcome == [json] * 300
