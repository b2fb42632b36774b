"""An OAuth 2 issuer, asked as a client without a secret: its discovery document, and its endpoints.

https, or http of this machine; a redirection is not followed. Each question is asked in a thread, with a time limit.
Sources: OpenID Connect Discovery 1.0; RFC 6749; RFC 8707 (`resource`).
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import trio
from attrs import frozen

from rta.client.base_url import check_base_url
from rta.client.credentials import is_private
from rta.errors import NotConnectedError, RtaError, UnreadableError
from rta.formatting import printable, shown_url
from rta.network_errors import network_reason

__all__ = ["ANSWER", "IssuerClient", "IssuerEndpoints", "IssuerRefusal", "SignInOffer"]

ANSWER = 15.0
"""Seconds for a whole answer, connecting included."""

_LIMIT = 256 << 10  # bytes of an answer
_LONGEST_URL = 2000
_LONGEST_REASON = 300
_SECRETS = ("code", "code_verifier", "device_code", "refresh_token", "token")


class IssuerRefusal(RtaError):
    """The issuer refuses what it was asked for. Quotes nothing that is secret."""

    def __init__(self, error: str, description: str = "") -> None:
        """`error`: the code of RFC 6749, as `access_denied`."""
        said = ": ".join(printable(text[:_LONGEST_REASON]) for text in (error, description) if text)
        super().__init__(f"the issuer refuses: {said}")
        self.error = error


@frozen
class SignInOffer:
    """How one signs in at a service, as it says itself."""

    required: bool = False
    """Whoever has not signed in may do nothing."""
    authority: str | None = None
    """The issuer; None: only static tokens are taken."""
    audience: str | None = None
    client_id: str | None = None
    scopes: tuple[str, ...] = ()
    tokens: bool = False
    """There are static tokens."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Self:
        """Of the answer of `/rta/v2/info`. What is not as it should be counts as not said."""
        about = info.get("auth")
        said: Mapping[str, Any] = about if isinstance(about, dict) else {}
        texts = {key: value for key, value in said.items() if isinstance(value, str) and value}
        scopes = said.get("scopes")
        return cls(
            said.get("required") is True,
            texts.get("authority"),
            texts.get("audience"),
            texts.get("clientId"),
            tuple(s for s in scopes if isinstance(s, str)) if isinstance(scopes, list) else (),
            said.get("tokens") is True,
        )


@frozen
class IssuerEndpoints:
    """Where the issuer is asked for what, as its discovery document has it."""

    issuer: str
    token: str
    authorization: str | None
    device: str | None
    revocation: str | None
    names_itself: bool
    """It says in each answer that comes by the browser who it is. RFC 9207."""


class IssuerClient:
    """An issuer, and what we are called there."""

    def __init__(
        self, authority: str, client_id: str, audience: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """`audience`: whom the token is for. `tls`: instead of the default context.

        :raises RtaError: the authority is no URL of an issuer.
        """
        check_base_url(authority)
        if not is_private(authority):
            raise RtaError(f"the issuer {shown_url(authority)} is not asked in the clear: expected https")
        self.authority = authority
        self.client_id = client_id
        self.audience = audience
        handlers: list[urllib.request.BaseHandler] = [_NoRedirection()]
        if authority.startswith("http:"):
            handlers.append(urllib.request.ProxyHandler({}))
        if tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=tls))
        self._opener = urllib.request.build_opener(*handlers)
        self._opener.addheaders = [("User-Agent", "rta"), ("Accept", "application/json")]

    @property
    def about_us(self) -> dict[str, str]:
        """The fields of every request: who asks, and whom the token is for."""
        fields = {"client_id": self.client_id}
        if self.audience is not None:
            fields["audience"] = self.audience
            if "://" in self.audience:
                fields["resource"] = self.audience
        return fields

    async def endpoints(self) -> IssuerEndpoints:
        """
        :raises NotConnectedError: the issuer does not answer.
        :raises UnreadableError: what it answers is no discovery document of its own.
        """
        status, document = await self.ask(self.authority.rstrip("/") + "/.well-known/openid-configuration", None)
        if status != 200:
            kind = NotConnectedError if status >= 500 else UnreadableError
            raise kind(f"{self.authority} has no discovery document: it answers {status}")
        issuer = document.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.authority.rstrip("/"):
            raise UnreadableError(f"the discovery document of {self.authority} is of another issuer")
        token = _endpoint(document, "token_endpoint")
        if token is None:
            raise UnreadableError(f"the discovery document of {self.authority} has no token_endpoint")
        return IssuerEndpoints(
            issuer,
            token,
            _endpoint(document, "authorization_endpoint"),
            _endpoint(document, "device_authorization_endpoint"),
            _endpoint(document, "revocation_endpoint"),
            document.get("authorization_response_iss_parameter_supported") is True,
        )

    async def send(self, endpoint: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """The good answer to a form with these fields, and those that say who asks.

        :raises IssuerRefusal: it refuses.
        :raises NotConnectedError: it does not answer, or has a fault.
        :raises UnreadableError: it answers with something else.
        """
        status, document = await self.ask(endpoint, urlencode({**self.about_us, **fields}).encode())
        if status < 300:
            return document
        error, description = document.get("error"), document.get("error_description")
        if isinstance(error, str) and status < 500:
            said = description if isinstance(description, str) else ""
            for name in _SECRETS:  # an issuer may quote them
                said = said.replace(fields.get(name) or "\0", "…")
            raise IssuerRefusal(error, said)
        kind = NotConnectedError if status >= 500 else UnreadableError
        raise kind(f"{shown_url(endpoint)} answers {status}")

    async def ask(self, url: str, form: bytes | None) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of any answer; of one that is not good, an empty object where it has none.

        :raises NotConnectedError: there is none.
        :raises UnreadableError: it is too long, or good and no JSON object.
        """
        where = shown_url(url)

        def ask() -> tuple[int, bytes]:
            try:
                with self._opener.open(urllib.request.Request(url, form), timeout=ANSWER) as answer:  # noqa: S310
                    return answer.status, answer.read(_LIMIT + 1)
            except urllib.error.HTTPError as e:
                with e:  # the error is the answer
                    return e.code, e.read(_LIMIT + 1)

        try:
            with trio.fail_after(ANSWER):  # the timeout in the thread is for each read
                status, body = await trio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise NotConnectedError(f"{where} has not answered within {ANSWER:g} s") from None
        except (OSError, ValueError, HTTPException) as e:
            reason = getattr(e, "reason", e)
            why = network_reason(reason) if isinstance(reason, BaseException) else reason
            raise NotConnectedError(f"{where} cannot be reached: {why}") from None
        if len(body) > _LIMIT:
            raise UnreadableError(f"{where} answers with more than {_LIMIT} bytes")
        try:
            document = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if status < 300:
                raise UnreadableError(f"{where} answers with something that is no JSON object")
            document = {}
        return status, document


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """What is sent to an issuer goes nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _endpoint(document: Mapping[str, Any], name: str) -> str | None:
    """:raises UnreadableError: it is none that can be asked."""
    url = document.get(name)
    if url is None:
        return None
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and is_private(url) and parts.port != 0
    except ValueError:
        right = False
    if not right or len(url) > _LONGEST_URL or "@" in parts.netloc or "#" in url or not url.isprintable():
        raise UnreadableError(f"{name} of the issuer is no URL with https, or with http of this machine")
    return str(url)
