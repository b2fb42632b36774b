"""Signing in by a browser: the authorization code flow, with PKCE, to a port of this machine.

Sources: RFC 6749, 4.1; RFC 7636; RFC 8252; OpenID Connect Core 1.0, 3.1.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import trio
from attrs import field, frozen

from rta.errors import RtaError, first_error
from rta.login.callback import Callback
from rta.login.issuer import IssuerClient, IssuerEndpoints
from rta.login.token_answer import GrantedToken, check_id_token, read_grant
from rta.network_errors import network_reason

__all__ = ["CodeRequest", "sign_in_by_browser"]

_PATIENCE = 300.0  # seconds for somebody to sign in
_GOODBYE = 2.0  # seconds for the browser to fetch the page that stays
_BITS = 256
_OFFLINE = "offline_access"

Random = Callable[[int], bytes]


@frozen
class CodeRequest:
    """What one sign-in is known by. Each is used once."""

    verifier: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)

    @classmethod
    def made(cls, random: Random) -> CodeRequest:
        """`random`: gives so many bytes."""
        return cls(*(_text(random(_BITS // 8)) for _ in range(3)))

    def address(self, issuer: IssuerClient, endpoint: str, redirect: str, scopes: Sequence[str]) -> str:
        """Where one signs in."""
        fields = {
            **issuer.about_us,
            "response_type": "code",
            "redirect_uri": redirect,
            "scope": " ".join(scopes),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": _text(sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if _OFFLINE in scopes:  # without it an issuer need not give a refresh token: OpenID Connect Core 1.0, 11
            fields["prompt"] = "consent"
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}"


async def sign_in_by_browser(
    issuer: IssuerClient,
    scopes: Sequence[str],
    show: Callable[[str], Awaitable[Any]],
    random: Random,
    clock: Callable[[], int],
) -> GrantedToken:
    """Let somebody sign in. `show`: brings them to this address. `random`: gives so many bytes. `clock`: ns since the
    Unix epoch.

    :raises IssuerRefusal: they have not, or the issuer does not give a token for it.
    :raises NotConnectedError: the issuer does not answer.
    :raises RtaError: nobody has come back in time, or the issuer's answer is not right.
    """
    endpoints = await issuer.endpoints()
    if endpoints.authorization is None:
        raise RtaError(f"{issuer.authority} has no page to sign in at")
    request = CodeRequest.made(random)
    try:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    except OSError as e:
        raise RtaError(f"no port of this machine can be had for the answer: {network_reason(e)}") from None
    host, port = listeners[0].socket.getsockname()[:2]
    callback = Callback(f"{host}:{port}", request.state, endpoints.issuer, endpoints.names_itself)
    address = request.address(issuer, endpoints.authorization, callback.url, scopes)
    granted: list[GrantedToken] = []
    error: RtaError | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.serve_listeners, callback.serve, listeners))
            nursery.start_soon(show, address)
            with trio.move_on_after(_PATIENCE):
                await callback.answered.wait()
            if not callback.answered.is_set():
                raise RtaError(f"nobody has signed in within {_PATIENCE:g} s")
            try:
                granted.append(await _exchange(issuer, endpoints, callback, request, clock))
            finally:
                with trio.move_on_after(_GOODBYE):
                    await callback.shown.wait()
            nursery.cancel_scope.cancel()
    except* RtaError as group:
        error = first_error(group)
    if error is not None:
        raise error
    return granted[0]


async def _exchange(
    issuer: IssuerClient,
    endpoints: IssuerEndpoints,
    callback: Callback,
    request: CodeRequest,
    clock: Callable[[], int],
) -> GrantedToken:
    fields = {
        "grant_type": "authorization_code",
        "code": callback.code(),
        "redirect_uri": callback.url,
        "code_verifier": request.verifier,
    }
    granted = read_grant(await issuer.send(endpoints.token, fields), clock())
    if granted.id_token is not None:
        check_id_token(granted.id_token, endpoints.issuer, issuer.client_id, request.nonce)
    return granted


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
