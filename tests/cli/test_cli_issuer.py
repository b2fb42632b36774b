"""A service where one signs in, and a real issuer: roles, refusals, new keys, and an issuer that is away."""

from __future__ import annotations

import json
import re
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import Answer, Stream, ask, kubernetes, open_stream
from conftest import starting
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuing import forged, private, public
from program import Program, wait_until
from real_issuer import AUDIENCE, Issuer, shared_secret, signed
from signed_in_site import write_site

pytestmark = pytest.mark.processes

V2 = "/rta/v2"
OTHER_KEY = ("RS256", 1)


class Service:
    """One that takes tokens of an issuer."""

    def __init__(self, start: Callable[..., Program], folder: Path, issuer: Issuer, leeway: str = "30s") -> None:
        folder.mkdir(exist_ok=True)
        path = write_site(folder, issuer, auth=f'refresh = "10s"\nleeway = "{leeway}"')
        self.program = start("run", "--config", path)
        self.address = self.program.address

    def ask(self, path: str, token: str | None = None, **more: Any) -> Answer:
        return ask(self.address, path, token, **more)

    def whoami(self, token: str | None) -> Answer:
        return self.ask(V2 + "/whoami", token)

    def stream(self, *protocols: str, identity: str = "drive-1", **more: Any) -> Stream:
        return open_stream(self.address, identity, *protocols, **more)

    def until_taken(self, token: str) -> None:
        wait_until(lambda: self.whoami(token).status == 200, "a token to be taken")

    def metric(self, name: str) -> float:
        found = re.findall(rf"^{re.escape(name)} (\S+)$", self.ask("/metrics", self.token).text, re.MULTILINE)
        return sum(map(float, found))

    token = ""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def service(issuer, tmp_path_factory, environ) -> Iterator[Service]:
    """For tests that leave the issuer as it is."""
    folder = tmp_path_factory.mktemp("issuer")
    with starting(folder, environ) as start:
        service = Service(start, folder / "site", issuer)
        service.token = issuer.token("viewer")
        service.until_taken(service.token)
        wait_until(lambda: "drive-1" in service.ask(V2 + "/sessions", service.token).text, "the session")
        yield service


@pytest.fixture
def own(tmp_path, start) -> Iterator[Callable[..., tuple[Issuer, Service]]]:
    """Starts an issuer and a service of the test's own."""
    issuer = Issuer()

    def begin(life: int = 600, **more: Any) -> tuple[Issuer, Service]:
        issuer.life = life
        issuer.start()
        return issuer, Service(start, tmp_path / "site", issuer, **more)

    try:
        yield begin
    finally:
        issuer.stop()


# ---- who may do what


def test_the_issuers_roles_are_ours(service, issuer):
    for client, role in (("viewer", "read"), ("operator", "operate"), ("administrator", "administer")):
        said = service.whoami(issuer.token(client)).json
        assert (said["name"], said["role"]) == (client, role)
        assert said["ends"].endswith("Z")


def test_a_reader_reads_and_is_told_which_role_is_missing_to_do_more(service):
    assert service.ask(V2 + "/sessions", service.token).status == 200
    refused = service.ask(V2 + "/streams/car.engine/live/start", service.token, method="POST", body={})
    assert refused.status == 403
    assert refused.json["reason"] == "the role operate is missing"
    assert 'error="insufficient_scope"' in refused.challenge


def test_an_operator_passes_where_a_reader_does_not(service, issuer):
    passed = service.ask(V2 + "/streams/car.engine/live/start", issuer.token("operator"), method="POST", body={})
    assert passed.status == 404  # there is no such stream


def test_nobody_is_told_how_to_sign_in_and_nothing_else(service, issuer):
    for path in (V2 + "/sessions", V2 + "/whoami", V2 + "/openapi.json", "/metrics"):
        refused = service.ask(path)
        assert (refused.status, refused.challenge) == (401, 'Bearer realm="rta"')
    told = service.ask(V2 + "/info").json
    assert told["auth"].items() >= {"authority": issuer.url, "audience": AUDIENCE, "required": True}.items()
    assert "label" not in told
    assert service.ask("/health").status == 200


# ---- WebSockets


def test_a_websocket_is_had_with_a_token_in_a_header_or_a_sub_protocol(service):
    for opened in (service.stream(token=service.token), service.stream(kubernetes(service.token))):
        assert opened.status == 101
        assert "mat.ocs.rta.stream-lz4" in opened.head
        assert "bearer" not in opened.head
        opened.leave()


def test_a_websocket_is_not_had_without(service):
    refused = service.stream()
    assert refused.status == 401
    assert 'Bearer realm="rta"' in refused.head
    for query in ("?access_token=", "?token="):
        assert service.stream(query=query + service.token).status == 401


def test_a_ticket_opens_one_websocket_of_one_page(service):
    page = "https://page.example"

    def ticket() -> str:
        made = service.ask(V2 + "/tickets", service.token, method="POST", body={"session": "drive-1"}, Origin=page)
        assert made.status == 201, made.text
        return f"rta.ticket.{made.json['ticket']}"

    first = ticket()
    opened = service.stream(first, Origin=page)
    assert opened.status == 101
    assert service.stream(first, Origin=page).status == 401  # replayed
    assert service.stream(ticket(), Origin="https://evil.example").status == 403  # stolen
    assert service.stream(ticket(), Origin=f"http://127.0.0.1:{service.address[1]}").status == 401
    assert service.stream(ticket()).status == 401
    assert service.stream(ticket(), identity="drive-2", Origin=page).status == 401
    changed = ticket()
    assert service.stream(changed[:-2] + ("AA" if changed[-2:] != "AA" else "BB"), Origin=page).status == 401
    opened.leave()


def test_tickets_are_not_given_to_other_pages(service):
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = service.ask(V2 + "/tickets", service.token, method="POST", body={"session": "drive-1"}, **origin)
        assert refused.status == 403


def test_a_websocket_is_closed_when_its_token_ends(own):
    issuer, service = own(life=3, leeway="0s")
    wait_until(lambda: "drive-1" in service.ask(V2 + "/sessions", issuer.token("viewer")).text, "the session")
    token, opened = stream_of_a_new_token(issuer, service)
    code, reason = opened.closed()
    assert code == 4004
    assert "token" in reason
    refused = service.whoami(token)
    assert refused.status == 401
    assert "the token has ended" in refused.challenge
    _, again = stream_of_a_new_token(issuer, service)
    again.leave()


def stream_of_a_new_token(issuer: Issuer, service: Service) -> tuple[str, Stream]:
    """On a busy machine a short-lived token may have ended before it is asked with: then with another one."""
    found: list[tuple[str, Stream]] = []

    def is_open() -> bool:
        token = issuer.token("viewer")
        found.append((token, service.stream(token=token)))
        return found[-1][1].status == 101

    wait_until(is_open, "a WebSocket")
    return found[-1]


# ---- the command line


def test_a_command_shows_what_its_token_may_see_and_says_what_is_missing_without(service, issuer, start):
    url = "http://{}:{}".format(*service.address)
    for command in (("sessions", "--json"), ("tail", "--json")):
        seen = start(*command, RTA_URL=url, RTA_TOKEN=issuer.token("viewer"))
        wait_until(lambda seen=seen: seen.lines or not seen.running, "data")
        assert seen.lines, seen.err
        for more in ({}, {"RTA_TOKEN": issuer.token("viewer", "https://mail.example.com")}):
            refused = start(*command, RTA_URL=url, **more)
            assert (refused.ends(), refused.out) == (1, ""), refused.err
            assert re.search(r"sign in|token", refused.err)
            assert len(refused.err.splitlines()) == 1, refused.err


# ---- wrong tokens


def pem(key: tuple[str, int]) -> bytes:
    return private(*key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def der(key: tuple[str, int]) -> bytes:
    return private(*key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def without_signature(token: str) -> str:
    return token.rpartition(".")[0] + "."


KEY = ("RS256", 0)
KID = "RS256-0"
NOW = time.time
WRONG: dict[str, tuple[str, Callable[[Issuer], str]]] = {
    "none": ("algorithm", lambda i: forged({"alg": "none", "kid": KID}, i.claims())),
    "none in other letters": ("algorithm", lambda i: forged({"alg": "nOnE", "kid": KID}, i.claims())),
    "none without a signature": ("malformed", lambda i: without_signature(forged({"alg": "none"}, i.claims()))),
    "a signature cut off": ("malformed", lambda i: without_signature(i.token("viewer"))),
    "HS256 with the key as PEM": ("algorithm", lambda i: shared_secret(i.claims(), pem(KEY), kid=KID)),
    "HS256 with the key as DER": ("algorithm", lambda i: shared_secret(i.claims(), der(KEY), kid=KID)),
    "HS256 with the key as JWK": (
        "algorithm", lambda i: shared_secret(i.claims(), json.dumps(public(*KEY)).encode(), kid=KID)
    ),
    "HS256 with the modulus": (
        "algorithm", lambda i: shared_secret(i.claims(), public(*KEY)["n"].encode(), kid=KID)
    ),
    "HS256 with nothing": ("algorithm", lambda i: shared_secret(i.claims(), b"", kid=KID)),
    "RS256 said, HS256 made": ("signature", lambda i: shared_secret(i.claims(), pem(KEY), kid=KID, alg="RS256")),
    "another algorithm of the key": ("algorithm", lambda i: relabelled(i.token("viewer"), alg="RS512")),
    "an algorithm of other keys": ("algorithm", lambda i: relabelled(i.token("viewer"), alg="ES256")),
    "another key of the same id": ("signature", lambda i: signed(i.claims(), OTHER_KEY, kid=KID)),
    "an unknown key": ("unknown_key", lambda i: signed(i.claims(), OTHER_KEY)),
    "a key id with a path": ("unknown_key", lambda i: signed(i.claims(), OTHER_KEY, kid="../../../../dev/null")),
    "a key id that is a list": ("malformed", lambda i: relabelled(i.token("viewer"), kid=[KID])),
    "a key of its own": ("head", lambda i: signed(i.claims(), OTHER_KEY, kid=KID, jwk=public(*OTHER_KEY))),
    "certificates of its own": ("head", lambda i: signed(i.claims(), OTHER_KEY, kid=KID, x5c=["MIIB"])),
    "what must be understood": ("head", lambda i: signed(i.claims(), KEY, crit=["exp"])),
    "another issuer": ("issuer", lambda i: signed(i.claims(iss="https://evil.example"))),
    "the issuer with a slash": ("issuer", lambda i: signed(i.claims(iss=i.url + "/"))),
    "no issuer": ("issuer", lambda i: signed(i.claims(iss=None))),
    "another audience": ("audience", lambda i: i.token("viewer", "https://mail.example.com")),
    "no audience": ("audience", lambda i: signed(i.claims(aud=None))),
    "a longer audience": ("audience", lambda i: signed(i.claims(aud=AUDIENCE + ".evil.example"))),
    "ended": ("ended", lambda i: signed(i.claims(exp=int(NOW()) - 600))),
    "no end": ("malformed", lambda i: signed(i.claims(exp=None))),
    "an end that is a text": ("malformed", lambda i: signed(i.claims(exp="9999999999"))),
    "early": ("early", lambda i: signed(i.claims(nbf=int(NOW()) + 600))),
    "issued in the future": ("early", lambda i: signed(i.claims(iat=int(NOW()) + 600))),
    "an ID token": ("type", lambda i: signed(i.claims(), typ="logout+jwt")),
    "changed claims": ("signature", lambda i: with_claims(i.token("viewer"), i.claims(sub="root"))),
    "no token": ("malformed", lambda _: "hello"),
    "a very long one": ("malformed", lambda i: signed(i.claims(x="x" * 20_000))),
    "an unknown static one": ("unknown_token", lambda _: "rta_" + "A" * 43),
}  # fmt: skip


def relabelled(token: str, **head: Any) -> str:
    """With another head, and the same signature."""
    _, claims, signature = token.split(".")
    text = json.dumps({"alg": "RS256", "kid": KID, **head}).encode()
    return f"{urlsafe_b64encode(text).rstrip(b'=').decode()}.{claims}.{signature}"


def with_claims(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_refused_over_http_and_for_a_websocket(service, issuer, name):
    reason, make = WRONG[name]
    counted = f'rta_sign_in_refused_total{{reason="{reason}"}}'
    before, token = service.metric(counted), make(issuer)
    refused = service.whoami(token)
    assert refused.status == 401
    assert re.search(r'error="invalid_(token|request)"', refused.challenge)
    assert token not in refused.text + str(refused.headers)
    assert service.stream(token=token).status == 401
    assert service.stream(kubernetes(token)).status in (401, 431)
    assert service.metric(counted) >= before + 2


@pytest.mark.parametrize(
    "more",
    [{"exp": -5}, {"nbf": 20}, {"iat": 20}],
    ids=["ended a moment ago", "early by a moment", "issued in a moment"],
)
def test_clocks_may_differ_by_a_little(service, issuer, more):
    times = {name: int(NOW()) + seconds for name, seconds in more.items()}
    assert service.whoami(signed(issuer.claims(**times))).status == 200


def test_no_address_in_a_token_is_followed(service, issuer):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        place = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        for head in ({"jku": place}, {"x5u": place}, {"kid": place}, {"kid": place, "jku": place}):
            assert service.whoami(signed(issuer.claims(), OTHER_KEY, **head)).status == 401
        assert service.whoami(signed(issuer.claims(iss=place), OTHER_KEY)).status == 401
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_flood_of_unknown_keys_asks_the_issuer_now_and_then_and_disturbs_nobody(service, issuer):
    def fetches() -> float:
        return service.metric('rta_sign_in_key_fetches_total{outcome="fetched"}')

    token, before, began = issuer.token("viewer"), fetches(), time.monotonic()
    for number in range(200):
        assert service.whoami(signed(issuer.claims(), OTHER_KEY, kid=f"made-up-{number}")).status == 401
        if number % 20 == 0:
            assert service.whoami(token).status == 200
    assert fetches() - before <= (time.monotonic() - began) / 10 + 1


# ---- the issuer changes, and goes away


def test_new_keys_are_taken_and_old_ones_end_with_them(own):
    issuer, service = own()
    old = issuer.token("viewer")
    service.until_taken(old)
    issuer.restart(OTHER_KEY)
    service.until_taken(issuer.token("viewer"))
    refused = service.whoami(old)
    assert refused.status == 401
    assert "key is not known" in refused.challenge
    issuer.restart(("ES256", 0), OTHER_KEY)
    service.until_taken(issuer.token("operator"))


def test_whose_key_is_known_is_not_shut_out_while_the_issuer_is_away(own):
    issuer, service = own()
    first, second = issuer.token("viewer"), issuer.token("operator")
    service.until_taken(first)
    issuer.kill()
    wait_until(lambda: "issuer" in service.ask("/health", first).text, "a note")
    assert (service.ask("/health").status, service.ask("/health").text) == (200, "Healthy")
    assert service.whoami(first).status == 200
    assert service.whoami(second).json["role"] == "operate"  # never seen before
    assert service.whoami(signed(issuer.claims(), OTHER_KEY)).status == 401
    issuer.start()
    wait_until(lambda: "issuer" not in service.ask("/health", first).text, "the note to go")
    assert service.whoami(issuer.token("viewer")).status == 200


def test_a_service_that_starts_before_its_issuer_says_so_and_takes_tokens_once_it_can(tmp_path, start):
    with Issuer() as issuer:
        token = issuer.token("viewer")
        issuer.kill()
        service = Service(start, tmp_path / "site", issuer)
        refused = service.whoami(token)
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert service.stream(token=token).status == 503
        assert service.ask("/health").status == 503
        issuer.start()
        service.until_taken(token)
        wait_until(lambda: service.ask("/health").status == 200, "health")
