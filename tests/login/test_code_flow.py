"""Somebody signs in by a browser: what comes back is of this sign-in, and nothing secret stays in the browser."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing
from cancelling import cancel_at_every_step
from small_issuer import CLIENT, SmallIssuer, browse

from rta.errors import RtaError, UnreadableError
from rta.login import Callback, GrantedToken, IssuerClient, IssuerRefusal, sign_in_by_browser

PAGE = "127.0.0.1:5000"
FORGED = "This does not belong to the sign-in that waits in the terminal."
Show = Callable[[str], Awaitable[None]]


async def sign_in(issuer: SmallIssuer, show: Show, scopes: Sequence[str] = ("openid", "offline")) -> GrantedToken:
    client = IssuerClient(issuer.base, CLIENT, "https://rta.test")
    return await sign_in_by_browser(client, scopes, show, secrets.token_bytes, time.time_ns)


class Browser:
    """Goes to the address, and remembers which page it shows in the end."""

    def __init__(self) -> None:
        self.address = ""
        self.page: tuple[int, str, str] = (0, "", "")

    async def show(self, url: str) -> None:
        self.address = url
        self.page = await trio.to_thread.run_sync(browse, url)


async def test_the_issuer_gives_a_token_for_the_code_and_its_verifier(issuer):
    browser = Browser()
    granted = await sign_in(issuer, browser.show)
    assert (granted.token.text, granted.refresh) == ("access-2", "refresh-2")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(browser.address).query).items()}
    assert (asked["scope"], asked["audience"], asked["resource"]) == (
        "openid offline",
        "https://rta.test",
        "https://rta.test",
    )
    [form] = [fields for path, fields in issuer.asked if path == "/token"]
    assert form["code_verifier"] != asked["code_challenge"]
    assert len(form["code_verifier"]) == 43


@pytest.mark.parametrize(("scopes", "prompt"), [(("openid", "offline_access"), ["consent"]), (("openid",), None)])
async def test_who_wants_to_renew_it_offline_consents_to_that(issuer, scopes, prompt):
    browser = Browser()
    await sign_in(issuer, browser.show, scopes)
    assert parse_qs(urlsplit(browser.address).query).get("prompt") == prompt


async def test_the_page_that_stays_says_that_it_can_be_closed_and_has_no_code_in_its_address(issuer):
    browser = Browser()
    await sign_in(issuer, browser.show)
    status, url, text = browser.page
    assert (status, urlsplit(url).path, urlsplit(url).query) == (200, "/done", "")
    assert "You can close this page" in text


async def test_nothing_listens_any_more_when_it_is_over(issuer):
    browser = Browser()
    await sign_in(issuer, browser.show)
    parts = urlsplit(browser.page[1])
    with pytest.raises(OSError, match=r"refused|connect"):
        await trio.open_tcp_stream("127.0.0.1", parts.port or 0)


async def test_whoever_says_no_is_said_to_have(issuer):
    issuer.refuses = "access_denied"
    with pytest.raises(IssuerRefusal, match=r"^the issuer refuses: access_denied: Anna said no$"):
        await sign_in(issuer, Browser().show)


async def test_an_answer_of_another_sign_in_is_refused_and_the_right_one_is_waited_for(issuer):
    browser = Browser()

    async def twice(url: str) -> None:
        issuer.wrong_state = True
        await browser.show(url)
        assert browser.page[0] == 400
        assert FORGED in browser.page[2]
        issuer.wrong_state = False
        await browser.show(url)

    assert (await sign_in(issuer, twice)).token.text == "access-3"


async def test_a_browser_that_never_comes_is_not_waited_for_for_ever(near, autojump_clock):
    async def show(url: str) -> None:
        pass

    with pytest.raises(RtaError, match=r"^nobody has signed in within 300 s$"):
        await sign_in_by_browser(near, ["openid"], show, secrets.token_bytes, time.time_ns)


async def test_a_verifier_that_does_not_fit_gets_no_token_and_the_code_is_not_quoted(issuer):
    async def show(url: str) -> None:
        await trio.to_thread.run_sync(browse, url.replace("code_challenge=", "code_challenge=x"))

    with pytest.raises(IssuerRefusal, match=r"^the issuer refuses: invalid_grant: not …$"):
        await sign_in(issuer, show)


async def test_an_identity_token_of_another_sign_in_is_refused(issuer):
    issuer.nonce = "another"
    with pytest.raises(UnreadableError, match=r"^the issuer's identity token is of another sign-in$"):
        await sign_in(issuer, Browser().show)


async def test_it_comes_to_an_end_wherever_it_is_cancelled(issuer, near):
    async def show(url: str) -> None:
        state = parse_qs(urlsplit(url).query)
        host = urlsplit(state["redirect_uri"][0])
        stream = await trio.open_tcp_stream("127.0.0.1", host.port or 0)
        async with stream:
            target = f"/callback?error=access_denied&state={state['state'][0]}"
            await stream.send_all(f"GET {target} HTTP/1.1\r\nHost: {host.netloc}\r\n\r\n".encode())
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 303 ")
        stream = await trio.open_tcp_stream("127.0.0.1", host.port or 0)
        async with stream:
            await stream.send_all(f"GET /done HTTP/1.1\r\nHost: {host.netloc}\r\n\r\n".encode())
            assert b"You can close this page" in await stream.receive_some()

    async def attempt() -> None:
        with pytest.raises(IssuerRefusal):
            await sign_in_by_browser(near, ["openid"], show, secrets.token_bytes, time.time_ns)

    assert await cancel_at_every_step(attempt) > 5


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "is of another issuer"),
        ({"token_endpoint": None}, "has no token_endpoint"),
        ({"token_endpoint": "http://example.com/token"}, "token_endpoint of the issuer is no URL with https"),
        ({"token_endpoint": "https://a:b@example.com/"}, "token_endpoint of the issuer is no URL with https"),
        ({"authorization_endpoint": "file:///etc/passwd"}, "authorization_endpoint of the issuer is no URL"),
        ({"authorization_endpoint": None}, "has no page to sign in at"),
    ],
)
async def test_an_issuer_that_is_not_to_be_trusted_is_asked_nothing(issuer, changed, why):
    issuer.metadata = changed
    with pytest.raises(RtaError, match=why):
        await sign_in(issuer, Browser().show)
    assert [path for path, _ in issuer.asked] == ["/.well-known/openid-configuration"]


async def test_redirections_of_the_issuer_are_not_followed(issuer):
    client = IssuerClient(issuer.base, CLIENT)
    issuer.redirects = f"{issuer.base}/caught"
    with pytest.raises(UnreadableError, match=r"/token answers 307$"):
        await client.send(f"{issuer.base}/token", {"refresh_token": "secret"})
    assert [path for path, _ in issuer.asked] == ["/token"]


@pytest.mark.parametrize("authority", ["http://example.com", "ftp://127.0.0.1", "https://user@example.com"])
def test_an_issuer_is_asked_over_tls_or_on_this_machine(authority):
    with pytest.raises(RtaError):
        IssuerClient(authority, CLIENT)


# ---- the page of this machine


def callback(names_itself: bool = False) -> Callback:
    return Callback(PAGE, "right", "https://issuer", names_itself)


async def test_the_page_takes_one_answer():
    page = callback()
    assert page.respond("GET", "/callback?code=first&state=right", PAGE) == (303, "")
    assert page.respond("GET", "/callback?code=second&state=right", PAGE)[0] == 400
    assert page.code() == "first"


@pytest.mark.parametrize(
    ("method", "target", "host", "status"),
    [
        ("GET", "/callback?code=x", PAGE, 400),
        ("GET", "/callback?code=x&state=wrong", PAGE, 400),
        ("GET", "/callback?code=x&state=wrong&state=right", PAGE, 400),
        ("GET", "/callback?code=x&code=y&state=right", PAGE, 400),
        ("GET", "/callback?error=access_denied", PAGE, 400),
        ("GET", "/callback?state=right", PAGE, 400),
        ("GET", "/callback?" + "&".join(f"a{i}=1" for i in range(100)), PAGE, 400),
        ("GET", "/callback?code=x&state=right", "evil.example:5000", 400),
        ("GET", "/callback?code=x&state=right&iss=https://other", PAGE, 400),
        ("POST", "/callback?code=x&state=right", PAGE, 405),
        ("GET", "/favicon.ico", PAGE, 404),
    ],
)
async def test_the_page_refuses_what_is_not_the_answer(method, target, host, status):
    page = callback()
    assert page.respond(method, target, host)[0] == status
    assert not page.answered.is_set()


async def test_an_issuer_that_names_itself_has_to():
    page = callback(names_itself=True)
    assert page.respond("GET", "/callback?code=x&state=right", PAGE)[0] == 400
    assert page.respond("GET", "/callback?code=x&state=right&iss=https://issuer", PAGE)[0] == 303


async def test_what_is_no_request_is_hung_up_on(autojump_clock):
    page = callback()
    for sent in (b"\x16\x03\x01 no HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n", b"x" * 40_000):
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(page.serve, theirs)
            await ours.send_all(sent)
            assert await ours.receive_some() == b""
    assert not page.answered.is_set()
