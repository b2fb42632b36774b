"""A Redis connection string as .NET programs write it (StackExchange.Redis), to the options of our buffer.

redis-a:6379,redis-b:6379,password=secret,ssl=true,serviceName=mymaster
"""

from __future__ import annotations

from urllib.parse import quote

from attrs import define, field

__all__ = ["ConnectionString", "read_connection_string"]

_KNOWN = {"user", "password", "ssl", "connecttimeout", "synctimeout", "defaultdatabase", "servicename"}
_NEEDLESS = {"abortconnect", "name", "connectretry", "keepalive", "allowadmin"}
"""What we do anyway, or what has no meaning here."""


@define
class ConnectionString:
    """`options`: of `[buffer]`, as text."""

    options: dict[str, str] = field(factory=dict)
    sentinels: list[str] = field(factory=list)
    unknown: list[str] = field(factory=list)


def read_connection_string(text: str, database: str | None) -> ConnectionString:
    """`database`: from the variable of its own, which `defaultDatabase` overrides.

    :raises ValueError: it names no server, or a number is none. The message holds no secret.
    """
    endpoints, settings, unknown = _parts(text)
    if not endpoints:
        raise ValueError("expected host:port of the Redis server, then options such as ,password=…,ssl=true")
    service = settings.get("servicename")
    port = 26379 if service else 6379
    places = [e if _has_port(e) else f"{e}:{port}" for e in endpoints]
    database = settings.get("defaultdatabase", database or "0")
    if not database.strip().isdecimal():
        raise ValueError("expected a number as the database")
    scheme = "rediss" if _truth(settings.get("ssl", "false")) else "redis"
    found = ConnectionString(unknown=unknown)
    found.options["url"] = f"{scheme}://{quote(places[0], safe=':[]')}/{int(database)}"
    for theirs, ours in (("user", "user"), ("password", "password")):
        if settings.get(theirs):
            found.options[ours] = settings[theirs]
    timeouts = [settings[k] for k in ("connecttimeout", "synctimeout") if k in settings]
    if timeouts:
        if not all(t.isdecimal() for t in timeouts):
            raise ValueError("expected connectTimeout and syncTimeout in milliseconds")
        found.options["timeout"] = f"{max(map(int, timeouts))}ms"
    if service:
        found.options |= {"mode": "sentinel", "service": service}
        found.sentinels = places
    elif len(places) > 1:
        found.options["mode"] = "cluster"
    return found


def _parts(text: str) -> tuple[list[str], dict[str, str], list[str]]:
    endpoints: list[str] = []
    settings: dict[str, str] = {}
    unknown: list[str] = []
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.partition("=")
        key = name.strip().casefold()
        if not equals:
            endpoints.append(part)
        elif key in _KNOWN:
            settings[key] = value.strip()
        elif key not in _NEEDLESS:
            unknown.append(name.strip())
    return endpoints, settings, unknown


def _has_port(endpoint: str) -> bool:
    return endpoint.rpartition(":")[2].isdecimal() and (endpoint.count(":") == 1 or "]:" in endpoint)


def _truth(text: str) -> bool:
    return text.strip().casefold() in ("true", "1", "yes")
