"""What a client asks to sign in; deleting; answers whose credentials end; who asks at another process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs
from transports.websocket.served_edge import serving

from rta.actors.audit import Audit
from rta.auth.static_tokens import StaticTokens
from rta.errors import ArchiveError, RtaError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.http_peer import HttpPeer
from rta.metrics import Metrics
from rta.node.node_stream import Initiator, Now
from rta.ports.access import NotAdmitted, Role, StreamRequest
from rta.rest.elsewhere import Elsewhere
from rta.rest.peer_access import ServiceAccess
from rta.rest.remote_entries import RemoteEntries
from rta.wire import json_item, make_burst
from rta.wire.values import Ns

from .asgi import Asking
from .recorded import DATA, RecordedSite, session_json
from .signing_in import ALLOWED, CERTIFICATE, ENDS, HOST, HOUR, GuardedSite, ask, bearer, text_of
from .test_data_on_sockets import EndlessArchive

V2 = "/rta/v2"
JSON = {"content_type": "application/json"}


async def test_the_info_tells_whoever_may_not_read_how_to_sign_in_and_nothing_else() -> None:
    app = GuardedSite().app()
    for brought in ({}, {"authorization": "Bearer rta_wrong"}):
        assert (await ask(app, V2 + "/info", **brought)).json == {"auth": {"required": True, "tokens": True}}
    known = (await ask(app, V2 + "/info", **bearer(Role.READ))).json
    assert known == {"label": "site", "description": "", "timezone": "UTC", "auth": {"required": True, "tokens": True}}
    open_to_all = (await ask(RecordedSite().app(timezone="Asia/Tokyo"), V2 + "/info")).json
    assert open_to_all == {"label": "site", "description": "", "timezone": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("brought", "reads"),
    [
        ({}, False),
        ({"authorization": "Bearer rta_wrong"}, False),
        ({"certificate": "CN=nobody"}, False),
        (bearer(Role.READ), True),
        ({"certificate": CERTIFICATE}, True),
    ],
)
async def test_health_has_its_status_for_everybody_and_its_reasons_for_readers(
    brought: dict[str, str], reads: bool
) -> None:
    site, health = GuardedSite(), Health()
    app = site.app(health=health)
    health.lack("issuer", "https://sign-in.example is away")
    well = await ask(app, "/health", **brought)
    note = b"\nnote: issuer: https://sign-in.example is away"
    assert (well.status, well.body) == (200, b"Healthy" + (note if reads else b""))
    health.fail("buffer", "redis.example:6379: no route")
    ill = await ask(app, "/health", **brought)
    assert ill.status == 503
    assert ill.body == (b"buffer: redis.example:6379: no route" + note + b"\n" if reads else b"Unhealthy")
    assert (await ask(app, "/health", "HEAD", **brought)).status == 503


async def test_where_everybody_may_read_health_has_its_reasons_for_everybody() -> None:
    health = Health()
    health.fail("buffer", "is away")
    for site in (RecordedSite(), GuardedSite(enabled=False), GuardedSite(anonymous="read")):
        answer = await ask(site.app(health=health), "/health")
        assert (answer.status, answer.body) == (503, b"buffer: is away\n")


async def test_who_asks_is_told_name_role_and_end() -> None:
    app = GuardedSite().app()
    read = (await ask(app, V2 + "/whoami", **bearer(Role.READ))).json
    assert read == {"name": "token read", "role": "read", "ends": "2027-01-15T09:00:00.000Z"}
    other = (await ask(app, V2 + "/whoami", **bearer(Role.OPERATE))).json
    assert other == {"name": "token operate", "role": "operate", "ends": None}


async def test_whoever_is_refused_is_counted_each_time_and_said_once_with_their_address() -> None:
    site = GuardedSite()
    app = site.app()
    wrong = {"authorization": "Bearer rta_wrong"}
    with capture_logs() as logs:
        for client in ("192.0.2.1", "192.0.2.1", "192.0.2.7"):
            assert (await ask(app, V2 + "/whoami", client=client, **wrong)).status == 401
        await ask(app, V2 + "/info", client="192.0.2.8", **wrong)
        assert (await ask(app, V2 + "/streams", "POST", client="192.0.2.9", **bearer(Role.READ))).status == 403
    said = [(line["source"], line["reason"]) for line in logs]
    wrong_ones = [(f"192.0.2.{number}", "unknown_token") for number in (1, 7, 8)]
    assert said == [*wrong_ones, ("192.0.2.9", "role")]
    assert site.counted["rta_sign_in_refused_total"] == 5
    assert "rta_wrong" not in str(logs)


@pytest.mark.parametrize(("client", "role"), [("127.0.0.1", "administer"), ("192.0.2.1", "read")])
async def test_without_sign_in_it_is_this_machine_that_may_change_things(client: str, role: str) -> None:
    answer = await ask(RecordedSite().app(), V2 + "/whoami", client=client, host="localhost")
    assert answer.json == {"name": "", "role": role, "ends": None}


OTHERS = ["evil.example:8180", "127.0.0.1.evil.example", "localhost.evil.example", ""]
READ = ("/sessions", "/whoami", "/openapi.json")


@pytest.mark.parametrize("host", OTHERS)
async def test_here_a_name_that_others_may_give_to_our_address_reads_nothing(host: str) -> None:
    for path in (*(V2 + name for name in READ), "/metrics"):
        for site in (RecordedSite(), GuardedSite(enabled=False), GuardedSite(anonymous="read")):
            answer = await ask(site.app(), path, client="127.0.0.1", host=host)
            assert (answer.status, b"auth.origins" in answer.plain) == (403, True), (path, site)


@pytest.mark.parametrize("host", ["127.0.0.1:8180", "LOCALHOST", "[::1]:80", HOST, "page.example:8180"])
async def test_here_a_name_of_ours_reads(host: str) -> None:
    for path in (V2 + name for name in READ):
        assert (await ask(GuardedSite(enabled=False).app(), path, client="::1", host=host)).status == 200


async def test_whatever_the_name_is_elsewhere_and_with_a_token_one_reads() -> None:
    for path in (V2 + name for name in READ):
        assert (await ask(GuardedSite(enabled=False).app(), path, host="evil.example")).status == 200
        known = {"client": "127.0.0.1", "host": "evil.example", **bearer(Role.READ)}
        assert (await ask(GuardedSite().app(), path, **known)).status == 200
    for path in ("/", "/health"):
        assert (await ask(RecordedSite().app(), path, client="127.0.0.1", host="evil.example")).status == 200


# ---- tickets


async def ticket_of(site: GuardedSite, body: Any, **more: Any) -> Any:
    asked = {**JSON, "origin": ALLOWED, **bearer(Role.READ)} | more
    return await ask(site.app(), V2 + "/tickets", "POST", json.dumps(body).encode(), **asked)


async def test_a_ticket_opens_one_stream_for_the_page_that_has_it() -> None:
    site = GuardedSite()
    answer = await ticket_of(site, {"session": "car"})
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.json["expires"] == "2027-01-15T08:00:30.000Z"
    protocols = f"mat.ocs.rta.stream-lz4, rta.ticket.{answer.json['ticket']}"
    headers = {"host": HOST, "origin": ALLOWED, "sec-websocket-protocol": protocols}
    subject = await site.sign_in.admit_stream(StreamRequest("car", headers, "192.0.2.1", False))
    assert (subject.name, subject.ends) == ("token read", ENDS)
    with pytest.raises(NotAdmitted) as again:
        await site.sign_in.admit_stream(StreamRequest("car", headers, "192.0.2.1", False))
    assert again.value.reason == "ticket_used"


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        ({"session": "car"}, {"origin": "https://evil.example"}, 403),
        ({"session": "car"}, {"origin": "null"}, 403),
        ({"session": "car"}, {"headers": [(b"origin", ALLOWED.encode())]}, 403),
        ({"session": "car"}, {"content_type": "text/plain"}, 415),
        ({"session": ""}, {}, 400),
        ({"session": 5}, {}, 400),
        ({}, {}, 400),
        ([], {}, 400),
        ({"session": "car", "role": "administer"}, {}, 400),
        ({"session": "c" * 1001}, {}, 400),
        ({"session": "car"}, {"authorization": "Bearer rta_wrong"}, 401),
    ],
)
async def test_a_ticket_is_for_a_page_that_may_have_it(body: Any, more: dict[str, Any], status: int) -> None:
    answer = await ticket_of(GuardedSite(), body, **more)
    assert (answer.status, "ticket" in answer.json) == (status, False)


async def test_where_nobody_has_to_sign_in_there_are_no_tickets() -> None:
    assert (await ticket_of(GuardedSite(enabled=False), {"session": "car"})).status == 404


# ---- deleting


async def delete(site: GuardedSite, identity: str, **more: Any) -> int:
    answer = await ask(site.app(), f"{V2}/sessions/{identity}", "DELETE", **(bearer(Role.ADMINISTER) | more))
    return answer.status


async def test_a_recorded_session_is_deleted_and_it_is_known_by_whom() -> None:
    site = GuardedSite()
    await site.record(1, state="closed")
    assert [await delete(site, "car"), await delete(site, "car")] == [204, 404]
    assert site.noted == [("http (token administer at 192.0.2.1)", "ok", "car")]


async def test_a_live_session_stays() -> None:
    site = GuardedSite()
    await site.record(1)
    await site.open()
    assert await delete(site, "car") == 409
    assert await site.archive.find("car") is not None
    assert [outcome for _, outcome, _ in site.noted] == ["refused: it is live"]


async def in_both(site: GuardedSite, buffered: str, recorded: str) -> None:
    """The session in buffer and archive, with these states."""
    record = await site.buffer.open_session("car", "live")
    await site.buffer.append(record, make_burst([json_item(session_json("car", buffered))]))
    await site.record(1, state=recorded, session_id=record.stream_session_id)


async def test_a_session_that_the_buffer_still_holds_is_gone_from_it_too_and_from_the_lists() -> None:
    site = GuardedSite()
    await in_both(site, "closed", "closed")
    app = site.app()
    assert "car" in (await ask(app, V2 + "/sessions", **bearer(Role.READ))).plain.decode()
    assert (await ask(app, V2 + "/sessions/car", "DELETE", **bearer(Role.ADMINISTER))).status == 204
    assert (await ask(app, V2 + "/sessions", **bearer(Role.READ))).json == {"sessions": []}
    assert (await ask(app, V2 + "/sessions/car", **bearer(Role.READ))).status == 404
    assert await site.buffer.find("car") is None


async def test_a_session_whose_end_is_not_recorded_yet_stays() -> None:
    site = GuardedSite()
    await in_both(site, "closed", "open")
    assert await delete(site, "car") == 409
    assert await site.buffer.find("car") is not None
    assert [outcome for _, outcome, _ in site.noted] == ["refused: it is being recorded"]


async def test_a_session_of_another_run_that_is_not_recorded_yet_stays() -> None:
    site = GuardedSite()
    await in_both(site, "closed", "closed")
    again = await site.buffer.open_session("car", "live")
    await site.buffer.append(again, make_burst([json_item(session_json("car", "closed"))]))
    assert await delete(site, "car") == 409
    assert await site.archive.find("car") is not None


async def test_a_deletion_that_fails_can_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    site = GuardedSite()
    await in_both(site, "closed", "closed")

    async def fail(identity: str) -> bool:
        raise ArchiveError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(site.archive, "delete", fail)
        assert await delete(site, "car") == 503
    assert await delete(site, "car") == 204
    assert await site.archive.find("car") is None


@pytest.mark.parametrize(
    ("client", "origin", "status"),
    [("127.0.0.1", {}, 204), ("192.0.2.1", {}, 403), ("127.0.0.1", {"origin": "https://evil.example"}, 403)],
)
async def test_without_sign_in_programs_on_this_machine_delete(client: str, origin: Any, status: int) -> None:
    site = RecordedSite()
    await site.record(1, state="closed")
    answer = await ask(site.app(), V2 + "/sessions/car", "DELETE", client=client, host="localhost", **origin)
    assert answer.status == status


def test_whoever_starts_something_is_named_with_the_address() -> None:
    assert str(Initiator("http", "10.0.0.1", "anna")) == "http (anna at 10.0.0.1)"
    assert str(Initiator("http", "10.0.0.1")) == "http (10.0.0.1)"


async def test_the_audit_file_names_who_has_signed_in(tmp_path: Path) -> None:
    audit = Audit(tmp_path, Metrics(HotCounters(), dict), Health())
    for subject in ("anna", ""):
        audit.note(Now(Ns(0), 0.0), "delete", Initiator("http", "10.0.0.1", subject), "ok", session="car")
    audit.close()
    await audit.run()
    known = {"time": "1970-01-01T00:00:00.000Z", "what": "delete", "via": "http", "who": "10.0.0.1"}
    done = {"outcome": "ok", "session": "car"}
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert lines == [known | {"subject": "anna"} | done, known | done]


# ---- credentials that end while an answer is on its way


@asynccontextmanager
async def on_its_way(site: GuardedSite, role: Role) -> AsyncIterator[Asking]:
    """An answer without an end."""
    site.archive = EndlessArchive()
    await site.record(1)
    asking = Asking(site.app(), f"{DATA}/timestamped/-", host=HOST, **bearer(role))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asking.run)
        with trio.fail_after(50):
            while len(asking.pieces) < 3:
                await trio.lowlevel.checkpoint()
        yield asking
        nursery.cancel_scope.cancel()


async def goes_on(asking: Asking) -> bool:
    """Whether more comes of it."""
    before = len(asking.pieces)
    for _ in range(50):
        await trio.lowlevel.checkpoint()
    return len(asking.pieces) > before + 1  # one may have been on its way


async def test_an_answer_goes_on_for_an_hour_when_its_token_has_ended_and_no_longer() -> None:
    site = GuardedSite()
    async with on_its_way(site, Role.READ) as asking:
        site.now = ENDS + HOUR
        assert await goes_on(asking)
        site.now += 1
        assert not await goes_on(asking)
    assert not asking.answer.whole


async def test_an_answer_is_broken_off_when_its_token_is_revoked() -> None:
    site = GuardedSite()
    async with on_its_way(site, Role.OPERATE) as asking:
        assert await goes_on(asking)
        site.tokens.show(StaticTokens())
        assert not await goes_on(asking)
    assert not asking.answer.whole


async def test_each_request_of_a_connection_is_held_to_what_it_brings() -> None:
    def request(token: str) -> bytes:
        return f"GET {V2}/whoami HTTP/1.1\r\nHost: {HOST}\r\n{token}\r\n".encode()

    async with serving(GuardedSite().app()) as served:
        stream = await trio.open_tcp_stream("127.0.0.1", served.port)
        seen = []
        for role in (Role.OPERATE, None, Role.ADMINISTER):
            await stream.send_all(request("" if role is None else f"Authorization: Bearer {text_of(role)}\r\n"))
            answer = b""
            while b"}" not in answer:
                answer += await stream.receive_some()
            seen.append((answer[9:12], b"operate" in answer, b"administer" in answer))
        await stream.aclose()
    assert seen == [(b"200", True, False), (b"401", False, False), (b"200", False, True)]


# ---- where another service has the archive


@asynccontextmanager
async def edge_of(site: GuardedSite, token: str | None) -> AsyncIterator[tuple[Any, RemoteEntries, Health]]:
    """An edge where everybody may read and whose archive is that of a site where one has to sign in."""
    health, access = Health(), ServiceAccess.of(token, None)
    async with serving(site.app()) as served:
        peer = HttpPeer.at_url(f"http://127.0.0.1:{served.port}")
        elsewhere = Elsewhere(peer, "edge", health, access=access)
        app = RecordedSite().app(archive=None, elsewhere=elsewhere, health=health)
        yield app, RemoteEntries(peer, elsewhere.via, access), health


async def test_our_own_token_goes_along_instead_of_the_client_s() -> None:
    site = GuardedSite()
    await site.record(1)
    async with edge_of(site, text_of(Role.READ)) as (app, entries, health):
        assert (await ask(app, V2 + "/sessions/car/recording", authorization="Bearer rta_wrong")).status == 200
        assert await entries.find("car") is not None
        assert health.healthy


async def test_without_one_the_client_s_goes_along() -> None:
    site = GuardedSite()
    await site.record(1)
    async with edge_of(site, None) as (app, entries, health):
        assert (await ask(app, V2 + "/sessions/car/recording", **bearer(Role.READ))).status == 200
        refused = await ask(app, V2 + "/sessions/car/recording")
        assert (refused.status, "www-authenticate" in refused.headers) == (401, True)
        with pytest.raises(ArchiveError, match="401"):
            await entries.find("car")
        assert health.healthy


async def test_a_token_of_ours_that_is_not_right_is_our_fault_and_not_the_client_s() -> None:
    site = GuardedSite()
    async with edge_of(site, "rta_wrong") as (app, _, health):
        answer = await ask(app, V2 + "/sessions/car/recording", **bearer(Role.READ))
        assert (answer.status, "www-authenticate" in answer.headers) == (502, False)
        assert any("our own token" in note for note in [*health.notes, *health.reasons])


async def test_a_file_with_our_token_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    access = ServiceAccess.of(None, file)
    file.write_text("two\n")
    await access.refresh()
    assert access.ours() == [(b"authorization", b"Bearer two")]
    file.write_text("not one\n")
    await access.refresh()
    assert access.ours() == [(b"authorization", b"Bearer two")]
    for text in ("", "a b", "ü", "x" * 20_000):
        file.write_text(text)
        with pytest.raises(RtaError):
            ServiceAccess.of(None, file)
    assert "two" not in repr(access)
