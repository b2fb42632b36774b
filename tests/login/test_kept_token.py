"""What is kept of a sign-in: for one service and one user; renewed once, by whoever comes first."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from small_issuer import CLIENT, SmallIssuer

from rta.client import Credentials, NotSignedIn, Token
from rta.errors import NotConnectedError, RtaError
from rta.login import FileTokens, IssuerClient, KeptToken, KeptTokens, TokenKeeper
from rta.login.token_answer import end_of_token

SERVICE = "http://127.0.0.1:8180"
SECOND = 1_000_000_000
NOW = 1_000 * SECOND


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def kept_token(issuer: SmallIssuer, keeper: TokenKeeper, *, life: int | None = 300) -> KeptToken:
    """What a sign-in has left behind."""
    answer = issuer.grant()
    token = Token(answer["access_token"], None if life is None else NOW + life * SECOND)
    kept = KeptToken(token, NOW, answer["refresh_token"], issuer.base, CLIENT, "https://rta.test")
    keeper.write(kept)
    return kept


def tokens_of(keeper: TokenKeeper, clock: Clock) -> KeptTokens:
    def issuer_of(kept: KeptToken) -> IssuerClient:
        return IssuerClient(kept.authority or "", kept.client_id or "", kept.audience)

    return KeptTokens(keeper, issuer_of, clock)


@pytest.fixture
def keeper(tmp_path) -> TokenKeeper:
    return TokenKeeper(tmp_path / "state" / "signed-in", SERVICE)


# ---- the file


def test_what_is_kept_comes_back_and_nobody_else_may_read_it(keeper, issuer):
    kept = kept_token(issuer, keeper)
    assert keeper.read() == kept
    assert stat.S_IMODE(keeper.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keeper.path.parent.stat().st_mode) == 0o700
    assert "access-" not in repr(kept)
    assert "refresh-" not in repr(kept)
    keeper.forget()
    assert keeper.read() is None


def test_each_service_has_its_own(tmp_path):
    a, b = TokenKeeper(tmp_path, SERVICE), TokenKeeper(tmp_path, "http://127.0.0.1:8181")
    a.write(KeptToken(Token("a"), NOW))
    b.write(KeptToken(Token("b"), NOW))
    found = [keeper.read() for keeper in (a, b)]
    assert [kept and kept.token.text for kept in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://rta.example.com", "https://RTA.example.com:443/", True),
        ("http://rta.example.com", "https://rta.example.com", False),
        ("https://rta.example.com/a", "https://rta.example.com/b", False),
    ],
)
def test_a_service_is_known_by_where_it_is(tmp_path, one, other, same):
    assert (TokenKeeper(tmp_path, one).path == TokenKeeper(tmp_path, other).path) is same


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 1, "service": "http://127.0.0.1:8180", "token": 1}'])
def test_what_is_damaged_is_said_to_be_and_not_quoted(keeper, text):
    keeper.path.parent.mkdir(parents=True)
    keeper.path.write_text(text)
    with pytest.raises(RtaError, match=r"\.json: it .*; sign in again$"):
        keeper.read()


def test_the_token_of_another_service_is_not_used(tmp_path, keeper):
    other = TokenKeeper(tmp_path, "http://127.0.0.1:1")
    other.write(KeptToken(Token("a"), NOW))
    keeper.path.parent.mkdir(parents=True)
    other.path.rename(keeper.path)
    with pytest.raises(RtaError, match="none that this version keeps for this service"):
        keeper.read()


def test_a_link_is_not_followed(tmp_path, keeper):
    keeper.path.parent.mkdir(parents=True)
    keeper.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RtaError, match="it is a symbolic link"):
        keeper.read()


# ---- renewing


async def test_a_token_that_lasts_is_used_as_it_is(keeper, issuer):
    kept = kept_token(issuer, keeper)
    assert await tokens_of(keeper, Clock()).renew(None) == kept.token
    assert issuer.asked == []


async def test_a_token_that_is_about_to_end_is_renewed_and_both_are_kept(keeper, issuer):
    kept_token(issuer, keeper)
    clock = Clock()
    clock.now += 271 * SECOND
    assert await tokens_of(keeper, clock).renew(None) == Token("access-2", clock.now + 300 * SECOND)
    kept = keeper.read()
    assert kept is not None
    assert (kept.token.text, kept.refresh, kept.audience) == ("access-2", "refresh-2", "https://rta.test")
    [form] = [fields for path, fields in issuer.asked if path == "/token"]
    assert (form["refresh_token"], form["client_id"], form["resource"]) == ("refresh-1", CLIENT, "https://rta.test")


async def test_a_token_that_is_refused_is_renewed_early(keeper, issuer):
    kept = kept_token(issuer, keeper)
    assert (await tokens_of(keeper, Clock()).renew(kept.token)).text == "access-2"


async def test_what_another_command_has_renewed_is_used(keeper, issuer):
    old = kept_token(issuer, keeper).token
    new = kept_token(issuer, keeper).token
    assert await tokens_of(keeper, Clock()).renew(old) == new
    assert issuer.asked == []


async def test_who_asks_at_once_spends_the_refresh_token_once(keeper, issuer):
    """Each as a command has it: with a lock of its own."""
    old = kept_token(issuer, keeper).token
    issuer.delay = 0.1
    got: list[str] = []

    async def ask() -> None:
        got.append((await tokens_of(TokenKeeper(keeper.path.parent, SERVICE), Clock()).renew(old)).text)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    assert got == ["access-2"] * 5
    assert sum(path == "/token" for path, _ in issuer.asked) == 1


async def test_what_has_come_is_kept_although_the_command_is_cancelled(keeper, issuer):
    old = kept_token(issuer, keeper).token
    issuer.delay = 0.2
    with trio.CancelScope() as scope:

        async def cancel_when_asked() -> None:
            while not any(path == "/token" for path, _ in issuer.asked):
                await trio.sleep(0.01)
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel_when_asked)
            await tokens_of(keeper, Clock()).renew(old)
    assert scope.cancel_called
    kept = keeper.read()
    assert kept is not None
    assert kept.refresh == "refresh-2"


async def test_while_the_issuer_is_away_a_token_that_counts_is_used(keeper, issuer):
    kept = kept_token(issuer, keeper)
    issuer.away = True
    clock = Clock()
    clock.now += 290 * SECOND
    assert await tokens_of(keeper, clock).renew(None) == kept.token
    clock.now += 10 * SECOND
    with pytest.raises(NotConnectedError):
        await tokens_of(keeper, clock).renew(None)


async def test_a_refresh_token_that_is_not_taken_is_not_tried_again(keeper, issuer):
    kept = kept_token(issuer, keeper)
    issuer.grant()  # the refresh token counts no more
    clock = Clock()
    clock.now += 290 * SECOND
    tokens = tokens_of(keeper, clock)
    assert await tokens.renew(None) == kept.token
    clock.now += 10 * SECOND
    with pytest.raises(NotSignedIn, match=r"^the token has ended$"):
        await tokens.renew(None)
    assert sum(path == "/token" for path, _ in issuer.asked) == 1


async def test_an_ended_sign_in_says_why_and_quotes_nothing(keeper, issuer):
    kept_token(issuer, keeper)
    issuer.grant()
    clock = Clock()
    clock.now += 300 * SECOND
    with pytest.raises(NotSignedIn, match=r"^the issuer refuses: invalid_grant: … was used$"):
        await tokens_of(keeper, clock).renew(None)


async def test_a_static_token_has_no_next_one(keeper):
    keeper.write(KeptToken(Token("rta_a", NOW + 10 * SECOND), NOW))
    clock = Clock()
    tokens = tokens_of(keeper, clock)
    assert (await tokens.renew(Token("rta_a"))).text == "rta_a"
    clock.now += 10 * SECOND
    with pytest.raises(NotSignedIn, match=r"^the token has ended$"):
        await tokens.renew(None)


async def test_whoever_has_signed_out_is_told(keeper):
    with pytest.raises(NotSignedIn, match=r"^you have signed out$"):
        await tokens_of(keeper, Clock()).renew(None)


_HOLD = """
import sys, trio
from pathlib import Path
from rta.login import TokenKeeper
trio.run(TokenKeeper(Path(sys.argv[1]), sys.argv[2]).acquire)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(keeper) -> Iterator[None]:
    """Another process that has the lock, and does nothing."""
    arguments = [sys.executable, "-c", _HOLD, str(keeper.path.parent), SERVICE]
    other = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    yield
    other.communicate()


@pytest.mark.processes
async def test_another_process_that_renews_is_waited_for_but_not_for_ever(keeper, holder, autojump_clock):
    with pytest.raises(NotConnectedError, match="does not come to an end"):
        await keeper.acquire()


async def test_a_lock_ends_with_its_descriptor(keeper):
    os.close(await keeper.acquire())
    os.close(await keeper.acquire())


# ---- a file


async def test_a_file_is_read_again_after_a_minute(tmp_path: Path):
    path, clock = tmp_path / "token", Clock()
    path.write_text("first\n")
    credentials = Credentials(FileTokens(path, clock).renew, clock=clock)
    assert await credentials.headers(SERVICE) == {"Authorization": "Bearer first"}
    path.write_text("second\n")
    assert await credentials.headers(SERVICE) == {"Authorization": "Bearer first"}
    clock.now += 60 * SECOND
    assert await credentials.headers(SERVICE) == {"Authorization": "Bearer second"}


async def test_a_pipe_is_read_once(tmp_path: Path):
    reading, writing = os.pipe()
    os.write(writing, b"once")
    os.close(writing)
    tokens = FileTokens(Path(f"/dev/fd/{reading}"), Clock())
    token = await tokens.renew(None)
    assert (await tokens.renew(token)).text == "once"
    os.close(reading)


@pytest.mark.parametrize("text", ["", "two words", "x" * 20_000])
async def test_a_file_without_a_token_is_said_and_not_quoted(tmp_path: Path, text):
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(RtaError) as caught:
        await FileTokens(path, Clock()).renew(None)
    assert str(caught.value) == f"{path}: expected one token, and nothing else"


def test_a_token_may_say_when_it_ends():
    assert end_of_token("rta_x") is None
    assert end_of_token("a.b.c") is None
    assert end_of_token("e30.eyJleHAiOiAxMDAwfQ.x") == NOW
    assert end_of_token("e30.eyJleHAiOiAxZTk5fQ.x") is None
