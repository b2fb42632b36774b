"""HTTP beside the WebSocket, on the same port. Source: docs/protocol.md, "REST"."""

from __future__ import annotations

import json

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from rta import __version__
from rta.metrics import METRICS

from .clients import raw, stream_path, upgrade
from .conftest import Serve, Service
from .telemetry import session_json

JSON = (
    '{"IDENTITY":"a/b", "State": 2,"timeStamp":"2026-05-04T11:50:55.1234567+02:00",\n'
    ' "identifier":"Zürich 🏁","details":null,"weird":{"x":[1.0,1e3]},"quality":0.50}'
)
"""As a .NET process might write it: nothing in it may change on the way."""


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/plain; charset=utf-8", f"rta {__version__}\n"),
        ("/health", "text/plain; charset=utf-8", "Healthy"),
        ("/rta/v2/info", "application/json", '{"label": "pit wall", "description": "toys", "timezone": "UTC"}'),
        ("/rta/v2/sessions", "application/json", f'{{"sessions":[{JSON}]}}'),
        ("/rta/v2/sessions/a%2Fb", "application/json", JSON),
        ("/base//rta//v2/sessions/a%2Fb/", "application/json", JSON),
        ("/rta/v2/sessions/a%2Fb/data/timestamped/-5,7,B-D,14-", "application/vnd.mat.protobuf+chunked", ""),
        ("/rta/v2/sessions/a%2Fb/data/periodic/1?start=1&end=2", "application/vnd.mat.protobuf+chunked", ""),
        ("/rta/v2/sessions/a%2Fb/data/row/0-ffffffff", "application/vnd.mat.protobuf+chunked", ""),
        ("/rta/v2/sessions/a%2Fb/data/events", "application/vnd.mat.protobuf+chunked", ""),
        ("/rta/v2/configs/c%2F1", "application/vnd.mat.config+json", '{"Toy":{"desc":"Ü"}}'),
        ("/rta/v2/session-metamodel?folder=x", "application/json", "{}"),
        ("/rta/v2/session-metamodel/properties?query=x", "application/json", "[]"),
        ("/rta/v2/session-folders/", "application/json", "[]"),
        ("/rta/v2/session-folders/a/b", "application/json", "[]"),
    ],
)
async def test_a_path_answers_what_atlas_expects(service: Service, path: str, kind: str, body: str) -> None:
    await service.publish("c/1", '{"Toy":{"desc":"Ü"}}')
    await service.open("a/b", JSON)
    async with raw(service.port) as client:
        answer = await client.request(path)
        assert (answer.status, answer.headers["content-type"], answer.body.decode()) == (200, kind, body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("//health", 404),
        ("/rta/v2/../../metrics", 404),
        ("/rta/v2/nothing", 404),
        ("/rta/v2/sessions/nobody", 404),
        ("/rta/v2/sessions/%FF", 404),
        ("/rta/v2/configs/none", 404),
        ("/rta/v2/sessions/s/data/rows/1", 404),
        (stream_path("s"), 400),
        ("/base" + stream_path("nobody"), 400),
    ],
)
async def test_a_path_with_nothing_to_show_says_so(service: Service, path: str, status: int) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        answer = await client.request(path)
        assert answer.status == status
        assert answer.body


async def test_sessions_can_be_asked_for_by_post_with_a_chunked_body(service: Service) -> None:
    text = await service.open("s")
    async with raw(service.port) as client:
        await client.send(
            b"POST /rta/v2/sessions?pageIndex=0&pageSize=10 HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n"
            b"9\r\nquery={}&\r\n5\r\nprop=\r\n0\r\n\r\n"
        )
        assert (await client.answer()).body.decode() == f'{{"sessions":[{text}]}}'


async def test_sessions_come_newest_first_and_in_pages(service: Service) -> None:
    for hour in (11, 13, 12):
        await service.open(f"s{hour}", session_json(f"s{hour}", timestamp=f"2026-05-04T{hour}:00:00.0000000Z"))

    async def listed(query: str) -> list[str]:
        body = (await client.request(f"/rta/v2/sessions{query}")).body
        return [s["identity"] for s in json.loads(body)["sessions"]]

    async with raw(service.port) as client:
        assert await listed("") == ["s13", "s12", "s11"]
        assert await listed("?pageIndex=1&pageSize=2") == ["s11"]
        assert await listed("?sort=identity:asc") == ["s11", "s12", "s13"]
        assert await listed("?sort=colour:asc") == ["s13", "s12", "s11"]
        assert await listed("?folder=y") == []


@pytest.mark.parametrize(
    "path",
    [
        "//metrics",
        "/metrics/",
        "///metrics//",
        "/%6detrics",
        "/metrics%2F",
        "/./metrics",
        "/x/../metrics",
        "/metrics;x",
        "/METRICS",
        "http://127.0.0.1/metrics",
    ],
)
async def test_metrics_have_one_path_so_that_a_proxy_can_hide_them(service: Service, path: str) -> None:
    async with raw(service.port) as client:
        answer = await client.request(path)
        assert answer.status == 404
        assert b"rta_" not in answer.body


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/rta/v2/sessions/s", "/rta/v2/configs/c"])
async def test_head_is_answered_as_get_without_the_body(service: Service, path: str) -> None:
    await service.publish("c", "{}")
    await service.open("s")
    async with raw(service.port) as client:
        head = await client.request(path, "HEAD")
        get = await client.request(path)
        assert head.status == get.status == 200
        assert head.headers["content-type"] == get.headers["content-type"]
        assert int(head.headers["content-length"]) > 0


async def test_one_connection_serves_one_request_after_another(service: Service) -> None:
    async with raw(service.port) as client:
        for _ in range(20):
            assert (await client.request("/rta/v2/info")).status == 200
        assert service.metric("rta_connections") == 1


async def test_requests_sent_ahead_are_answered_in_order(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(b"".join(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path for path in (b"/", b"/health", b"/no")))
        assert [(await client.answer()).status for _ in range(3)] == [200, 200, 404]


@pytest.mark.parametrize(
    "request_text",
    ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"],
    ids=["HTTP/1.0", "connection: close"],
)
async def test_who_wants_one_answer_only_gets_it_and_the_end(service: Service, request_text: str) -> None:
    async with raw(service.port) as client:
        await client.send(request_text.encode())
        assert (await client.answer()).body == f"rta {__version__}\n".encode()
        assert await client.rest() == b""


async def test_an_idle_connection_is_ended_after_the_keep_alive_time(serve: Serve) -> None:
    async with serve(edge={"keep_alive": 0.1}) as service, raw(service.port) as client:
        await client.request("/")
        assert await client.rest() == b""
        await service.until_connections(0)


async def test_who_has_shut_down_its_sending_side_still_gets_the_answer(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await client.stream.send_eof()
        assert (await client.answer()).status == 200


async def test_an_upgrade_may_come_on_a_connection_used_before(service: Service) -> None:
    text = await service.open("s")
    async with raw(service.port) as client:
        for _ in range(2):
            assert (await client.request("/rta/v2/sessions/s")).status == 200
        await client.attach("s")
        assert (await client.message())[0].session_json == text


async def test_an_upgrade_split_in_two_may_come_on_a_connection_used_before(service: Service) -> None:
    await service.open("s")
    head = upgrade(stream_path("s"))
    async with raw(service.port) as client:
        await client.request("/")
        await client.send(head[:5])
        async with raw(service.port) as other:
            await other.request("/")  # by now the first part has been read
        await client.send(head[5:])
        assert (await client.answer()).status == 101


async def test_an_upgrade_refused_on_a_connection_used_before_ends_it(service: Service) -> None:
    async with raw(service.port) as client:
        await client.request("/")
        assert (await client.upgrade(stream_path("s"), sec_websocket_protocol=None)).status == 406
        assert await client.rest() == b""


async def test_an_offer_of_cleartext_http_2_is_answered_by_http_1(service: Service) -> None:
    async with raw(service.port) as client:
        answer = await client.request(
            "/", connection="Upgrade, HTTP2-Settings", upgrade="h2c", **{"HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"}
        )
        assert answer.status == 200


async def test_many_connections_are_served_side_by_side(service: Service) -> None:
    await service.open("s")
    statuses: list[int] = []

    async def visit() -> None:
        async with raw(service.port) as client:
            for path in ("/", "/rta/v2/sessions"):
                statuses.append((await client.request(path)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(visit)
    assert statuses == [200] * 200


async def test_a_client_that_resets_in_the_middle_of_an_answer_disturbs_nobody(service: Service) -> None:
    await service.publish("large", "x" * (8 << 20))
    async with raw(service.port, receive_buffer=4096) as client:
        await client.send(b"GET /rta/v2/configs/large HTTP/1.1\r\nhost: x\r\n\r\n")
        await client.take(100)
        client.reset()
    await service.until_connections(0)
    async with raw(service.port) as other:
        assert (await other.request("/")).status == 200


async def test_health_is_503_with_the_reasons_while_there_are_any(service: Service) -> None:
    async with raw(service.port) as client:
        service.site.health.fail("buffer", "cannot be read: no route")
        service.site.health.fail("another", "is behind")
        answer = await client.request("/health")
        assert (answer.status, answer.body) == (503, b"another: is behind\nbuffer: cannot be read: no route\n")


async def test_health_is_in_the_metrics_too(service: Service) -> None:
    assert service.metric("rta_healthy") == 1
    service.site.health.fail("another", "is behind")
    assert service.metric("rta_healthy") == 0


async def test_health_comes_back_when_the_reasons_are_gone(service: Service) -> None:
    service.site.health.fail("another", "is behind")
    service.site.health.ok("another")
    async with raw(service.port) as client:
        assert (await client.request("/health")).status == 200


async def test_metrics_are_prometheus_text_with_every_name_of_the_list(service: Service) -> None:
    async with raw(service.port) as client:
        answer = await client.request("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {f.name for f in text_string_to_metric_families(answer.body.decode())}
    assert families >= {m.name.removesuffix("_total") for m in METRICS}


async def test_a_configuration_may_be_cached_for_ever(service: Service) -> None:
    await service.publish("c", "{}")
    async with raw(service.port) as client:
        assert "immutable" in (await client.request("/rta/v2/configs/c")).headers["cache-control"]


async def test_the_session_shown_is_the_latest(service: Service) -> None:
    await service.open("s")
    newer = session_json("s", details={"lap": 2})
    await service.update("s", newer)
    async with raw(service.port) as client:
        assert (await client.request("/rta/v2/sessions/s")).body.decode() == newer


async def test_an_offer_of_http_2_with_any_method_and_anywhere_is_not_taken(service: Service) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    async with raw(service.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n" + offer + b"\r\n")
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 405


async def test_clients_that_pipeline_and_vanish_leave_nothing_behind(service: Service) -> None:
    head = b"GET /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\n"
    for _ in range(40):
        async with raw(service.port) as client:
            await client.send((head + b"\r\n") + (head + b"Expect: 100-continue\r\n\r\n") + (head + b"\r\n") * 5)
    await service.until_connections(0)


async def test_a_body_that_comes_in_many_pieces_after_the_head_is_taken(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(b"POST /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n")
        for _ in range(60):
            await client.send(b"x")
        assert (await client.answer()).status == 200


async def test_a_body_over_the_limit_is_refused(service: Service) -> None:
    async with raw(service.port) as client:
        await client.send(
            # No more than is read before the answer: where more is on its way, hanging up may be all a client sees.
            b"POST /rta/v2/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n"
            + b"x" * ((1 << 20) + 1)
        )
        assert (await client.answer()).status == 413
