"""A bearer token of the issuer becomes a subject, or is refused. Plain: keys and time are given.

Nothing here quotes a token or what is in it: what it says is not known to be true before its signature is.

Source: RFC 7519, section 4.1 (claims); RFC 7515, section 4.1 (heads); RFC 9068, section 4 (`at+jwt`).
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from attrs import frozen
from jwt.algorithms import get_default_algorithms

from rta.auth.key_set import LONGEST_KID, KeySet
from rta.auth.roles import RoleRules, role_of_claims
from rta.formatting import printable
from rta.ports.access import NotAdmitted, Subject

__all__ = ["LONGEST_TOKEN", "TokenRules", "UnknownKey", "refuse_token", "verify"]

LONGEST_TOKEN = 16 << 10  # characters
_LONGEST_HEAD = 2048  # characters
_LONGEST_NAME = 200  # characters
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TYPES = ("jwt", "at+jwt", "application/at+jwt", "application/jwt")
_NOT_UNDERSTOOD = ("crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc")
_YEAR_10000 = 253_402_300_800  # s since the Unix epoch
_SECOND = 1_000_000_000  # ns
_ALGORITHMS = get_default_algorithms()


class UnknownKey(NotAdmitted):
    """The token names a key that is not in the key set. The issuer may have a newer one."""


@frozen
class TokenRules:
    """What a token must be like."""

    audience: str
    algorithms: frozenset[str]
    leeway: int
    """ns"""
    roles: RoleRules


def refuse_token(why: str, reason: str, kind: type[NotAdmitted] = NotAdmitted) -> NotAdmitted:
    """The error for a token that is not right. `why` quotes nothing of it."""
    return kind(401, why, reason, f'Bearer realm="rta", error="invalid_token", error_description="{why}"')


def verify(token: str, keys: KeySet, rules: TokenRules, now: int) -> Subject:
    """Who has this token. `now`: ns since the Unix epoch.

    :raises UnknownKey: its key is not in the key set.
    :raises NotAdmitted: it is not right.
    """
    if len(token) > LONGEST_TOKEN:
        raise refuse_token(f"the token has more than {LONGEST_TOKEN} characters", "malformed")
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise refuse_token("the token is malformed", "malformed")
    head, payload, signature = parts.groups()
    algorithm, kid = _read_head(head, rules)
    key = keys.keys.get((kid, algorithm))
    if key is None:
        if kid is not None and keys.knows(kid):
            raise refuse_token("the token's key is not for its algorithm", "algorithm")
        raise refuse_token("the token's key is not known", "unknown_key", UnknownKey)
    # The parts of PyJWT that do this look at each character of the token in Python: wrong tokens are to cost little.
    if not _ALGORITHMS[algorithm].verify(f"{head}.{payload}".encode(), key, _decoded(signature)):
        raise refuse_token("the token's signature is wrong", "signature")
    return _read_claims(_object(_decoded(payload), "the token has no claims"), keys, rules, now)


def _read_head(text: str, rules: TokenRules) -> tuple[str, str | None]:
    """Algorithm and key id."""
    if len(text) > _LONGEST_HEAD:
        raise refuse_token("the token is malformed", "malformed")
    head = _head_of(text)
    if any(name in head for name in _NOT_UNDERSTOOD):
        raise refuse_token("the token's head asks for what is not taken", "head")
    algorithm, kind, kid = head.get("alg"), head.get("typ", "JWT"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in rules.algorithms:
        raise refuse_token("the token's algorithm is not taken", "algorithm")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refuse_token("the token is of another type", "type")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= LONGEST_KID):
        raise refuse_token("the token's key id is malformed", "malformed")
    return algorithm, kid


@lru_cache(maxsize=64)  # an issuer gives all its tokens the same few
def _head_of(text: str) -> Mapping[str, Any]:
    return _object(_decoded(text), "the token is malformed")


def _read_claims(claims: dict[str, Any], keys: KeySet, rules: TokenRules, now: int) -> Subject:
    if claims.get("iss") != keys.issuer:
        raise refuse_token("the token is of another issuer", "issuer")
    audience = claims.get("aud")
    if audience != rules.audience and not (isinstance(audience, list) and rules.audience in audience):
        raise refuse_token("the token is for another audience", "audience")
    ends = _time(claims, "exp")
    if ends is None:
        raise refuse_token("the token does not say when it ends", "malformed")
    if now >= ends + rules.leeway:
        raise refuse_token("the token has ended", "ended")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and now < begins - rules.leeway:
            raise refuse_token("the token does not count yet", "early")
    return Subject(_name(claims), role_of_claims(claims, rules.roles), ends + rules.leeway)


def _time(claims: dict[str, Any], name: str) -> int | None:
    """ns since the Unix epoch."""
    value = claims.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < _YEAR_10000:  # no NaN either
        raise refuse_token("the token has a time that is none", "malformed")
    return int(value) * _SECOND + int(math.modf(value)[0] * _SECOND)


def _name(claims: dict[str, Any]) -> str:
    """The issuer's own id of somebody, which is never given to others, and what people call them."""
    known = (claims.get(name) for name in ("sub", "client_id", "azp"))
    identity = next((text for text in known if isinstance(text, str) and text), "unnamed")
    called = next((c for n in ("preferred_username", "email") if isinstance(c := claims.get(n), str) and c), identity)
    return _short(identity) if called == identity else f"{_short(called)} ({_short(identity)})"


def _short(text: str) -> str:
    return printable(text[:_LONGEST_NAME])[:_LONGEST_NAME]


def _decoded(text: str) -> bytes:
    """A part of a token. Base64 in the one spelling that there is, so that nobody can write a token in several ways."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    if urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise refuse_token("the token is malformed", "malformed")
    return data


def _object(text: bytes, otherwise: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refuse_token(otherwise, "malformed")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError("it is no JSON")
