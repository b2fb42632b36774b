"""The variables of the reference implementation, which its users have set already, as options of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from attrs import define, field

from rta.errors import Problem
from rta.options import Key

__all__ = ["Inherited", "inherit", "is_inherited", "names_redis", "squashed"]

_ENABLE_AUTH = ("enableauth",)
_REDIS = ("redisconnectionstring",)
_DATABASE = ("redisdb",)
_PRUNER = {
    ("enabletrimmer",): "enabled",
    ("trimmer", "targetstreamlength"): "max_entries",
    ("trimmer", "interval"): "interval",
}
_APPROXIMATE = ("trimmer", "approxlength")
_CONNECTION = {"user", "password", "ssl", "connecttimeout", "synctimeout", "defaultdatabase", "servicename"}
_CONNECTION_NEEDLESS = {"abortconnect", "name", "connectretry", "keepalive", "allowadmin"}
"""Options that are always on here, or that mean nothing here."""
_CONNECTION_OTHERS = {
    "sslhost",
    "sslprotocols",
    "tunnel",
    "proxy",
    "tiebreaker",
    "version",
}
"""Options that may be wanted, and are not there."""
_UNNAMED = "one behind the password"


@define
class Inherited:
    """What the variables of the reference come to, with keys and values as in the file."""

    options: list[tuple[Key, str, str]] = field(factory=list)
    """Each is key, variable, value."""
    sentinels: list[str] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    warnings: list[str] = field(factory=list)
    has_redis: bool = False


def is_inherited(levels: tuple[str, ...]) -> bool:
    """Whether a variable is one of the reference. Levels are squashed."""
    return levels in _PRUNER or levels in (_REDIS, _DATABASE, _APPROXIMATE, _ENABLE_AUTH)


def names_redis(environ: Iterable[tuple[str, ...]]) -> bool:
    """Whether one of these variables names the Redis of the reference."""
    return _REDIS in environ


def inherit(variables: Mapping[tuple[str, ...], tuple[str, str]], buffer_on_redis: bool) -> Inherited:
    """`variables`: from squashed levels to name and value. `buffer_on_redis`: the file has the buffer on Redis."""
    found = Inherited()
    if _ENABLE_AUTH in variables:
        name, value = variables[_ENABLE_AUTH]
        found.options.append((("auth", "enabled"), name, value.strip() or "false"))
    if _REDIS in variables:
        _connect(variables, found)
    found.has_redis |= buffer_on_redis
    for levels, option in _PRUNER.items():
        if levels in variables:
            name, value = variables[levels]
            seconds = option == "interval" and value.strip().isdecimal()
            found.options.append((("pruner", option), name, f"{value.strip()}s" if seconds else value))
    if _APPROXIMATE in variables and found.has_redis:
        found.options.append((("buffer", "approximate"), *variables[_APPROXIMATE]))
    idle = [variables[k][0] for k in (_DATABASE, _APPROXIMATE) if k in variables and not found.has_redis]
    if idle:
        found.warnings.append("recognised, but without effect here: " + ", ".join(idle))
    return found


def _connect(variables: Mapping[tuple[str, ...], tuple[str, str]], found: Inherited) -> None:
    name, value = variables[_REDIS]
    try:
        read = _read_connection_string(value, variables.get(_DATABASE, ("", None))[1])
    except ValueError as e:
        found.problems.append(Problem(f"{name}: {e}"))
        return
    found.has_redis = True
    found.options.append((("buffer", "transport"), name, "redis"))
    found.options += [(("buffer", option), name, text) for option, text in read.options.items()]
    found.sentinels = read.sentinels
    if read.unknown:
        found.warnings.append(f"{name}: unknown options, left out: {', '.join(read.unknown)}")


def squashed(name: str) -> str:
    """A name as it is compared: `MAX_CONNECTIONS`, `MaxConnections` and `max_connections` are equal."""
    return name.replace("_", "").casefold()


# ---- connection strings


@define
class _ConnectionString:
    """A Redis connection string as .NET programs write it (StackExchange.Redis), as options of `[buffer]`:
    `redis-a:6379,redis-b:6379,password=secret,ssl=true,serviceName=mymaster`."""

    options: dict[str, str] = field(factory=dict)
    sentinels: list[str] = field(factory=list)
    unknown: list[str] = field(factory=list)


def _read_connection_string(text: str, database: str | None) -> _ConnectionString:
    """`database`: from a variable of its own; `defaultDatabase` overrides it.

    :raises ValueError: it names no server, or a number is invalid. The message holds no secret.
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
    found = _ConnectionString(unknown=unknown)
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
        elif key in _CONNECTION:
            settings[key] = value.strip()
        elif key not in _CONNECTION_NEEDLESS:
            # A comma in a password ends it: what stands behind it may be a part of it.
            unknown.append(name.strip() if key in _CONNECTION_OTHERS or "password" not in settings else _UNNAMED)
    return endpoints, settings, unknown


def _has_port(endpoint: str) -> bool:
    return endpoint.rpartition(":")[2].isdecimal() and (endpoint.count(":") == 1 or "]:" in endpoint)


def _truth(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = known.get(text.strip().casefold())
    if found is None:
        raise ValueError("expected true or false as ssl")
    return found
