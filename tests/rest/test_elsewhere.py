"""An edge without an archive. Source: docs/rest.md, "An edge without an archive"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from transports.websocket.served_edge import PATIENCE, serving

from rta.errors import ArchiveError
from rta.health import Health
from rta.http_peer import HttpPeer, PeerPatience
from rta.ports import FlushPoint, Position
from rta.rest.elsewhere import Elsewhere
from rta.rest.remote_entries import RemoteEntries
from rta.rest.turns import AnswerTurns
from rta.testing.patience import until

from .asgi import App, Asking, ask
from .recorded import DATA, RecordedSite
from .test_data_on_sockets import EndlessArchive

SESSIONS = "/rta/v2/sessions"
PATHS = [
    f"{DATA}/timestamped/-",
    f"{DATA}/row/7?start=1&end=9000000000",
    f"{DATA}/timestamped/%2D5,a0",
    f"{DATA}/events?upto=1:x",
    f"{DATA}/events?start=",
    f"{SESSIONS}/car/overview/-?points=3",
    f"{SESSIONS}/car/recording",
    f"{SESSIONS}/none/data/events",
    f"{SESSIONS}/none%2F..%00/data/events",
    "/rta/v2/entries?after=0-0:3:live",
    "/base/rta/v2//configs/recorded/",
    "/rta/v2/session-metamodel",
    "/rta/v2/session-folders/",
]


def edge_of(peer: HttpPeer, name: str = "edge", site: RecordedSite | None = None) -> tuple[App, Health]:
    """An edge whose archive is elsewhere, and its health."""
    health = Health()
    elsewhere = Elsewhere(peer, name, health, AnswerTurns())
    return (site or RecordedSite()).app(archive=None, elsewhere=elsewhere, health=health), health


@asynccontextmanager
async def recording_site(site: RecordedSite) -> AsyncIterator[HttpPeer]:
    """A site that has the archive, on a port."""
    async with serving(site.app()) as served:
        yield HttpPeer.at_url(f"http://127.0.0.1:{served.port}/")


NOWHERE = HttpPeer.at_url("http://127.0.0.1:1", PeerPatience(connect=2.0))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_answer_is_the_one_of_who_has_the_archive(path: str, method: str) -> None:
    site = RecordedSite()
    await site.record(*range(200), state="closed")
    await site.archive.publish("recorded", '{"parameters": [' + "1, " * 1000 + "1]}")
    for headers in ({}, {"accept_encoding": "gzip"}):
        expected = await ask(site.app(), path, method, **headers)
        async with recording_site(site) as peer:
            answer = await ask(edge_of(peer)[0], path, method, **headers)
        if method == "HEAD":
            expected = expected._replace(body=b"")
        for one in (answer, expected):
            one.headers.pop("date", None)
        assert answer == expected


async def test_what_is_here_is_shown_here() -> None:
    there, here = RecordedSite(), RecordedSite()
    await there.record(1)
    await here.open()
    await here.buffer.publish("c", '"live"')
    await there.archive.publish("c", '"recorded"')
    async with recording_site(there) as peer:
        app, _ = edge_of(peer, site=here)
        assert (await ask(app, "/rta/v2/configs/c")).body == b'"live"'
        assert (await ask(app, f"{SESSIONS}/car")).json["identity"] == "car"
        assert (await ask(app, "/rta/v2/configs/none")).problem["status"] == 404


async def test_a_form_is_sent_on_whole() -> None:
    bodies: list[bytes] = []

    async def other(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            bodies.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async with serving(other) as served:
        app, _ = edge_of(HttpPeer.at_url(f"http://127.0.0.1:{served.port}"))
        answer = await ask(app, f"{SESSIONS}?pageSize=1", "POST", b"query=%7B%7D" * 50_000)
    assert answer.body == b"{}"
    assert b"".join(bodies) == b"query=%7B%7D" * 50_000


# ---- the other service is away


async def test_live_sessions_stay_listed_when_the_other_is_away() -> None:
    site = RecordedSite()
    await site.open()
    app, health = edge_of(NOWHERE, site=site)
    answer = await ask(app, SESSIONS)
    assert [s["identity"] for s in answer.json["sessions"]] == ["car"]
    assert answer.headers["rta-incomplete"] == "recorded sessions"
    assert (await ask(app, f"{SESSIONS}/car")).status == 200
    told = await ask(app, "/health")
    assert (told.status, health.healthy) == (200, True), "a balancer would take away what is live too"
    assert told.body.decode().startswith("Healthy\nnote: recorded sessions: http://127.0.0.1:1 is to have them: ")


@pytest.mark.parametrize("path", [f"{DATA}/events", f"{SESSIONS}/none", "/rta/v2/configs/none"])
async def test_the_rest_is_502_and_says_why(path: str) -> None:
    answer = await ask(edge_of(NOWHERE)[0], path)
    assert answer.problem["status"] == 502
    assert "cannot be reached" in answer.problem["detail"]
    assert int(answer.headers["retry-after"]) > 0


async def test_the_note_goes_when_the_other_is_back() -> None:
    site, health = RecordedSite(), Health()
    async with recording_site(site) as peer:
        elsewhere = Elsewhere(peer, "edge", health)
        elsewhere.away = True
        health.lack("recorded sessions", "of before")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(elsewhere.watch)
            await until(lambda: not health.notes and not elsewhere.away, PATIENCE, "health")
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("status", "away"), [(404, False), (429, False), (500, True), (502, True), (503, True)])
async def test_a_proxy_that_does_not_reach_the_other_is_no_archive(status: int, away: bool) -> None:
    """500 says of one request that it has failed, and nothing of the next."""

    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    async with serving(other) as served:
        app, health = edge_of(HttpPeer.at_url(f"http://127.0.0.1:{served.port}"))
        health.lack("recorded sessions", "of before")
        await ask(app, f"{DATA}/events")
    assert (health.healthy, bool(health.notes)) == (True, away)


async def test_what_the_other_refuses_is_passed_on_and_its_faults_are_in_the_list() -> None:
    there, here = RecordedSite(), RecordedSite()
    await there.record(1)
    there.archive.down = True
    await here.open("live")
    async with recording_site(there) as peer:
        app, _ = edge_of(peer, site=here)
        assert (await ask(app, f"{DATA}/events")).problem["status"] == 503


@pytest.mark.parametrize("status", [500, 503])
async def test_a_list_is_made_here_when_the_other_fails(status: int) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    site = RecordedSite()
    await site.open()
    async with serving(failing) as served:
        app, _ = edge_of(HttpPeer.at_url(f"http://127.0.0.1:{served.port}"), site=site)
        answer = await ask(app, SESSIONS, "POST")
    assert [s["identity"] for s in answer.json["sessions"]] == ["car"]
    assert "rta-incomplete" in answer.headers


Server = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def speaking(server: Server, patience: PeerPatience | None = None) -> AsyncIterator[HttpPeer]:
    """Something on a port that need not be an HTTP server."""
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, server, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        yield HttpPeer.at_url(f"http://127.0.0.1:{port}", patience)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
        b"HTTP/1.1 100 \r\n\r\n",
    ],
    ids=["nothing", "nonsense", "half a head", "an endless head", "continue"],
)
async def test_what_is_no_answer_is_502(said: bytes) -> None:
    async def server(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        try:
            await stream.send_all(said)
        except trio.BrokenResourceError:
            pass
        await stream.aclose()

    async with speaking(server) as peer:
        answer = await ask(edge_of(peer)[0], f"{DATA}/events")
    assert answer.problem["status"] == 502


async def silent(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def test_who_does_not_answer_in_time_is_504() -> None:
    async with speaking(silent, PeerPatience(head=0.05)) as peer:
        answer = await ask(edge_of(peer)[0], f"{DATA}/events")
    assert answer.problem["status"] == 504
    assert "within 0.05 s" in answer.problem["detail"]


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n",
    ],
)
@pytest.mark.parametrize("hangs_up", [True, False])
async def test_an_answer_that_breaks_off_is_seen_to(said: bytes, hangs_up: bool) -> None:
    async def server(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(said)
        if not hangs_up:
            await trio.sleep_forever()
        await stream.aclose()

    async with speaking(server, PeerPatience(piece=0.05)) as peer:
        answer = await ask(edge_of(peer)[0], f"{DATA}/events")
    assert (answer.status, answer.body, answer.whole) == (200, b"half", False)


async def test_headers_of_one_connection_go_no_further() -> None:
    heads: list[bytes] = []

    async def server(stream: trio.SocketStream) -> None:
        heads.append(bytes(await stream.receive_some()))
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: x-secret, close\r\nx-secret: 1\r\n"
            b"keep-alive: timeout=5\r\nx-public: 2\r\n\r\n"
        )
        await stream.aclose()

    async with speaking(server) as peer:
        answer = await ask(
            edge_of(peer)[0],
            f"{DATA}/events",
            host="edge.example",
            connection="x-mine, keep-alive",
            x_mine="1",
            te="trailers",
            x_ours="2",
            via="1.0 proxy",
            authorization="Bearer x",
        )
    [head] = heads
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == f"get {DATA}/events http/1.1"
    assert not {line.partition(":")[0] for line in lines} & {"x-mine", "te", "keep-alive"}
    assert {"x-ours: 2", "authorization: bearer x", "via: 1.0 proxy", "via: 1.1 edge", "connection: close"} <= set(
        lines
    )
    assert [line for line in lines if line.startswith("host:")] == [f"host: {peer.name.removeprefix('http://')}"]
    assert "x-public" in answer.headers
    assert not set(answer.headers) & {"connection", "keep-alive", "x-secret"}


# ---- circles


async def test_an_edge_that_points_at_itself_says_so() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await edge(scope, receive, send)

    site = RecordedSite()
    await site.open()
    async with serving(app) as served:
        edge, health = edge_of(HttpPeer.at_url(f"http://127.0.0.1:{served.port}"), site=site)
        answer = await ask(edge, f"{DATA}/events")
        assert answer.problem["status"] == 508
        assert "archive.url" in answer.problem["detail"]
        assert "in a circle" in health.notes[0]
        listed = await ask(edge, SESSIONS)
        assert [s["identity"] for s in listed.json["sessions"]] == ["car"]
        assert "rta-incomplete" in listed.headers


async def test_a_long_way_is_a_circle_too() -> None:
    via = ", ".join(f"1.1 edge{n}" for n in range(9))
    assert (await ask(edge_of(NOWHERE)[0], f"{DATA}/events", via=via)).problem["status"] == 508
    assert (await ask(edge_of(NOWHERE)[0], f"{DATA}/events", via="1.1 other, 1.0 edge (rta)")).status == 508
    assert (await ask(edge_of(NOWHERE)[0], f"{DATA}/events", via="x, , 1.1")).status == 502


# ---- slow clients, and those that go


async def test_a_slow_client_slows_the_archive_and_one_that_goes_ends_the_reading() -> None:
    site = RecordedSite(EndlessArchive())
    await site.record(1)
    async with recording_site(site) as peer:
        app, _ = edge_of(peer)
        slow = Asking(app, f"{DATA}/timestamped/-", takes=1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(slow.run)
            await slow.stalled.wait()
            before = -1
            while before != site.archive.reads:
                before = site.archive.reads
                await trio.testing.wait_all_tasks_blocked(0.05)
            assert before < 40  # 20 MiB: what the kernels of both sides hold
            slow.hang_up()
        await until(lambda: site.archive.open == 0, PATIENCE, "the reading to end")


async def test_who_goes_before_the_answer_begins_is_not_waited_for() -> None:
    asked = trio.Event()
    ended = trio.Event()

    async def server(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        asked.set()
        with trio.fail_after(PATIENCE):
            assert await stream.receive_some() == b""
        ended.set()

    async with speaking(server) as peer:
        asking = Asking(edge_of(peer)[0], f"{DATA}/events")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(asking._app, asking.scope, asking._receive, asking._send)
            await asked.wait()
            asking.hang_up()
        with trio.fail_after(PATIENCE):
            await ended.wait()
    assert asking.start is None


# ---- entries


async def test_entries_are_those_of_the_archive() -> None:
    site = RecordedSite()
    point = await site.record(1, 2, 3)
    start = FlushPoint("live", 3, Position(0, 0))
    async with recording_site(site) as peer:
        remote = RemoteEntries(peer, "1.1 edge")
        assert await remote.find("car") == await site.archive.find("car")
        assert await remote.find("none/%00") is None
        for upto, size in ((Position(9999, 0), 1 << 30), (Position(1001, 0), 1)):
            expected = await site.archive.read_entries(start, upto, size)
            found = await remote.read_entries(start, upto, size)
            assert (found.position, found.lost) == (expected.position, expected.lost)
            assert [(e.position, e.session_id, e.burst.packed) for e in found.entries] == [
                (e.position, e.session_id, e.burst.packed) for e in expected.entries
            ]
        site.archive.forget_entries("car", point.position)
        assert (await remote.read_entries(start, point.position, 1)).lost
        site.archive.down = True
        for call in (remote.find("car"), remote.read_entries(start, point.position, 1)):
            with pytest.raises(ArchiveError, match="503"):
                await call


async def test_entries_of_somebody_who_is_away_or_answers_nonsense_are_an_error() -> None:
    start = FlushPoint("live", 3, Position(0, 0))

    async def nonsense(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"rta-position", b"1-0"), (b"rta-lost", b"false")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 40})

    async with serving(nonsense) as served:
        for peer in (NOWHERE, HttpPeer.at_url(f"http://127.0.0.1:{served.port}")):
            remote = RemoteEntries(peer, "1.1 edge")
            with pytest.raises(ArchiveError):
                await remote.find("car")
            with pytest.raises(ArchiveError):
                await remote.read_entries(start, Position(9, 0), 1)
