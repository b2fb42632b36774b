"""Where a token comes from, each time that one is wanted: a file, a text, or what is kept and renewed at the issuer.

What stands here is what `rta.client.Credentials` calls to renew a token.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import trio
from attrs import evolve, frozen

from rta.client import NotSignedIn, Token
from rta.errors import NotConnectedError, RtaError, TransportError
from rta.login.issuer import ANSWER, IssuerClient, IssuerRefusal
from rta.login.kept_token import KeptToken, TokenKeeper
from rta.login.token_answer import end_of_token, read_grant

__all__ = ["FileTokens", "KeptTokens", "given_token"]

_AGAIN = 60 * 10**9  # ns after which a file is read again
_LONGEST = 16 << 10  # bytes of a file

Clock = Callable[[], int]


def given_token(text: str) -> Token:
    """A token that somebody has given as a text."""
    return Token(text.strip(), end_of_token(text.strip()))


@frozen
class FileTokens:
    """A file that somebody else keeps up to date."""

    path: Path
    clock: Clock
    """ns since the Unix epoch."""

    async def renew(self, old: Token | None) -> Token:
        """What the file has now; it is read again after a minute at most, and when the service does not take it.

        :raises RtaError: it has no token.
        """
        text = await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        if not text and old is not None:  # a pipe, which can be read once
            return old
        if not text or len(text) > _LONGEST or len(text.split()) != 1:
            raise RtaError(f"{self.path}: expected one token, and nothing else")
        read = given_token(text)
        again = self.clock() + _AGAIN
        return evolve(read, ends=again if read.ends is None else min(read.ends, again))

    def _read(self) -> str:
        try:
            with self.path.open("rb") as file:
                return file.read(_LONGEST + 1).decode("ascii", "replace").strip()
        except OSError as e:
            raise RtaError(f"{self.path}: {e.strerror}") from None


@frozen
class KeptTokens:
    """What is kept of a sign-in. Commands that run at once renew it once: a refresh token may count only once."""

    keeper: TokenKeeper
    issuer: Callable[[KeptToken], IssuerClient]
    """Whoever has given it."""
    clock: Clock
    """ns since the Unix epoch."""

    async def renew(self, old: Token | None) -> Token:
        """The token that is kept, or the next one.

        :raises NotSignedIn: there is none any more.
        :raises NotConnectedError: the issuer does not answer.
        :raises RtaError: it cannot be read, or kept.
        """
        kept = await self._read()
        if not self._is_due(kept, old):
            return kept.token
        if kept.refresh is None:
            return self._still(kept, "the token has ended")
        lock = await self.keeper.acquire()
        try:
            kept = await self._read()
            if kept.refresh is None or not self._is_due(kept, old):  # somebody else was faster
                return self._still(kept, "the token has ended")
            return await self._renewed(kept, kept.refresh, old)
        finally:
            os.close(lock)

    async def _read(self) -> KeptToken:
        kept = await trio.to_thread.run_sync(self.keeper.read, abandon_on_cancel=True)
        if kept is None:
            raise NotSignedIn("you have signed out")
        return kept

    def _is_due(self, kept: KeptToken, old: Token | None) -> bool:
        """Whoever asks with a token that they have, has found that it is about to end or is not taken."""
        return kept.is_due(self.clock()) or (old is not None and old.text == kept.token.text)

    def _still(self, kept: KeptToken, why: str) -> Token:
        if not kept.counts(self.clock()):
            raise NotSignedIn(why)
        return kept.token

    async def _renewed(self, kept: KeptToken, refresh: str, old: Token | None) -> Token:
        """What has come for a refresh token has to be kept, whatever ends the command: the old one counts no more. So
        it is done by a task of its own, which neither cancelling nor Ctrl-C breaks off."""
        done: list[KeptToken] = []
        failed: list[RtaError] = []

        async def exchange() -> None:
            try:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 2 * ANSWER):
                    done.append(await self._exchanged(kept, refresh))
            except RtaError as e:
                failed.append(e)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(exchange)
        if done:
            return done[0].token
        error = failed[0] if failed else NotConnectedError("the issuer does not answer in time")
        if isinstance(error, IssuerRefusal) and error.error == "invalid_grant":
            await trio.to_thread.run_sync(self.keeper.write, evolve(kept, refresh=None))
            return self._still(kept, str(error))
        if isinstance(error, TransportError) and old is None and kept.counts(self.clock()):
            return kept.token
        raise error

    async def _exchanged(self, kept: KeptToken, refresh: str) -> KeptToken:
        issuer = self.issuer(kept)
        endpoints = await issuer.endpoints()
        fields = {"grant_type": "refresh_token", "refresh_token": refresh}
        granted = read_grant(await issuer.send(endpoints.token, fields), self.clock())
        new = evolve(kept, token=granted.token, made=self.clock(), refresh=granted.refresh or refresh)
        await trio.to_thread.run_sync(self.keeper.write, new)
        return new
