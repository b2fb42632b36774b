"""Who may change something over HTTP, as long as there is no authentication: programs on this machine.

A web page in a browser on this machine may not, whatever site it comes from and whatever name that site gives to our
address. A proxy on this machine may not either, since it speaks for others. It is recognised by the headers that
proxies add; a proxy that adds none cannot be told from a program.

Source: docs/streams.md, "HTTP".
"""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.types import Scope

__all__ = ["client_address", "is_json", "why_no_changes"]

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]+)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_PORTS = {"http": "80", "https": "443"}
_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def client_address(scope: Scope) -> str:
    """The address at the other end of the connection; empty where it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def why_no_changes(scope: Scope, host: str) -> str | None:
    """Why a request may change nothing; None: it may. `host`: the configured name of the site."""
    headers = Headers(scope=scope)
    if not _is_loopback(client_address(scope)):
        return "changes are taken from this machine only, over its loopback address"
    if any(name in headers for name in _OF_PROXIES):
        return "changes are taken from this machine only, and not through a proxy"
    asked = _authority(headers.getlist("host"))
    if asked is None or not (_is_address(asked[0]) or asked[0] in ("localhost", host.lower())):
        return "changes are taken at an address, as localhost or by the name in edge.host, not by any other name"
    if not all(_is_ours(origin, asked) for origin in headers.getlist("origin")):
        return "changes are not taken from pages of other sites"
    return None


def is_json(scope: Scope) -> bool:
    """Whether the request says that its body is JSON; a page of another site may say so only if we allow it first."""
    kinds = Headers(scope=scope).getlist("content-type")
    return len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == "application/json"


def _is_ours(origin: str, asked: tuple[str, str | None]) -> bool:
    match = _ORIGIN.fullmatch(origin.strip())
    theirs = _authority([match[2]]) if match is not None else None
    if match is None or theirs is None:
        return False
    usual = _PORTS[match[1]]
    return (theirs[0], theirs[1] or usual) == (asked[0], asked[1] or usual)


def _authority(values: list[str]) -> tuple[str, str | None] | None:
    """The host in lower case, and the port if there is one; None: it is malformed, or not there exactly once."""
    match = _AUTHORITY.fullmatch(values[0].strip()) if len(values) == 1 else None
    return None if match is None else (match[1].lower(), match[2])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback
