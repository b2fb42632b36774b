"""`rta token`."""

from __future__ import annotations

import json
import os

import pytest

from rta.auth.static_tokens import read_tokens, token_digest


@pytest.fixture
def token(command, tmp_path):
    (tmp_path / "site.toml").write_text('[site]\nstate_dir = "state"\n')
    return lambda *arguments: command("token", *arguments, "--config", tmp_path / "site.toml")


def test_a_token_is_printed_once_and_kept_as_a_hash(token, tmp_path):
    added = token("add", "ops", "--role", "operate", "--until", "90d")
    text = added.out.strip()
    file = tmp_path / "state" / "tokens.json"
    assert (added.status, len(text)) == (0, 47)
    assert added.err == f"this is shown once; {file} has its hash alone\n"
    [kept] = read_tokens(file).tokens
    assert (kept.name, kept.hash, kept.until - kept.made) == ("ops", token_digest(text).hex(), 90 * 86400 * 10**9)
    for where in (file.read_text(), token("list").out, token("list", "--json").out):
        assert text not in where
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_tokens_that_root_makes_are_the_users_of_the_service(token, command, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 4321, 8765)
    token("add", "ops", "--role", "read")
    file = state / "tokens.json"
    assert (file.stat().st_uid, file.stat().st_gid) == (4321, 8765)
    os.chown(file, 0, 0)
    checked = command("check", "--config", tmp_path / "site.toml")
    assert checked.status == 0
    assert f"warning: {file} belongs to root, and its folder to user 4321: `chown 4321:8765 {file}`" in checked.err


def test_tokens_are_listed_and_revoked_by_their_names(token):
    assert token("list").err == "no tokens\n"
    for name, role in (("ops", "operate"), ("anna@example.com", "administer")):
        token("add", name, "--role", role)
    listed = [json.loads(line) for line in token("list", "--json").out.splitlines()]
    assert [(one["name"], one["role"], one["until"]) for one in listed] == [
        ("anna@example.com", "administer", None),
        ("ops", "operate", None),
    ]
    assert token("list").out.splitlines()[0].split() == ["name", "role", "until", "made"]
    assert token("revoke", "ops").status == 0
    assert token("revoke", "ops").err == "rta: there is no token 'ops'; `rta token list` lists them\n"
    assert len(token("list", "--json").out.splitlines()) == 1


def test_a_name_is_there_once(token):
    token("add", "ops", "--role", "read")
    again = token("add", "ops", "--role", "read")
    assert (again.status, again.out) == (1, "")
    assert "there is a token 'ops' already" in again.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "a b", "--role", "read"),
        ("add", "", "--role", "read"),
        ("add", "ops", "--role", "root"),
        ("add", "ops"),
        ("add", "ops", "--role", "read", "--until", "soon"),
        ("add", "ops", "--role", "read", "--until", "2020-01-01T00:00:00Z"),
        ("add", "ops", "--role", "read", "--until", "1000000d"),
    ],
)
def test_what_cannot_be_is_refused(token, tmp_path, arguments):
    refused = token(*arguments)
    assert (refused.status, refused.out) == (2, "")
    assert not (tmp_path / "state").exists()


def test_a_damaged_file_is_said_and_stays(token, tmp_path):
    (tmp_path / "state").mkdir()
    file = tmp_path / "state" / "tokens.json"
    file.write_text("{")
    for arguments in (("add", "ops", "--role", "read"), ("list",), ("revoke", "ops")):
        found = token(*arguments)
        assert (found.status, found.out) == (1, "")
        assert found.err.startswith(f"rta: {file}: it is no JSON")
    assert file.read_text() == "{"
