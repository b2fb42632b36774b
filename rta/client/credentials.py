"""What a client signs in with at a service: a bearer token, which is renewed in time, and a TLS context.

A token goes to the service that it is for, and to nobody else: over TLS, or on this machine.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeVar
from urllib.parse import urlsplit

import trio
from attrs import field, frozen

from rta.errors import NotConnectedError, RtaError, TransportError
from rta.formatting import shown_url
from rta.loopback import is_loopback_host

__all__ = ["Credentials", "NotAllowed", "NotSignedIn", "Token", "ask_signed_in", "is_private", "why_refused"]

T = TypeVar("T")
Headers = dict[str, str]

_EARLY = 30.0  # seconds before its end that a token is renewed, of one that lasts long enough
_PART = 0.2  # of what is left of it when it comes: so much before its end at most
_RENEWAL = 30.0  # seconds for a new token
_PAUSE = 5.0  # seconds until another try, while the old token still counts
_LONGEST = 500  # characters of a reason
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1


class NotSignedIn(RtaError):
    """The service wants to know who asks, or does not take our token: sign in, or again."""


class NotAllowed(RtaError):
    """We may not do this, whoever we are: says which role is missing."""


@frozen
class Token:
    """A bearer token."""

    text: str = field(repr=False)
    ends: int | None = None
    """When, ns since the Unix epoch; None: nobody has said."""


Renew = Callable[[Token | None], Awaitable[Token]]


class Credentials:
    """Who we are at one service. Any number of tasks may share them."""

    def __init__(
        self,
        renew: Renew | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        insecure: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`renew`: gives a token, at first and each time that the one it is called with is about to end, or is not
        taken any more; the same again where there is no other. It raises `RtaError` if there is none. None: we have
        only what is in `tls`.

        `tls`: instead of the default context: with other authorities, or a certificate of ours. `insecure`: send the
        token in the clear beyond this machine too. `clock`: ns since the Unix epoch.
        """
        self.tls = tls
        self._renew = renew
        self._insecure = insecure
        self._clock = clock
        self._token: Token | None = None
        self._due = -inf
        """When to renew it, ns since the Unix epoch."""
        self._renewing = trio.Lock()

    async def headers(self, base: str) -> Headers:
        """Those that say who asks the service at this base URL.

        :raises RtaError: there is no token, or it would go over the network in the clear.
        """
        if self._renew is None:
            await trio.lowlevel.checkpoint()
            return {}
        if not self._insecure and not is_private(base):
            raise RtaError(f"no token is sent to {shown_url(base)} in the clear: use https, or say insecure")
        async with self._renewing:
            if self._token is None or self._clock() >= self._due:
                await self._renew_with(self._renew)
            assert self._token is not None
            return _bearer(self._token)

    def refuse(self, headers: Headers) -> None:
        """The service does not take these any more."""
        if self._token is not None and headers == _bearer(self._token):
            self._due = -inf

    async def _renew_with(self, renew: Renew) -> None:
        try:
            with trio.fail_after(_RENEWAL):
                token = await renew(self._token)
        except (trio.TooSlowError, TransportError) as e:
            late = isinstance(e, trio.TooSlowError)
            error = NotConnectedError(f"no new token has come within {_RENEWAL:g} s") if late else e
            if self._due == -inf or self._token is None or (self._token.ends or 0) <= self._clock():
                raise error from None
            self._due = self._clock() + _PAUSE * 1e9
            return
        if not _BEARER.fullmatch(token.text):
            raise RtaError("the token is malformed: letters, digits and -._~+/ are what there may be")
        self._token = token
        now = self._clock()
        self._due = inf if token.ends is None else token.ends - min(_EARLY * 1e9, _PART * max(0, token.ends - now))


async def ask_signed_in(credentials: Credentials | None, base: str, ask: Callable[[Headers], Awaitable[T]]) -> T:
    """Ask a service; once more with another token, if there is one, where it does not take ours.

    `ask`: does so with these headers. It raises `NotSignedIn` where they are not right.
    """
    if credentials is None:
        return await ask({})
    headers = await credentials.headers(base)
    try:
        return await ask(headers)
    except NotSignedIn:
        credentials.refuse(headers)
        another = await credentials.headers(base)
        if another == headers:
            raise
    return await ask(another)


def why_refused(status: int, what: str, body: bytes) -> RtaError | None:
    """The error of an answer that refuses us for who we are; None: it does not. `what`: was asked; for the error."""
    said = _said(body) if status in (401, 403) else ""
    if status == 401:
        return NotSignedIn(f"{what} asks who you are" + (f": {said}" if said else ""))
    return NotAllowed(said) if said else None


def _said(body: bytes) -> str:
    """The reason in a problem document, or in a line of text."""
    text = body.decode(errors="replace").strip()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text if text.isprintable() and "<" not in text and len(text) <= _LONGEST else ""
    for name in ("reason", "detail"):
        if isinstance(document, dict) and isinstance(said := document.get(name), str):
            return said
    return ""


def _bearer(token: Token) -> Headers:
    return {"Authorization": f"Bearer {token.text}"}


def is_private(base: str) -> bool:
    """Whether nobody else hears what is sent there."""
    parts = urlsplit(base)
    return is_loopback_host(parts.hostname or "") or parts.scheme in ("https", "wss")
