"""What an issuer gives: the answer of its token endpoint, and what can be read in a token without its keys.

Whether a token is right is for whoever takes it to find out. Sources: RFC 6749, 5.1; OpenID Connect Core 1.0, 3.1.3.7.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from math import isfinite
from typing import Any

from attrs import field, frozen

from rta.client import Token
from rta.errors import UnreadableError

__all__ = ["GrantedToken", "check_id_token", "end_of_token", "read_grant"]

_LONGEST = 16 << 10  # characters of a token
_LATEST = 1 << 62  # ns since the Unix epoch
_SECOND = 1_000_000_000  # ns


@frozen
class GrantedToken:
    """What somebody has who has signed in."""

    token: Token
    refresh: str | None = field(default=None, repr=False)
    """What the next token is had for; None: one has to sign in again."""
    id_token: str | None = field(default=None, repr=False)


def read_grant(answer: Mapping[str, Any], now: int) -> GrantedToken:
    """A good answer of a token endpoint. `now`: ns since the Unix epoch.

    :raises UnreadableError: it is none.
    """
    token = _text(answer, "access_token")
    if token is None:
        raise UnreadableError("the issuer answers without a token")
    kind = answer.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise UnreadableError("the issuer gives a token that is no bearer token")
    life = answer.get("expires_in")
    try:
        seconds = None if life is None or isinstance(life, bool) else float(life)
    except (TypeError, ValueError):
        seconds = None
    if seconds is None or not isfinite(seconds) or seconds < 0:
        ends = end_of_token(token)
    else:
        ends = min(now + round(seconds * _SECOND), _LATEST)
    return GrantedToken(Token(token, ends), _text(answer, "refresh_token"), _text(answer, "id_token"))


def check_id_token(text: str, issuer: str, client_id: str, nonce: str) -> None:
    """That it is of this issuer, for us, and of this sign-in. It has come from the issuer itself, so that its signature
    says nothing more.

    :raises UnreadableError: it is not.
    """
    claims = _claims(text)
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer or client_id not in meant:
        raise UnreadableError("the issuer's identity token is for somebody else")
    if claims.get("nonce") != nonce:
        raise UnreadableError("the issuer's identity token is of another sign-in")


def end_of_token(text: str) -> int | None:
    """When a token ends by what it says itself, ns since the Unix epoch; None: it does not say."""
    try:
        ends = _claims(text).get("exp")
    except UnreadableError:
        return None
    if isinstance(ends, bool) or not isinstance(ends, int | float) or not 0 <= ends < _LATEST / _SECOND:
        return None
    return round(ends * _SECOND)


def _claims(text: str) -> dict[str, Any]:
    """:raises UnreadableError: it is no signed JWT."""
    parts = text.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) if len(parts) == 3 else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise UnreadableError("the token cannot be read")
    return claims


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        return None
    if len(value) > _LONGEST:
        raise UnreadableError(f"the issuer gives a token of more than {_LONGEST} characters")
    return value
