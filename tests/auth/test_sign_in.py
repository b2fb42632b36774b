"""Who asks: over HTTP, for a WebSocket, with a token, a ticket, a certificate or nothing."""

from __future__ import annotations

import pytest
import trio.testing
from attrs import evolve
from issuing import NOW, SECOND, FakeIssuer, SignInStage, encoded, key_set, make_sign_in, public, token
from rta_transports.memory.log import MemoryLog

from rta.auth.credentials import KUBERNETES_PROTOCOL, TICKET_PROTOCOL
from rta.auth.static_tokens import StaticToken, StaticTokens, token_digest
from rta.errors import NotConnectedError, RtaError
from rta.ports.access import ANYBODY, ClientCertificate, NotAdmitted, Role, StreamRequest, Subject

ORIGIN = "https://wall.example.com"
KEYS = key_set(public("ES256"), public("RS256"))


def request(identity: str = "s-1", certificate: ClientCertificate | None = None, **headers: str) -> StreamRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return StreamRequest(identity, {"host": "127.0.0.1:8180", **named}, "10.0.0.7", False, certificate)


def with_static(stage: SignInStage, text: str = "rta_secret", until: int | None = None) -> StaticToken:
    made = StaticToken("ops", Role.OPERATE, token_digest(text).hex(), NOW, until)
    stage.tokens.show(StaticTokens((made,)))
    return made


async def refused(stage: SignInStage, asked: StreamRequest | str | None) -> tuple[int, str]:
    over_http = not isinstance(asked, StreamRequest)
    with pytest.raises(NotAdmitted) as caught:
        await (stage.sign_in.subject(asked, None) if over_http else stage.sign_in.admit_stream(asked))
    assert over_http or stage.refusals.reasons[caught.value.reason]
    return caught.value.status, caught.value.reason


async def test_without_sign_in_everybody_is_anybody_whatever_they_bring():
    stage = make_sign_in(enabled=False)
    assert await stage.sign_in.subject("Bearer wrong", None) == ANYBODY
    assert await stage.sign_in.admit_stream(request(authorization="Basic x")) == ANYBODY
    assert stage.sign_in.about() == {"required": False}
    assert stage.sign_in.open_metrics


@pytest.mark.parametrize(("anonymous", "role"), [("nothing", None), ("read", Role.READ), ("operate", Role.OPERATE)])
async def test_who_brings_nothing_may_what_the_configuration_says(anonymous, role):
    assert await make_sign_in(anonymous=anonymous).sign_in.subject(None, None) == Subject("", role)


async def test_a_stream_needs_somebody_who_may_read():
    stage = make_sign_in()
    with_static(stage)
    assert await refused(stage, request()) == (401, "nobody")
    assert (await stage.sign_in.admit_stream(request(authorization="Bearer rta_secret"))).name == "token ops"
    assert (await make_sign_in(anonymous="read").sign_in.admit_stream(request())).name == ""


async def test_a_right_token_without_the_role_is_told_so():
    stage = make_sign_in(FakeIssuer(KEYS), roles_claim="roles", readers=["viewer"])
    assert await refused(stage, request(authorization=f"Bearer {token()}")) == (403, "role")


async def test_a_token_that_is_known_is_not_verified_again_and_ends_when_it_ends():
    stage = make_sign_in(FakeIssuer(KEYS))
    text = f"Bearer {token()}"
    first = await stage.sign_in.subject(text, None)
    assert await stage.sign_in.subject(text, None) is first
    stage.time.now = first.ends - 1
    assert await stage.sign_in.subject(text, None) is first
    stage.time.now = first.ends
    assert await refused(stage, text) == (401, "ended")


async def test_a_token_that_is_early_counts_when_its_time_has_come():
    stage = make_sign_in(FakeIssuer(KEYS))
    text = f"Bearer {token(nbf=NOW // SECOND + 60)}"
    assert await refused(stage, text) == (401, "early")
    stage.time.now += 60 * SECOND
    assert (await stage.sign_in.subject(text, None)).name == "anna"


async def test_a_wrong_token_stays_wrong():
    stage = make_sign_in(FakeIssuer(KEYS))
    text = f"Bearer {token(aud='other')}"
    assert await refused(stage, text) == await refused(stage, text) == (401, "audience")


async def test_of_an_issuer_whose_keys_are_not_known_nothing_can_be_told():
    assert await refused(make_sign_in(FakeIssuer(None)), f"Bearer {token()}") == (503, "no_keys")


async def test_a_new_key_is_asked_for_and_counts_at_once():
    issuer = FakeIssuer(KEYS, key_set(public("ES256", 1)))
    stage = make_sign_in(issuer)
    old, new = f"Bearer {token()}", f"Bearer {token(number=1)}"
    assert (await stage.sign_in.subject(old, None)).name == "anna"
    assert (await stage.sign_in.subject(new, None)).name == "anna"
    assert issuer.asked == 1
    assert await refused(stage, old) == (401, "unknown_key")  # the issuer has taken its key back


async def test_without_an_issuer_there_are_static_tokens_alone():
    stage = make_sign_in()
    assert await refused(stage, f"Bearer {token()}") == (401, "issuer")
    assert await refused(stage, "Bearer rta_other") == (401, "unknown_token")


async def test_a_static_token_counts_until_it_ends_or_is_revoked_or_changed():
    stage = make_sign_in()
    made = with_static(stage, until=NOW + SECOND)
    found = await stage.sign_in.subject("Bearer rta_secret", None)
    assert found == made.subject
    assert not stage.sign_in.is_revoked(found)
    stage.tokens.show(StaticTokens((evolve(made, role=Role.READ),)))
    assert stage.sign_in.is_revoked(found)
    stage.tokens.show(StaticTokens())
    assert stage.sign_in.is_revoked(found)
    assert await refused(stage, "Bearer rta_secret") == (401, "unknown_token")
    with_static(stage, until=NOW + SECOND)
    stage.time.now += SECOND
    assert await refused(stage, "Bearer rta_secret") == (401, "ended")


async def test_whoever_waits_is_told_of_a_change(nursery, autojump_clock):
    stage = make_sign_in()
    told = []

    async def wait():
        await stage.sign_in.changed()
        told.append(True)

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    assert told == []
    with_static(stage)
    await trio.testing.wait_all_tasks_blocked()
    assert told == [True]


async def test_a_certificate_has_the_role_of_its_subject():
    stage = make_sign_in(certificates={"CN=anna,O=Example": "operate"})
    anna, bea = ClientCertificate("CN=anna,O=Example"), ClientCertificate("CN=bea,O=Example")
    assert await stage.sign_in.subject(None, anna) == Subject("CN=anna,O=Example", Role.OPERATE)
    assert await stage.sign_in.subject(None, bea) == Subject("CN=bea,O=Example", None)
    assert await refused(stage, request(certificate=bea)) == (403, "role")


async def test_a_certificate_counts_until_its_end_also_on_a_connection_that_is_older():
    stage = make_sign_in(certificates={"CN=anna": "read"})
    anna = ClientCertificate("CN=anna", NOW + SECOND)
    for found in (await stage.sign_in.subject(None, anna), await stage.sign_in.admit_stream(request(certificate=anna))):
        assert found == Subject("CN=anna", Role.READ, NOW + SECOND)
    ended = ClientCertificate("CN=anna", NOW)
    assert await refused(stage, request(certificate=ended)) == (401, "ended")
    with pytest.raises(NotAdmitted, match="the certificate has ended"):
        await stage.sign_in.subject(None, ended)
    without = make_sign_in(enabled=False)
    assert (await without.sign_in.admit_stream(request(certificate=anna))).ends == NOW + SECOND


@pytest.mark.parametrize("enabled", [False, True])
async def test_a_page_of_another_site_opens_nothing_with_or_without_sign_in(enabled):
    stage = make_sign_in(enabled=enabled, anonymous="read", origins=[ORIGIN])
    assert await refused(stage, request(origin="https://evil.example")) == (403, "origin")
    for origin in (ORIGIN, "http://127.0.0.1:8180"):
        assert (await stage.sign_in.admit_stream(request(origin=origin))).may(Role.READ)


class AwayLog:
    async def claim(self, stream: str, owner: str, ttl: float) -> bool:
        raise NotConnectedError("away")


def ticketed(ticket: str, **more: str) -> dict[str, str]:
    return {"origin": ORIGIN, "sec_websocket_protocol": f"rta, {TICKET_PROTOCOL}{ticket}", **more}


@pytest.fixture
def buffer():
    return MemoryLog(1 << 20, lambda: NOW)


async def test_a_ticket_opens_one_stream_once(buffer):
    stage, other = (SignInStage(FakeIssuer(KEYS), buffer, origins=[ORIGIN]) for _ in range(2))
    anna = await stage.sign_in.subject(f"Bearer {token()}", None)
    ticket, ends = await stage.sign_in.new_ticket(anna, "s-1", ORIGIN)
    assert ends == NOW + 30 * SECOND
    asked = request(**ticketed(ticket))
    assert await other.sign_in.admit_stream(asked) == anna  # another worker, with the same key and buffer
    assert await refused(stage, asked) == (401, "ticket_used")
    assert await refused(other, asked) == (401, "ticket_used")


async def test_a_ticket_is_for_its_session_and_page(buffer):
    stage = SignInStage(FakeIssuer(KEYS), buffer, origins=[ORIGIN, "https://other.example"])
    anna = await stage.sign_in.subject(f"Bearer {token()}", None)
    ticket, _ = await stage.sign_in.new_ticket(anna, "s-1", ORIGIN)
    assert await refused(stage, request("s-2", **ticketed(ticket))) == (401, "ticket")
    assert await refused(stage, request(**ticketed(ticket, origin="https://other.example"))) == (401, "ticket")
    without = {name: value for name, value in ticketed(ticket).items() if name != "origin"}
    assert await refused(stage, request(**without)) == (401, "ticket")
    stage.time.now += 40 * SECOND
    assert await refused(stage, request(**ticketed(ticket))) == (401, "ticket")


async def test_a_ticket_outlives_neither_the_token_nor_its_revoking(buffer):
    stage = SignInStage(None, buffer, origins=[ORIGIN])
    subject = with_static(stage, until=NOW + 10 * SECOND).subject
    ticket, ends = await stage.sign_in.new_ticket(subject, "s-1", ORIGIN)
    assert ends == NOW + 10 * SECOND
    stage.time.now += 10 * SECOND
    assert await refused(stage, request(**ticketed(ticket))) == (401, "ended")
    stage.time.now = NOW
    ticket, _ = await stage.sign_in.new_ticket(subject, "s-1", ORIGIN)
    stage.tokens.show(StaticTokens())
    assert await refused(stage, request(**ticketed(ticket))) == (401, "unknown_token")


async def test_where_the_buffer_is_away_no_ticket_counts():
    stage = SignInStage(FakeIssuer(KEYS), AwayLog(), origins=[ORIGIN])
    ticket, _ = await stage.sign_in.new_ticket(Subject("anna", Role.READ), "s-1", ORIGIN)
    assert await refused(stage, request(**ticketed(ticket))) == (503, "no_buffer")


async def test_no_session_has_so_long_an_identity():
    with pytest.raises(RtaError, match="at most 1000"):
        await make_sign_in().sign_in.new_ticket(Subject("anna", Role.READ), "s" * 1001, ORIGIN)


async def test_the_form_of_kubernetes_is_a_token():
    stage = make_sign_in(FakeIssuer(KEYS), origins=[ORIGIN])
    protocol = KUBERNETES_PROTOCOL + encoded(token().encode())
    asked = request(origin=ORIGIN, sec_websocket_protocol=f"{protocol}, rta")
    assert (await stage.sign_in.admit_stream(asked)).name == "anna"


def test_what_is_needed_to_sign_in_is_said():
    about = make_sign_in(FakeIssuer(KEYS), client_id="rta-page").sign_in.about()
    assert about.pop("authority").startswith("https://")
    assert about == {"required": True, "audience": "rta", "clientId": "rta-page", "scopes": ["openid"], "tokens": False}


async def test_a_flood_of_tokens_is_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr("rta.auth.known_tokens._MOST", 5)
    stage = make_sign_in(FakeIssuer(KEYS))
    right = f"Bearer {token()}"
    first = await stage.sign_in.subject(right, None)
    for number in range(20):
        await refused(stage, f"Bearer {token(aud=str(number))}")
    assert await stage.sign_in.subject(right, None) is first
    for number in range(5):
        await stage.sign_in.subject(f"Bearer {token(sub=str(number))}", None)
    again = await stage.sign_in.subject(right, None)
    assert again == first
    assert again is not first
