"""Which web pages are ours, or allowed: by the `Origin` that a browser says, and the `Host` that it has asked.

A page of another site can give its own name our address. So a host is ours if it is an address, localhost or a
configured name, and no other name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

__all__ = ["Authority", "Origins", "is_known_host", "read_authority"]

Authority = tuple[str, int | None]
"""A host in lower case, and its port; None: the usual one of the scheme."""

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[^\s:@/\[\]?#,]{1,253})(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


class Origins:
    """The origins that may use the service."""

    def __init__(self, allowed: Iterable[str], host: str) -> None:
        """`allowed`: like `https://rta.example.com`. `host`: the configured name of the site."""
        self._allowed = frozenset(filter(None, map(_read_origin, allowed)))
        self._host = host.lower()
        self._names = frozenset(name for _, name, _ in self._allowed)

    def admits(self, origin: str, host: str | None, secure: bool) -> bool:
        """Whether a page of this origin may use us, as far as the origin goes.

        `host`: which host was asked for, as `Host` says it, or for a trusted proxy `X-Forwarded-Host`. `secure`: over
        TLS, here or at that proxy.
        """
        return self.allows(origin) or self.is_ours(origin, host, secure)

    def allows(self, origin: str) -> bool:
        """Whether it is one of those that are configured."""
        return _read_origin(origin) in self._allowed

    def knows(self, host: str) -> bool:
        """Whether a host that was asked for, in lower case, is one by which we are reached: no name that others can
        give us."""
        return is_known_host(host, self._host) or host in self._names

    def is_ours(self, origin: str, host: str | None, secure: bool) -> bool:
        """Whether we have given the page ourselves."""
        asked, theirs = read_authority(host), _read_origin(origin)
        if asked is None or theirs is None or not is_known_host(asked[0], self._host):
            return False
        scheme = "https" if secure else "http"
        return theirs == (scheme, asked[0], _PORTS[scheme] if asked[1] is None else asked[1])


def read_authority(text: str | None) -> Authority | None:
    """What `Host` says; None: it is not there, or malformed."""
    match = _AUTHORITY.fullmatch(text.strip()) if text is not None and len(text) <= 300 else None
    return None if match is None else (match[1].lower(), None if match[2] is None else int(match[2]))


def is_known_host(host: str, configured: str) -> bool:
    """Whether it is an address, localhost or the configured name, in lower case: no name that others can give us."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or (host == configured and bool(host))
    return True


def _read_origin(text: str) -> tuple[str, str, int] | None:
    match = _ORIGIN.fullmatch(text.strip()) if len(text) <= 300 else None
    authority = None if match is None else read_authority(match[2])
    if match is None or authority is None:
        return None
    scheme = match[1].lower()
    return scheme, authority[0], _PORTS[scheme] if authority[1] is None else authority[1]
