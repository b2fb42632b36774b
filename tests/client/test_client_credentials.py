"""A token is renewed in time, once for all who wait, and goes to nobody but its service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import trio

from rta.client import Credentials, NotAllowed, NotSignedIn, RestClient, Token, open_live_stream
from rta.client.data import open_data
from rta.errors import NotConnectedError, RtaError, UnreadableError
from rta.ports import DataKind

HERE = "http://127.0.0.1:1"
SECOND = 1_000_000_000
MISSING = b'{"detail": "the role operate is missing"}'
ENDED = b'{"detail": "the token has ended"}'


class Issuer:
    """Gives one token after the other, and has a clock."""

    def __init__(self, life: float | None = 100) -> None:
        self.now = 1_000 * SECOND
        self.life = life
        self.given: list[str] = []
        self.old: list[str | None] = []
        self.error: RtaError | None = None

    async def renew(self, old: Token | None) -> Token:
        await trio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        self.old.append(old.text if old is not None else None)
        self.given.append(f"t{len(self.given) + 1}")
        return Token(self.given[-1], None if self.life is None else self.now + round(self.life * SECOND))

    def credentials(self, insecure: bool = False) -> Credentials:
        return Credentials(self.renew, insecure=insecure, clock=lambda: self.now)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Asked:
    """A server that takes some tokens, and remembers with which it was asked for what."""

    def __init__(self, takes: str) -> None:
        self.takes = takes
        self.had: list[tuple[str, str | None]] = []
        self.base = ""
        self.answer: tuple[int, bytes] = (200, b'{"alarms": []}')
        self.moved: dict[str, str] = {}


@contextmanager
def asking(takes: str = "") -> Iterator[Asked]:
    asked = Asked(takes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers["authorization"]
            asked.had.append((self.path, given))
            right = not asked.takes or given == f"Bearer {asked.takes}"
            status, body = asked.answer if right else (401, ENDED)
            if self.path in asked.moved:
                status, body = 307, b""
            self.send_response(status)
            if status == 307:
                self.send_header("location", asked.moved[self.path])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    asked.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---- in time


@pytest.mark.parametrize(("life", "used"), [(100, 79), (1000, 969), (5, 3.9)])
async def test_a_token_is_used_until_shortly_before_its_end(life: float, used: float) -> None:
    issuer = Issuer(life)
    credentials = issuer.credentials()
    assert await credentials.headers(HERE) == bearer("t1")
    issuer.now += round(used * SECOND)
    assert await credentials.headers(HERE) == bearer("t1")
    issuer.now += SECOND + SECOND // 2
    assert await credentials.headers(HERE) == bearer("t2")
    assert issuer.old == [None, "t1"]


async def test_a_token_without_an_end_is_kept_until_it_is_refused() -> None:
    issuer = Issuer(None)
    credentials = issuer.credentials()
    first = await credentials.headers(HERE)
    issuer.now += 10**9 * SECOND
    assert await credentials.headers(HERE) == first
    credentials.refuse(bearer("another"))
    assert await credentials.headers(HERE) == first
    credentials.refuse(first)
    assert await credentials.headers(HERE) == bearer("t2")


async def test_all_who_wait_get_the_same_new_token() -> None:
    issuer = Issuer()
    credentials = issuer.credentials()
    got: list[dict[str, str]] = []

    async def ask() -> None:
        got.append(await credentials.headers(HERE))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
    assert got == 10 * [bearer("t1")]


async def test_while_the_old_token_counts_a_renewal_may_fail() -> None:
    issuer = Issuer(100)
    credentials = issuer.credentials()
    await credentials.headers(HERE)
    issuer.error = NotConnectedError("the issuer is away")
    issuer.now += 90 * SECOND
    assert await credentials.headers(HERE) == bearer("t1")
    issuer.now += 11 * SECOND
    with pytest.raises(NotConnectedError, match=r"^the issuer is away$"):
        await credentials.headers(HERE)
    issuer.error = None
    assert await credentials.headers(HERE) == bearer("t2")


async def test_a_token_that_is_refused_does_not_count_although_it_has_not_ended() -> None:
    issuer = Issuer(100)
    credentials = issuer.credentials()
    credentials.refuse(await credentials.headers(HERE))
    issuer.error = NotConnectedError("the issuer is away")
    with pytest.raises(NotConnectedError, match=r"^the issuer is away$"):
        await credentials.headers(HERE)


async def test_a_renewal_that_does_not_come_is_given_up(autojump_clock) -> None:
    async def renew(old: Token | None) -> Token:
        await trio.sleep_forever()

    with pytest.raises(NotConnectedError, match=r"^no new token has come within 30 s$"):
        await Credentials(renew).headers(HERE)


# ---- to nobody else


@pytest.mark.parametrize("base", ["http://pit:8180", "ws://192.0.2.1", "http://localhost.example", "http://[2001::1]"])
async def test_no_token_goes_beyond_this_machine_in_the_clear(base: str) -> None:
    issuer = Issuer()
    with pytest.raises(RtaError, match=r"in the clear: use https, or say insecure$"):
        await issuer.credentials().headers(base)
    assert issuer.given == []
    assert await issuer.credentials(insecure=True).headers(base) == bearer("t1")


@pytest.mark.parametrize("base", ["https://pit", "wss://pit", "http://localhost:1", "ws://127.1.2.3", "http://[::1]:1"])
async def test_over_tls_or_on_this_machine_it_goes(base: str) -> None:
    assert await Issuer().credentials().headers(base) == bearer("t1")


@pytest.mark.parametrize("text", ["", "S3CRET x", "S3CRET\r\nx: y", "S3CRÉT"])
async def test_what_cannot_be_a_token_is_refused_and_not_told(text: str) -> None:
    async def renew(old: Token | None) -> Token:
        await trio.lowlevel.checkpoint()
        return Token(text)

    with pytest.raises(RtaError, match=r"^the token is malformed") as refused:
        await Credentials(renew).headers(HERE)
    assert "S3C" not in f"{refused.value} {Token(text)!r}"


async def test_another_server_that_the_service_sends_us_to_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with asking() as here, asking() as elsewhere:
        here.moved = {"/a": f"{elsewhere.base}/a", "/b": "/c"}
        rest = RestClient(here.base, credentials=Issuer().credentials())
        with pytest.raises(UnreadableError, match=r"sends us to another server, which gets no token of ours$"):
            await rest.ask("GET", "/a")
        assert elsewhere.had == []
        assert (await rest.ask("GET", "/b"))[0] == 200
        assert here.had[-2:] == [("/b", "Bearer t1"), ("/c", "Bearer t1")]
        assert (await RestClient(here.base).ask("GET", "/a"))[0] == 200
        assert elsewhere.had == [("/a", None)]
        monkeypatch.setenv("http_proxy", elsewhere.base)
        assert (await RestClient(here.base, credentials=Issuer().credentials()).ask("GET", "/d"))[0] == 200
        assert elsewhere.had == [("/a", None)], "the proxy has heard the token"


# ---- refused


async def by_rest(base: str, credentials: Credentials) -> None:
    await RestClient(base, credentials=credentials).alarms()


async def by_a_change(base: str, credentials: Credentials) -> None:
    await RestClient(base, credentials=credentials).call("POST", "/rta/v2/streams/a/b/start", {})


async def by_data(base: str, credentials: Credentials) -> None:
    async with open_data(base, "s", DataKind.TIMESTAMPED, credentials=credentials) as answer:
        assert not await answer.next()


async def by_stream(base: str, credentials: Credentials) -> None:
    async with open_live_stream(base, "s", credentials=credentials):
        pytest.fail("there is no stream to be had")


ASKING = [by_rest, by_a_change, by_data, by_stream]


@pytest.mark.parametrize("ask", ASKING[:-1])
async def test_who_is_refused_comes_again_with_a_new_token(ask) -> None:
    with asking("t2") as asked:
        if ask is by_data:
            asked.answer = (200, b"")
        issuer = Issuer()
        await ask(asked.base, issuer.credentials())
        assert [given for _, given in asked.had] == ["Bearer t1", "Bearer t2"]
        assert issuer.old == [None, "t1"]


@pytest.mark.parametrize("ask", ASKING)
async def test_who_is_refused_twice_is_told_why(ask) -> None:
    with asking("none") as asked:
        issuer = Issuer()
        with pytest.raises(NotSignedIn, match=f"^{asked.base} asks who you are: the token has ended$") as refused:
            await ask(asked.base, issuer.credentials())
        assert len(asked.had) == 2
        assert "t1" not in str(refused.value)


@pytest.mark.parametrize("ask", ASKING)
async def test_who_has_no_other_token_does_not_ask_again(ask) -> None:
    async def renew(old: Token | None) -> Token:
        await trio.lowlevel.checkpoint()
        return Token("mine")

    with asking("none") as asked:
        with pytest.raises(NotSignedIn):
            await ask(asked.base, Credentials(renew))
        assert len(asked.had) == 1


@pytest.mark.parametrize("ask", ASKING)
async def test_who_may_not_is_told_which_role_is_missing(ask) -> None:
    with asking() as asked:
        asked.answer = (403, MISSING)
        with pytest.raises(NotAllowed, match=r"^the role operate is missing$"):
            await ask(asked.base, Issuer().credentials())
        assert len(asked.had) == 1


async def test_without_credentials_a_service_that_wants_some_is_told_apart() -> None:
    with asking("t1") as asked:
        with pytest.raises(NotSignedIn):
            await RestClient(asked.base).sessions()
        assert asked.had == [("/rta/v2/sessions", None)]
