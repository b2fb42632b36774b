"""The keys of the issuer: fetched, rotated, kept while it is away; and an issuer that does not behave."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import h11
import pytest
import trio
import trio.testing
from issuing import ISSUER, public

from rta.actors.issuer import IssuerActor
from rta.auth import AuthSettings
from rta.health import Health
from rta.http_peer import HttpPeer, PeerPatience

Answer = bytes | dict[str, Any] | int | Callable[[trio.abc.Stream], Any]

DISCOVERY = "/realms/site/.well-known/openid-configuration"
KEYS = "/keys?all=1"


class MemoryIssuer:
    """An issuer over streams in memory. An answer is a body, a status, or a task that has the stream."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.answers: dict[str, Answer] = {
            DISCOVERY: {"issuer": ISSUER, "jwks_uri": f"https://keys.example.com{KEYS}"},
            KEYS: {"keys": [public("ES256")]},
        }
        self.away = False
        self.asked: list[tuple[str, str]] = []

    def peer_at(self, base: str, patience: PeerPatience) -> HttpPeer:
        parts = urlsplit(base)

        async def connect() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            if self.away:
                raise ConnectionRefusedError(111, "Connection refused")
            ours, theirs = trio.testing.memory_stream_pair()
            self.nursery.start_soon(self._serve, theirs)
            return ours

        return HttpPeer(base, connect, parts.netloc, parts.path, patience)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        while not isinstance(event := connection.next_event(), h11.Request):
            connection.receive_data(await stream.receive_some(65536))
        path, host = event.target.decode(), dict(event.headers)[b"host"].decode()
        self.asked.append((host, path))
        answer = self.answers.get(path, 404)
        try:
            if callable(answer):
                await answer(stream)
                return
            status, body = (answer, b"") if isinstance(answer, int) else (200, answer)
            text = json.dumps(body).encode() if isinstance(body, dict) else body
            head = h11.Response(status_code=status, headers=[("content-length", str(len(text)))])
            await stream.send_all(connection.send(head) + connection.send(h11.Data(text)))
        except trio.BrokenResourceError:
            pass  # it has heard enough
        finally:
            await trio.aclose_forcefully(stream)


class Fetches:
    """A reporter."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        assert metric == "rta_sign_in_key_fetches_total"
        self.outcomes[labels["outcome"]] += 1


class Stage:
    def __init__(self, nursery: trio.Nursery, **settings: Any) -> None:
        self.issuer = MemoryIssuer(nursery)
        self.health, self.fetches = Health(), Fetches()
        made = AuthSettings(enabled=True, **{"authority": ISSUER, "audience": "rta", **settings})
        self.actor = IssuerActor(made, self.health, self.fetches, self.issuer.peer_at)
        self._nursery = nursery

    async def run(self, seconds: float = 1.0) -> None:
        self._nursery.start_soon(self.actor.run)
        await trio.sleep(seconds)

    @property
    def ids(self) -> set[str]:
        return set() if self.actor.keys is None else set(self.actor.keys.ids)


@pytest.fixture
def stage(nursery):
    return Stage(nursery)


async def test_keys_are_fetched_from_where_the_discovery_document_says(autojump_clock, stage):
    assert stage.actor.keys is None
    assert stage.actor.age == 0
    await stage.run()
    assert stage.ids == {"ES256-0"}
    assert stage.actor.keys.issuer == ISSUER
    assert stage.issuer.asked == [("issuer.example.com", DISCOVERY), ("keys.example.com", KEYS)]
    assert stage.health.healthy
    assert stage.health.notes == []


async def test_an_authority_may_lack_the_slash_that_the_issuer_has(autojump_clock, stage):
    stage.issuer.answers[DISCOVERY]["issuer"] = ISSUER + "/"
    await stage.run()
    assert stage.actor.keys.issuer == ISSUER + "/"


async def test_keys_are_fetched_again_and_those_that_are_the_same_stay_the_same_object(autojump_clock, stage):
    await stage.run()
    first = stage.actor.keys
    await trio.sleep(600)
    assert stage.fetches.outcomes["fetched"] == 2
    assert stage.actor.keys is first
    assert stage.actor.age < 5
    stage.issuer.answers[KEYS] = {"keys": [public("ES256", 1)]}
    await trio.sleep(600)
    assert stage.ids == {"ES256-1"}


async def test_an_unknown_key_is_asked_for_at_once(autojump_clock, stage):
    await stage.run()
    await trio.sleep(10)
    stage.issuer.answers[KEYS] = {"keys": [public("ES256", 1)]}
    began = trio.current_time()
    await stage.actor.fetch_again()
    assert stage.ids == {"ES256-1"}
    assert trio.current_time() - began < 1


async def test_a_flood_of_unknown_keys_asks_every_ten_seconds_at_most(autojump_clock, stage, nursery):
    await stage.run()
    for _ in range(600):
        for _ in range(50):
            nursery.start_soon(stage.actor.fetch_again)
        await trio.sleep(0.1)
    assert 5 <= stage.fetches.outcomes["fetched"] <= 8


async def test_whoever_waits_is_bounded_in_time_and_number(autojump_clock, stage, nursery):
    async def hang(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    await stage.run()
    await trio.sleep(10)
    stage.issuer.answers[DISCOVERY] = hang
    waited: list[float] = []

    async def wait() -> None:
        began = trio.current_time()
        await stage.actor.fetch_again()
        waited.append(trio.current_time() - began)

    for _ in range(100):
        nursery.start_soon(wait)
    await trio.sleep(0.5)
    assert len(waited) == 36  # the others wait
    await trio.sleep(6)
    assert len(waited) == 100
    assert max(waited) <= 5


async def test_an_outage_shuts_out_nobody_until_the_keys_are_too_old(nursery, autojump_clock):
    stage = Stage(nursery, keep_keys=3600.0)
    await stage.run()
    stage.issuer.away = True
    await trio.sleep(1000)
    assert stage.ids == {"ES256-0"}
    assert stage.health.healthy
    [note] = stage.health.notes
    assert "count for 3600 s" in note
    await trio.sleep(2700)
    assert stage.actor.keys is None
    [reason] = stage.health.reasons
    assert reason.startswith("issuer: nobody can sign in by its tokens: ")
    stage.issuer.away = False
    await trio.sleep(31)
    assert stage.ids == {"ES256-0"}
    assert stage.health.healthy
    assert stage.health.notes == []


async def drip(stream: trio.abc.Stream) -> None:
    """One byte now and then, for ever."""
    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        await stream.send_all(b" ")
        await trio.sleep(1)


async def flood(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await stream.send_all(b"10000\r\n" + b" " * 65536 + b"\r\n")


async def endless_head(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"a: " + b"b" * 65536 + b"\r\n")


async def nonsense(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"\x16\x03\x01\x02\x00" * 100)


async def hang_up(stream: trio.abc.Stream) -> None:
    await trio.lowlevel.checkpoint()


BAD = [500, 302, 404, b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"keys": 7}', drip, flood, endless_head, nonsense]


@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
@pytest.mark.parametrize("answer", [*BAD, hang_up])
async def test_an_issuer_that_does_not_behave_changes_nothing(autojump_clock, stage, path, answer):
    await stage.run()
    stage.issuer.answers[path] = answer
    await trio.sleep(620)
    assert stage.fetches.outcomes["failed"] >= 1
    assert stage.ids == {"ES256-0"}
    assert stage.health.healthy


@pytest.mark.parametrize(
    "place",
    [
        None, 7, "", "keys", "/keys", "http://keys.example.com/keys", "ftp://keys.example.com/", "file:///etc/passwd",
        "https://", "https://a..b/keys", "https://u:p@keys.example.com/", "https://k:99999/", "https://k:0/",
        "https://k\n/", "https://k /", "https://é/", "https://[::1/", "http://127.0.0.1.example.com/",
        "https://k/" + "a" * 2000,
    ],
)  # fmt: skip
async def test_keys_are_fetched_from_nowhere_else(autojump_clock, stage, place):
    stage.issuer.answers[DISCOVERY] = {"issuer": ISSUER, "jwks_uri": place}
    await stage.run()
    assert stage.actor.keys is None
    assert {host for host, _ in stage.issuer.asked} == {"issuer.example.com"}
    [reason] = stage.health.reasons
    assert "no place of its keys" in reason


@pytest.mark.parametrize("said", [None, 7, "", "http://tokens.example.com/", "https://x;script-src */"])
async def test_where_tokens_are_had_and_given_back_is_known_if_it_can_be_trusted(autojump_clock, stage, said):
    stage.issuer.answers[DISCOVERY]["token_endpoint"] = right = "https://tokens.example.com:8443/token"
    stage.issuer.answers[DISCOVERY]["revocation_endpoint"] = back = "https://back.example.com/"
    await stage.run()
    assert stage.actor.endpoints == (right, back)
    stage.issuer.answers[DISCOVERY]["token_endpoint"] = said
    await trio.sleep(700)
    assert stage.actor.endpoints == (back,)
    assert stage.ids == {"ES256-0"}


@pytest.mark.parametrize("other", [None, 7, [ISSUER], "https://issuer.example.com", ISSUER.upper(), ISSUER + "/x"])
async def test_a_document_of_another_issuer_is_refused(autojump_clock, stage, other):
    stage.issuer.answers[DISCOVERY]["issuer"] = other
    await stage.run()
    assert stage.actor.keys is None
    assert "another issuer" in stage.health.reasons[0]


async def test_keys_on_this_machine_need_no_tls(autojump_clock, stage):
    stage.issuer.answers[DISCOVERY]["jwks_uri"] = f"http://localhost:9000{KEYS}"
    await stage.run()
    assert stage.ids == {"ES256-0"}
