"""What a request brings to sign in with: the `Authorization` header, or a sub-protocol of a WebSocket. Plain.

Browsers let a page send no header with a WebSocket, but sub-protocols. So a token may be in one, in the form that
Kubernetes uses, and a ticket in another. Neither is ever in a URL, which others keep.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping

from attrs import field, frozen

from rta.auth.tokens import LONGEST_TOKEN
from rta.ports.access import NotAdmitted

__all__ = [
    "KUBERNETES_PROTOCOL",
    "SIGN_IN",
    "TICKET_PROTOCOL",
    "StreamCredentials",
    "bearer_token",
    "stream_credentials",
]

TICKET_PROTOCOL = "rta.ticket."
KUBERNETES_PROTOCOL = "base64url.bearer.authorization.k8s.io."
SIGN_IN = 'Bearer realm="rta"'
"""The challenge for somebody who has brought nothing."""

_ENCODED = (LONGEST_TOKEN * 4 + 2) // 3  # characters


@frozen
class StreamCredentials:
    """What was brought; at most one of both is there."""

    token: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)


def bearer_token(authorization: str) -> str:
    """The token of an `Authorization` header.

    :raises NotAdmitted: it has none.
    """
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _bad("expected the header Authorization: Bearer and a token")
    if len(token) > LONGEST_TOKEN or not token.isascii() or any(mark in token for mark in " ,\t"):
        raise _bad("the token is malformed")
    return token


def stream_credentials(headers: Mapping[str, str]) -> StreamCredentials:
    """Those of a WebSocket's request, by names in lower case.

    :raises NotAdmitted: they are malformed, or there is more than one.
    """
    found: list[StreamCredentials] = []
    if (authorization := headers.get("authorization")) is not None:
        found.append(StreamCredentials(token=bearer_token(authorization)))
    for protocol in map(str.strip, headers.get("sec-websocket-protocol", "").split(",")):
        if protocol.startswith(TICKET_PROTOCOL):
            found.append(StreamCredentials(ticket=protocol[len(TICKET_PROTOCOL) :]))
        elif protocol.startswith(KUBERNETES_PROTOCOL):
            found.append(StreamCredentials(token=_decoded(protocol[len(KUBERNETES_PROTOCOL) :])))
    if len(found) > 1:
        raise _bad("sign in once: there are several tokens or tickets")
    return found[0] if found else StreamCredentials()


def _decoded(text: str) -> str:
    try:
        token = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii") if len(text) <= _ENCODED else ""
    except ValueError:
        token = ""
    return bearer_token(f"Bearer {token}")


def _bad(why: str) -> NotAdmitted:
    return NotAdmitted(401, why, "malformed", f'{SIGN_IN}, error="invalid_request", error_description="{why}"')
