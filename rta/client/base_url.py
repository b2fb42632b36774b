"""What a service's base URL may be: where it is, and nothing that could be a secret."""

from __future__ import annotations

from urllib.parse import urlsplit

from rta.errors import RtaError
from rta.formatting import shown_url

__all__ = ["check_base_url"]


def check_base_url(base: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
    """:raises RtaError: it is none. A service has no users and no tokens: the message does not quote them."""
    try:
        parts = urlsplit(base)
        known = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise RtaError("host or port cannot be read: expected a base URL like http://127.0.0.1:8180") from None
    if not known or any(mark in base for mark in "@?#"):
        raise RtaError(f"{shown_url(base)!r} is no base URL like http://127.0.0.1:8180")
