"""Headers that every answer has: what browsers may do with it, and pages of which other origins may read it.

There are no cookies, so nothing is allowed with credentials: a page of an allowed origin brings its own token. Source:
docs/rest.md, "Browsers".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from attrs import frozen
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from rta.auth import SignIn
from rta.rest.access import Access, methods_of

__all__ = ["NO_HEADERS", "AnswerHeaders", "is_preflight", "preflight"]

RawHeaders = list[tuple[bytes, bytes]]

_POLICY = b"content-security-policy"
_ALWAYS: RawHeaders = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_NO_PAGE = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
_OVER_TLS = (b"strict-transport-security", b"max-age=31536000")
_OURS = frozenset(
    (*(name for name, _ in _ALWAYS), _OVER_TLS[0], b"access-control-allow-origin", b"access-control-allow-credentials",
     b"access-control-expose-headers")
)  # fmt: skip
_SHOWN = (
    b"ETag, Retry-After, RTA-Damaged-Chunks, RTA-Flush-Point, RTA-Incomplete, RTA-Lost, RTA-Position, WWW-Authenticate"
)
_PREFLIGHT = {
    "access-control-allow-headers": "Authorization, Content-Type, If-None-Match",
    "access-control-max-age": "600",
    "vary": "Access-Control-Request-Method, Access-Control-Request-Headers",
}


@frozen
class AnswerHeaders:
    """Those of one answer."""

    headers: RawHeaders
    origin: bytes | None = None
    """The allowed origin that asks."""

    @classmethod
    def of(cls, scope: Scope, sign_in: SignIn | None) -> Self:
        """Those of the answer to a request."""
        headers = [*_ALWAYS, _OVER_TLS] if scope.get("scheme") == "https" else _ALWAYS
        return cls(headers, _allowed_origin(scope, sign_in))

    def added_to(self, headers: Iterable[tuple[bytes, bytes]], held: bool) -> RawHeaders:
        """The headers of an answer, in which they are in place of those of another service. `held`: the client has the
        answer already, with most of them."""
        if not self.headers:
            return list(headers)
        found = [h for h in headers if h[0] not in _OURS]
        if not held:
            own_policy = any(name == _POLICY for name, _ in found)
            found += self.headers
            if not own_policy:
                found.append(_NO_PAGE)
        if self.origin is not None:
            found = [h for h in found if h[0] != b"vary"] + [
                (b"access-control-allow-origin", self.origin),
                (b"access-control-expose-headers", _SHOWN),
                (b"vary", b", ".join([*(value for name, value in found if name == b"vary"), b"Origin"])),
            ]
        return found


NO_HEADERS = AnswerHeaders([])


def is_preflight(scope: Scope, sign_in: SignIn | None) -> bool:
    """Whether a browser asks what a page of an allowed origin may do."""
    return (
        scope["method"] == "OPTIONS"
        and "access-control-request-method" in Headers(scope=scope)
        and _allowed_origin(scope, sign_in) is not None
    )


def preflight(calls: Mapping[str, Access]) -> Response:
    """The answer to that."""
    return Response(
        status_code=204, headers={**_PREFLIGHT, "access-control-allow-methods": ", ".join(methods_of(calls))}
    )


def _allowed_origin(scope: Scope, sign_in: SignIn | None) -> bytes | None:
    if sign_in is None:
        return None
    found = [value for name, value in scope["headers"] if name == b"origin"]
    return found[0] if len(found) == 1 and sign_in.origins.allows(found[0].decode("latin-1")) else None
