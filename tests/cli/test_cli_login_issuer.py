"""`rta login` at a real issuer: by a browser and by a device, until one has signed out."""

from __future__ import annotations

import re
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import trio
from attrs import evolve
from conftest import starting
from form_browser import FormBrowser
from program import wait_until
from real_issuer import AUDIENCE, PROGRAM, Issuer

from rta.client import Token
from rta.login import IssuerClient, IssuerRefusal, KeptToken, TokenKeeper

pytestmark = pytest.mark.processes

SITE = """
[site]
state_dir = "state"

[edge]
port = 0

[auth]
enabled = true
authority = "{authority}"
audience = "{audience}"
roles_claim = "realm_access.roles"
client_id = "{client}"
scopes = ["openid", "offline_access"]

[logging]
format = "json"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""
DRIVE = "Time (s),Speed\n" + "".join(f"{i / 10},{i}\n" for i in range(6000))
REDIRECT = "http://127.0.0.1:5000/callback"
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def url(issuer, tmp_path_factory, environ) -> Iterator[str]:
    """Of a service that takes its tokens."""
    folder = tmp_path_factory.mktemp("login")
    (folder / "drive.csv").write_text(DRIVE)
    (folder / "site.toml").write_text(SITE.format(authority=issuer.url, audience=AUDIENCE, client=PROGRAM))
    with starting(folder, environ) as start:
        program = start("run", "--config", folder / "site.toml")
        yield program.url
        assert "Traceback" not in program.err


Command = Callable[..., Any]


@pytest.fixture
def rta(command, tmp_path, monkeypatch) -> Command:
    """A command of somebody whose state is in a folder of its own."""
    monkeypatch.setenv("BROWSER", "some")
    return lambda *arguments: command(*arguments, XDG_STATE_HOME=str(tmp_path / "home"))


@pytest.fixture
def opens(monkeypatch) -> Callable[[Callable[[str], Any]], None]:
    """Say what is done with the address that a browser is opened with."""
    return lambda visit: monkeypatch.setattr(webbrowser, "open", visit)


@pytest.fixture
def signed_in(rta, url, opens) -> None:
    opens(FormBrowser(login="anna").visit)
    assert rta("login", url).status == 0


def keeper(folder: Path, url: str) -> TokenKeeper:
    """Of what `rta` keeps for this service."""
    return TokenKeeper(folder / "home" / "rta" / "signed-in", url)


def kept(folder: Path, url: str) -> KeptToken:
    found = keeper(folder, url).read()
    assert found is not None
    return found


def refresh(issuer: Issuer, token: str | None) -> None:
    """As a command does that renews."""
    assert token is not None
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    trio.run(IssuerClient(issuer.url, PROGRAM, AUDIENCE).send, f"{issuer.url}/token", fields)


# ---- by a browser


def test_one_signs_in_by_a_browser_and_every_command_has_the_token(rta, url, opens, start, tmp_path):
    pages = []
    opens(lambda address: pages.append(FormBrowser(login="anna").visit(address)))
    done = rta("login", url)
    assert (done.status, done.out) == (0, ""), done.err
    assert done.err.endswith(f"signed in at {url}: anna may operate, it is renewed\n")
    [page] = pages
    assert (page.status, urlsplit(page.url).path, urlsplit(page.url).query) == (200, "/done", "")
    had = kept(tmp_path, url)
    assert not any(secret in done.err for secret in (had.token.text, had.refresh))
    assert keeper(tmp_path, url).path.stat().st_mode & 0o777 == 0o600
    assert rta("whoami", url).out.startswith("anna may operate, until ")
    assert "drive-1" in rta("sessions", "--json", "--url", url).out
    tail = start("tail", "--json", "--url", url, XDG_STATE_HOME=str(tmp_path / "home"))
    tail.until(lambda: len(tail.lines) > 2, "samples")


def test_what_has_ended_is_renewed_and_the_next_command_has_it(rta, url, signed_in, issuer, tmp_path):
    before = kept(tmp_path, url)
    keeper(tmp_path, url).write(evolve(before, token=Token("ended", before.made)))
    assert rta("whoami", url).status == 0
    after = kept(tmp_path, url)
    assert after.token.text not in ("ended", before.token.text)
    assert after.refresh != before.refresh, "the issuer gives another one each time"
    assert rta("sessions", "--url", url).status == 0
    assert kept(tmp_path, url) == after
    with pytest.raises(IssuerRefusal, match="invalid_grant"):
        refresh(issuer, before.refresh)


def test_whoever_signs_out_is_signed_out_at_the_issuer_too(rta, url, signed_in, issuer, tmp_path):
    token = kept(tmp_path, url).refresh
    done = rta("logout", url)
    assert (done.status, done.err) == (0, f"signed out at {url}\n")
    assert keeper(tmp_path, url).read() is None
    with pytest.raises(IssuerRefusal, match="invalid_grant"):
        refresh(issuer, token)
    assert rta("sessions", "--url", url).err == f"rta: sign in first: rta login {url}\n"


def test_the_answer_of_another_sign_in_changes_nothing(rta, url, opens):
    def visit(address: str) -> None:
        browser, asked = FormBrowser(login="anna"), parse_qs(urlsplit(address).query)
        forged = urlencode({"code": "stolen", "state": "another", "iss": "https://evil.example"})
        assert browser.get(f"{asked['redirect_uri'][0]}?{forged}").status == 400
        assert browser.visit(address).status == 200

    opens(visit)
    assert rta("login", url).err.endswith("anna may operate, it is renewed\n")


def test_whoever_does_not_want_to_is_not_signed_in(rta, url, opens, tmp_path):
    opens(FormBrowser().cancel)
    done = rta("login", url)
    assert done.status == 1
    assert "rta: the issuer refuses: access_denied" in done.err
    assert keeper(tmp_path, url).read() is None


# ---- by a device


def test_one_signs_in_on_another_device(rta, url, start, tmp_path):
    login = start("login", "--device", url, XDG_STATE_HOME=str(tmp_path / "home"))
    wait_until(lambda: "type in: " in login.err or not login.running, "the code")
    match = re.search(r"open (\S+) on any device, and type in: (\S+)\n", login.err)
    assert match is not None, login.err
    assert FormBrowser(login="bea", user_code=match[2]).visit(match[1]).status == 200
    assert login.ends() == 0, login.err
    assert login.err.endswith(f"signed in at {url}: bea may operate, it is renewed\n")
    assert rta("whoami", url).out.startswith("bea may operate, until ")
    assert rta("logout", url).status == 0


# ---- codes


def code_of(issuer: Issuer) -> str:
    """One that the issuer has given for `REDIRECT` and `VERIFIER`."""
    challenge = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    asked = {"client_id": PROGRAM, "response_type": "code", "redirect_uri": REDIRECT, "scope": "openid", "state": "s",
             "resource": AUDIENCE, "code_challenge": challenge, "code_challenge_method": "S256"}  # fmt: skip
    page = FormBrowser(REDIRECT, login="anna").visit(f"{issuer.url}/auth?{urlencode(asked)}")
    return parse_qs(urlsplit(page.url).query)["code"][0]


@pytest.mark.parametrize(
    "other",
    [{"redirect_uri": "http://127.0.0.1:5001/callback"}, {"code_verifier": "w" * 43}, {}],
    ids=["another page", "another verifier", "again"],
)
def test_a_code_counts_once_for_its_page_and_its_verifier(issuer, other):
    right = {
        "grant_type": "authorization_code",
        "code": code_of(issuer),
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    client = IssuerClient(issuer.url, PROGRAM, AUDIENCE)
    if not other:
        assert trio.run(client.send, f"{issuer.url}/token", right)["access_token"]
    with pytest.raises(IssuerRefusal, match="invalid_grant") as caught:
        trio.run(client.send, f"{issuer.url}/token", {**right, **other})
    assert right["code"] not in str(caught.value)
