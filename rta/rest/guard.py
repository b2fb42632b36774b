"""What a request may not do because of where it comes from.

Without sign-in, programs on this machine may change something, and nobody else. A web page in a browser on this machine
may not, whatever site it comes from and whatever name that site gives to our address; by such a name it may not even
look. A proxy on this machine may change nothing either, since it speaks for others. It is recognised by the headers
that proxies add; a proxy that adds none cannot be told from a program.

Source: docs/streams.md, "HTTP".
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from rta.auth import Origins
from rta.auth.origins import is_known_host, read_authority
from rta.loopback import is_loopback_host

__all__ = ["client_address", "is_json", "is_of_another_site", "why_no_answer", "why_no_changes"]

_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def client_address(scope: Scope) -> str:
    """The address at the other end of the connection; empty where it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def why_no_answer(scope: Scope, origins: Origins) -> str | None:
    """Why somebody without credentials gets no answer over the loopback address; None: they do. A page of another site
    may have given the name of that site our address."""
    hosts = Headers(scope=scope).getlist("host")
    if not hosts or not is_loopback_host(client_address(scope)):
        return None
    asked = [read_authority(host) for host in hosts]
    if all(authority is not None and origins.knows(authority[0]) for authority in asked):
        return None
    return "this is answered at an address, as localhost or by a name in edge.host or auth.origins, not by another name"


def why_no_changes(scope: Scope, host: str) -> str | None:
    """Why a request may change nothing without sign-in; None: it may. `host`: the configured name of the site."""
    headers = Headers(scope=scope)
    if not is_loopback_host(client_address(scope)):
        return "changes are taken from this machine only, over its loopback address"
    if any(name in headers for name in _OF_PROXIES):
        return "changes are taken from this machine only, and not through a proxy"
    asked = read_authority(_host(headers))
    if asked is None or not is_known_host(asked[0], host.lower()):
        return "changes are taken at an address, as localhost or by the name in edge.host, not by any other name"
    ours = Origins((), host)
    for origin in headers.getlist("origin"):
        if not any(ours.is_ours(origin, _host(headers), secure) for secure in (False, True)):
            return "changes are not taken from pages of other sites"
    return None


def is_of_another_site(scope: Scope, origins: Origins) -> bool:
    """Whether a page may have sent it whose origin is neither ours nor allowed."""
    headers, secure = Headers(scope=scope), scope.get("scheme") == "https"
    return not all(origins.admits(origin, _host(headers), secure) for origin in headers.getlist("origin"))


def is_json(scope: Scope) -> bool:
    """Whether the request says that its body is JSON; a page of another site may say so only if we allow it first."""
    kinds = Headers(scope=scope).getlist("content-type")
    return len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == "application/json"


def _host(headers: Headers) -> str | None:
    hosts = headers.getlist("host")
    return hosts[0] if len(hosts) == 1 else None
