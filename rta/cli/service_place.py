"""Which service a command asks, and as whom: what options and environment say, and what is kept of a sign-in."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from rta.client import Credentials, NotAllowed, NotSignedIn, RestClient, Token
from rta.client.rest import ANSWER
from rta.config.archive import user_state_dir
from rta.errors import RtaError, UnreadableError
from rta.login import FileTokens, IssuerClient, KeptToken, KeptTokens, TokenKeeper, given_token
from rta.network_errors import network_reason
from rta.ports.tls import ClientTlsOptions, client_context

__all__ = ["TOKEN_VARIABLE", "ServicePlace", "Whoami", "who_asks"]

TOKEN_VARIABLE = "RTA_TOKEN"  # noqa: S105  # its name

_FOLDER = "signed-in"
_EXPLAINING = 5.0  # seconds to find out who we are, to explain a refusal
_MISSING = re.compile(r"\bthe role (read|operate|administer) is missing\b")


@frozen
class Whoami:
    """Who we are at a service, as it says."""

    name: str
    """Empty: nobody has signed in."""
    role: str | None
    """None: they may do nothing."""
    ends: str | None
    """ISO 8601; None: not by itself."""

    def __str__(self) -> str:
        return f"{self.name or 'whoever has not signed in'} may {self.role or 'do nothing'}"


@frozen
class ServicePlace:
    """A service, and how we show it who we are."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def client(self, timeout: float = ANSWER) -> RestClient:
        """What asks it, as whoever we are. `timeout`: seconds for an answer.

        :raises RtaError: the URL, a file or what is kept cannot be used.
        """
        tls, renew = self._tls(), self._source()
        return RestClient(self.url, timeout, Credentials(renew, tls=tls) if renew or tls else None)

    def client_with(self, token: Token | None) -> RestClient:
        """What asks it with this token, or none. Raises what `client` raises."""

        async def renew(_: Token | None) -> Token:
            assert token is not None
            await trio.lowlevel.checkpoint()
            return token

        tls = self._tls()
        return RestClient(
            self.url, credentials=Credentials(renew if token else None, tls=tls) if token or tls else None
        )

    def keeper(self) -> TokenKeeper:
        """Where the token for this service is kept.

        :raises RtaError: there is no such place.
        """
        folder = user_state_dir(os.environ)
        if folder is None:
            raise RtaError("there is no place for tokens: set HOME or XDG_STATE_HOME")
        return TokenKeeper(folder / _FOLDER, self.url)

    def issuer(self, authority: str, client_id: str, audience: str | None) -> IssuerClient:
        """The issuer of its tokens. It may be of the service's authority, or of one that the system knows; it does not
        get our certificate.

        :raises RtaError: it can be none.
        """
        context = None
        if self.ca_file is not None:
            context = ssl.create_default_context()
            try:
                context.load_verify_locations(self.ca_file)
            except (OSError, ValueError) as e:
                raise UnreadableError(f"ca_file: {self.ca_file}: {network_reason(e)}") from None
        return IssuerClient(authority, client_id, audience, context)

    def issuer_of(self, kept: KeptToken) -> IssuerClient:
        """The issuer that has given a token.

        :raises NotSignedIn: none has.
        """
        if kept.authority is None or kept.client_id is None:
            raise NotSignedIn("no issuer has given the token")
        return self.issuer(kept.authority, kept.client_id, kept.audience)

    @contextmanager
    def refusals_explained(self) -> Iterator[None]:
        """What the service refuses for who we are is said with what to do about it.

        :raises NotSignedIn: it wants to know who asks.
        :raises NotAllowed: we may not do this.
        """
        try:
            yield
        except NotSignedIn as e:
            raise NotSignedIn(self._how_to_sign_in(e)) from None
        except NotAllowed as e:
            raise NotAllowed(self._what_is_missing(e)) from None

    def _source(self) -> Callable[[Token | None], Any] | None:
        """What gives our token: the first that there is of a file, the environment, and what is kept."""
        if self.token_file is not None:
            return FileTokens(self.token_file, time.time_ns).renew
        if text := os.environ.get(TOKEN_VARIABLE, ""):
            return _given(text)
        if user_state_dir(os.environ) is None or (keeper := self.keeper()).read() is None:
            return None
        return KeptTokens(keeper, self.issuer_of, time.time_ns).renew

    def _how_to_sign_in(self, error: NotSignedIn) -> str:
        if self.token_file is not None:
            return f"{error}; the token is that of {self.token_file}"
        if os.environ.get(TOKEN_VARIABLE):
            return f"{error}; the token is that of {TOKEN_VARIABLE}"
        if self._source() is None:
            return f"sign in first: rta login {self.url}"
        return f"{error}; sign in again: rta login {self.url}"

    def _what_is_missing(self, error: NotAllowed) -> str:
        match = _MISSING.search(str(error))
        if match is None:
            return str(error)
        try:
            return f"{trio.run(who_asks, self.client(_EXPLAINING))}; this needs {match[1]}"
        except RtaError:
            return str(error)

    def _tls(self) -> ssl.SSLContext | None:
        """:raises UnreadableError: a file is not as it should be."""
        if (self.ca_file, self.cert_file, self.key_file) == (None, None, None):
            return None
        if self.cert_file is None and self.key_file is not None:
            raise UnreadableError("--key-file: there is no --cert-file that it belongs to")
        options = ClientTlsOptions(ca_file=self.ca_file, cert_file=self.cert_file, key_file=self.key_file)
        return client_context(options, Path())


async def who_asks(rest: RestClient) -> Whoami:
    """Raises what `RestClient.call` raises."""
    document = await rest.call("GET", "/rta/v2/whoami")
    name, role, ends = (v if isinstance(v := document.get(key), str) else None for key in ("name", "role", "ends"))
    return Whoami(name or "", role, ends)


def _given(text: str) -> Callable[[Token | None], Any]:
    async def renew(_: Token | None) -> Token:
        await trio.lowlevel.checkpoint()
        return given_token(text)

    return renew
