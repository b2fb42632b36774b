"""Signing in on the command line: once for all commands, and nothing that is secret is said."""

from __future__ import annotations

import io
import json
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from small_issuer import SmallIssuer, SmallService, browse, issuing_here, serving_here

from rta.rsmp.payload import parse_iso

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def issuer() -> Iterator[SmallIssuer]:
    with issuing_here() as issuer:
        yield issuer


@pytest.fixture
def signing(issuer) -> Iterator[SmallService]:
    """A service with that issuer."""
    with serving_here(issuer) as service:
        yield service


@pytest.fixture
def fixed() -> Iterator[SmallService]:
    """A service that takes the static token `rta_right`."""
    with serving_here() as service:
        yield service


@pytest.fixture
def rta(command, tmp_path) -> Command:
    """Run a command whose user's state is in a folder of its own."""
    return lambda *arguments, **environ: command(*arguments, **{"XDG_STATE_HOME": str(tmp_path / "state"), **environ})


@pytest.fixture
def browser(monkeypatch) -> list[str]:
    """The addresses that a browser was opened with."""
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return browse(url)[0] == 200

    monkeypatch.setenv("BROWSER", "some")
    monkeypatch.setattr(webbrowser, "open", open_page)
    return opened


@pytest.fixture
def paste(monkeypatch) -> Callable[[str], None]:
    """Put a text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def kept(folder: Path) -> list[dict[str, object]]:
    """What is kept of sign-ins."""
    return [json.loads(path.read_text()) for path in folder.rglob("signed-in/*.json")]


# ---- by a browser


def test_one_signs_in_by_a_browser_and_every_command_has_the_token(rta, signing, browser):
    status, out, err = rta("login", signing.base)
    assert (status, out) == (0, "")
    assert err.startswith(f"signing in for {signing.base} at {signing.auth['authority']}, as https://rta.test\n")
    assert err.endswith(f"signed in at {signing.base}: alice may read, it is renewed\n")
    assert browser[0] in err
    assert rta("sessions", RTA_URL=signing.base) == (0, "", "no sessions\n")
    assert rta("alarms", "--url", signing.base) == (0, "", "no alarms\n")
    assert rta("whoami", signing.base) == (0, "alice may read\n", "")
    assert {token for path, token in signing.had if path != "/rta/v2/info"} == {"Bearer access-2"}


def test_nothing_secret_is_said(rta, signing, issuer, browser, tmp_path):
    issuer.life = 0  # so that the token is renewed at once
    said = "".join(
        f"{out}{err}" for _, out, err in (rta("login", signing.base), rta("sessions", "--url", signing.base))
    )
    [(_, form)] = [(path, f) for path, f in issuer.asked if f.get("grant_type") == "authorization_code"]
    assert [f for _, f in issuer.asked if f.get("grant_type") == "refresh_token"]
    for secret in ("access-", "refresh-", "code-", form["code_verifier"]):
        assert secret not in said


def test_what_has_ended_is_renewed(rta, signing, issuer, browser, tmp_path):
    issuer.life = 0
    rta("login", signing.base)
    issuer.life = 300
    issuer.valid.clear()
    assert rta("sessions", "--url", signing.base)[0] == 0
    [document] = kept(tmp_path)
    assert (document["token"], document["refresh"]) == ("access-3", "refresh-3")


def test_a_refusal_at_the_issuer_is_said_and_nothing_is_kept(rta, signing, issuer, browser, tmp_path):
    issuer.refuses = "access_denied"
    status, _, err = rta("login", signing.base)
    assert status == 1
    assert err.endswith("rta: the issuer refuses: access_denied: Anna said no\n")
    assert kept(tmp_path) == []


def test_a_token_that_the_service_does_not_take_is_not_kept(rta, signing, browser, tmp_path):
    signing.takes = lambda token: False
    status, _, err = rta("login", signing.base)
    assert status == 1
    assert err.endswith(f"rta: the token is not taken: {signing.base} asks who you are: the token has ended\n")
    assert kept(tmp_path) == []


def test_without_a_browser_another_device_does(rta, signing):
    status, _, err = rta("login", "--device", signing.base)
    assert status == 0
    assert f"open {signing.auth['authority']}/activate on any device, and type in: ABCD-EFGH\n" in err


def test_one_signs_out_here_and_at_the_issuer(rta, signing, issuer, browser, tmp_path):
    rta("login", signing.base)
    assert rta("logout", signing.base) == (0, "", f"signed out at {signing.base}\n")
    assert issuer.revoked == ["refresh-2"]
    assert kept(tmp_path) == []
    assert rta("logout", signing.base) == (0, "", f"nobody was signed in at {signing.base}\n")
    assert rta("sessions", "--url", signing.base) == (1, "", f"rta: sign in first: rta login {signing.base}\n")


def test_one_signs_out_here_although_the_issuer_is_away(rta, signing, issuer, browser, tmp_path):
    rta("login", signing.base)
    issuer.away = True
    status, _, err = rta("logout", signing.base)
    assert status == 0
    assert "the issuer has not taken the token back: " in err
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"required": False}, "nobody has to sign in at {}"),
        ({"required": True, "tokens": True}, "{0} takes static tokens: rta login --token - {0}"),
        (
            {"required": True, "authority": "https://issuer.test"},
            "{} does not say what we are called at its issuer: set auth.client_id there",
        ),
        (
            {"authority": "http://issuer.test", "clientId": "rta"},
            "the issuer http://issuer.test is not asked in the clear: expected https",
        ),
    ],
)
def test_a_service_without_an_issuer_says_what_to_do(rta, fixed, auth, why):
    fixed.auth = auth
    assert rta("login", fixed.base) == (1, "", f"rta: {why.format(fixed.base)}\n")


# ---- static tokens


def test_a_static_token_is_read_from_standard_input(rta, fixed, paste, tmp_path):
    paste("rta_right\n")
    fixed.who["ends"] = "2099-01-02T03:04:05Z"
    status, out, err = rta("login", "--token", "-", fixed.base)
    assert (status, out) == (0, "")
    assert err == f"signed in at {fixed.base}: alice may read, until 2099-01-02 03:04:05Z\n"
    assert kept(tmp_path)[0]["ends"] == int(parse_iso("2099-01-02T03:04:05Z"))
    assert rta("whoami", fixed.base).out == "alice may read, until 2099-01-02 03:04:05Z\n"


@pytest.mark.parametrize("text", ["", "two words\n", "rta_ünd\n"])
def test_what_is_no_token_is_not_quoted(rta, fixed, paste, text):
    paste(text)
    assert rta("login", "--token", "-", fixed.base) == (1, "", "rta: expected one token on a line, and nothing else\n")


def test_a_token_on_the_command_line_is_refused_and_not_said(rta, fixed):
    status, out, err = rta("login", "--token", "rta_right", fixed.base)
    assert (status, out) == (2, "")
    assert "--token - reads the token" in err
    assert "rta_right" not in err
    for name in ("sessions", "tail", "export"):
        status, _, err = rta(name, "--token=rta_right")
        assert (status, "rta_right" in err) == (2, False)


def test_a_token_is_not_sent_in_the_clear(rta, paste):
    paste("rta_right\n")
    refused = rta("login", "--token", "-", "http://rta.example.com")
    assert refused == (1, "", "rta: no token is sent to http://rta.example.com in the clear: use https\n")


# ---- which token


def test_a_file_comes_before_the_variable_and_that_before_what_is_kept(rta, fixed, paste, tmp_path):
    paste("rta_right\n")
    rta("login", "--token", "-", fixed.base)
    (tmp_path / "token").write_text("from_a_file")
    fixed.had.clear()
    fixed.takes = lambda token: True
    rta("sessions", "--url", fixed.base)
    rta("sessions", "--url", fixed.base, RTA_TOKEN="from_a_variable")
    rta("sessions", "--url", fixed.base, "--token-file", tmp_path / "token", RTA_TOKEN="from_a_variable")
    assert [token for _, token in fixed.had] == ["Bearer rta_right", "Bearer from_a_variable", "Bearer from_a_file"]


def test_the_variable_is_no_setting_of_a_site(rta, site):
    checked = rta("check", "--config", site("edge.port = 0"), RTA_TOKEN="rta_secret", RTA_CA_FILE="ca.pem")
    assert checked.status == 0
    assert "TOKEN" not in checked.out + checked.err
    assert "CA_FILE" not in checked.out + checked.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sessions",),
        ("tail",),
        ("export",),
        ("alarms",),
        ("streams",),
        ("streams", "list"),
        ("streams", "start", "car.engine/live"),
        ("whoami",),
    ],
)
def test_every_command_that_asks_a_service_says_how_to_sign_in(rta, fixed, tmp_path, arguments):
    first = f"rta: sign in first: rta login {fixed.base}\n"
    assert rta(*arguments, RTA_URL=fixed.base) == (1, "", first)
    refused = f"rta: {fixed.base} asks who you are: the token has ended; the token is that of "
    assert rta(*arguments, RTA_URL=fixed.base, RTA_TOKEN="rta_wrong") == (1, "", f"{refused}RTA_TOKEN\n")
    path = tmp_path / "token"
    path.write_text("rta_wrong")
    assert rta(*arguments, "--token-file", path, RTA_URL=fixed.base) == (1, "", f"{refused}{path}\n")


def test_a_kept_token_that_is_not_taken_any_more_is_said_to_be(rta, fixed, paste):
    paste("rta_right\n")
    rta("login", "--token", "-", fixed.base)
    fixed.takes = lambda token: False
    again = f"rta: {fixed.base} asks who you are: the token has ended; sign in again: rta login {fixed.base}\n"
    assert rta("sessions", "--url", fixed.base) == (1, "", again)


@pytest.mark.parametrize("options", [("--url", "http://127.0.0.1:1"), ("--token-file", "x"), ("--ca-file", "x")])
def test_what_is_for_a_service_is_not_for_a_node(rta, options):
    for arguments in (("streams", "--node", "dk/cph/tlc-1", *options), ("alarms", "dk/cph/tlc-1", *options)):
        assert rta(*arguments).status == 2


# ---- what one may do


def test_who_may_not_do_it_is_told_what_is_missing(rta, fixed):
    refused = rta("streams", "start", "car.engine/live", "--url", fixed.base, RTA_TOKEN="rta_right")
    assert refused == (1, "", "rta: alice may read; this needs operate\n")


def test_who_one_is_can_be_had_as_json(rta, fixed):
    said = rta("whoami", "--json", fixed.base, RTA_TOKEN="rta_right")
    assert json.loads(said.out) == {"name": "alice", "role": "read", "ends": None}


def test_whoever_has_no_role_is_said_to_have_none(rta, fixed):
    fixed.who["role"] = None
    assert rta("whoami", fixed.base, RTA_TOKEN="rta_right").out == "alice may do nothing\n"
    assert rta("whoami", "--url", fixed.base, RTA_TOKEN="rta_right").out == "alice may do nothing\n"


# ---- TLS


def test_a_service_of_an_authority_of_its_own_is_asked_with_its_certificate(rta, tmp_path):
    authority, client = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client.cert_pem.write_to_path(tmp_path / "client-ca.pem")
    client.issue_cert("anna@example.com").private_key_and_cert_chain_pem.write_to_path(tmp_path / "anna.pem")
    with serving_here(tls=(authority, tmp_path / "client-ca.pem")) as service:
        options = ("--ca-file", tmp_path / "ca.pem", "--cert-file", tmp_path / "anna.pem")
        assert rta("whoami", service.base, *options, RTA_TOKEN="rta_right").out == "alice may read\n"
        assert rta("sessions", "--url", service.base, *options, RTA_TOKEN="rta_right").status == 0
        unknown = rta("whoami", service.base, RTA_TOKEN="rta_right")
        assert unknown.status == 1
        assert "its certificate: " in unknown.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--ca-file", "x.pem"), "ca_file: x.pem: No such file or directory"),
        (("--cert-file", "x.pem"), "cert_file: x.pem: No such file or directory"),
        (("--key-file", "x.pem"), "--key-file: there is no --cert-file that it belongs to"),
    ],
)
def test_files_that_cannot_be_used_are_said(rta, options, why):
    assert rta("whoami", *options) == (1, "", f"rta: {why}\n")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:port", "http://[", "ftp://127.0.0.1", "http://anna:secret@127.0.0.1"]
)
def test_what_is_no_url_is_said_to_be_none(rta, url):
    for arguments in (("login", url), ("logout", url), ("whoami", url), ("sessions", "--url", url)):
        status, out, err = rta(*arguments)
        assert (status, out) == (1, "")
        assert "expected a base URL" in err or "is no base URL" in err
        assert "secret" not in err


# ---- another process


@pytest.mark.processes
def test_a_browser_of_the_system_is_opened(run, issuer, signing, tmp_path):
    script = tmp_path / "browser.py"
    script.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n")
    opened = run("login", signing.base, BROWSER=f"{sys.executable} {script} %s")
    assert opened.status == 0, opened.err
    assert opened.err.endswith("alice may read, it is renewed\n")


@pytest.mark.processes
def test_ctrl_c_while_nobody_has_signed_in_ends_it(start, signing):
    program = start("login", signing.base)
    program.until(lambda: "open this address" in program.err, "the address")
    program.signal(signal.SIGINT)
    assert program.ends() == 130
    assert "Traceback" not in program.err
