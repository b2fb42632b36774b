"""Who may do what over HTTP and WebSocket: one table of every call, with the role that it needs.

A call that is not in it is not answered, so a new route has to be written down here first. Paths are those of the
routes; GET stands for HEAD too.

Source: docs/security.md, "Routes and roles".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from rta.ports.access import Role
from rta.rest.routing import V2

__all__ = [
    "ACCESS",
    "ALARMS",
    "METRICS",
    "NODES",
    "OF_NODES",
    "STREAMS",
    "WEBSOCKET",
    "Access",
    "access_at",
    "methods_of",
]

WEBSOCKET = "WebSocket"
"""Stands for a method. That it is held to the role is up to the gate of the edge."""
METRICS = "/metrics"
"""Open to everybody where `auth.metrics` says so."""
STREAMS = V2 + "/streams"
ALARMS = V2 + "/alarms"
NODES = V2 + "/nodes"
OF_NODES = (STREAMS, ALARMS, NODES)
"""What the process answers that has our node and the sources, with refusals of their own."""

_SESSIONS = V2 + "/sessions"
_SESSION = _SESSIONS + "/{identity}"
_STREAM = STREAMS + "/{target:path}"
_PARAMETER = re.compile(r"\{\w+(:path)?\}")


@frozen
class Access:
    """One call."""

    method: str
    path: str
    role: Role | None
    """None: everybody may."""


ACCESS: tuple[Access, ...] = (
    Access("GET", "/", None),
    Access("GET", "/page/{file}", None),
    Access("GET", "/health", None),
    Access("GET", METRICS, Role.READ),
    Access("GET", V2 + "/info", None),
    Access("GET", V2 + "/openapi.json", Role.READ),
    Access("GET", V2 + "/docs", Role.READ),
    Access("GET", V2 + "/whoami", Role.READ),
    Access("POST", V2 + "/tickets", Role.READ),
    Access("GET", _SESSIONS, Role.READ),
    Access("POST", _SESSIONS, Role.READ),
    Access("GET", _SESSION, Role.READ),
    Access("DELETE", _SESSION, Role.ADMINISTER),
    Access("GET", _SESSION + "/stream", Role.READ),
    Access(WEBSOCKET, _SESSION + "/stream", Role.READ),
    Access("GET", _SESSION + "/data/events", Role.READ),
    Access("GET", _SESSION + "/data/{kind}/{channels}", Role.READ),
    Access("GET", _SESSION + "/overview/{channels}", Role.READ),
    Access("GET", _SESSION + "/export", Role.READ),
    Access("GET", _SESSION + "/recording", Role.READ),
    Access("GET", V2 + "/entries", Role.READ),
    Access("GET", V2 + "/configs/{identifier}", Role.READ),
    Access("GET", V2 + "/session-metamodel", Role.READ),
    Access("GET", V2 + "/session-metamodel/properties", Role.READ),
    Access("GET", V2 + "/session-folders", Role.READ),
    Access("GET", V2 + "/session-folders/{parent:path}", Role.READ),
    Access("GET", STREAMS, Role.READ),
    Access("POST", STREAMS, Role.ADMINISTER),
    Access("GET", _STREAM, Role.READ),
    Access("PATCH", _STREAM, Role.ADMINISTER),
    Access("DELETE", _STREAM, Role.ADMINISTER),
    Access("POST", _STREAM, Role.OPERATE),
    Access("GET", ALARMS, Role.READ),
    Access("GET", NODES, Role.READ),
)

_Calls = Mapping[str, Access]
_CALLS: dict[str, dict[str, Access]] = {}
for _access in ACCESS:
    _CALLS.setdefault(_access.path, {})[_access.method] = _access
_PLACES = tuple(_CALLS.values())


def _pattern(path: str) -> str:
    """What a template stands for, as Starlette reads it."""
    at, parts = 0, []
    for parameter in _PARAMETER.finditer(path):
        parts += [re.escape(path[at : parameter.start()]), ".*" if parameter[1] else "[^/]+"]
        at = parameter.end()
    return "".join([*parts, re.escape(path[at:])])


_PATTERN = re.compile("|".join(f"({_pattern(path)})" for path in _CALLS))


def access_at(path: str) -> _Calls | None:
    """What can be done at a path, as it is routed, by method; None: there is nothing."""
    match = _PATTERN.fullmatch(path)
    return None if match is None else _PLACES[(match.lastindex or 1) - 1]


def methods_of(calls: _Calls) -> list[str]:
    """The HTTP methods of a place, as `Allow` names them."""
    found = [method for method in calls if method != WEBSOCKET]
    return [*found[:1], "HEAD", *found[1:]] if "GET" in found else found
