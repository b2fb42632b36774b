"""The options of the reference implementation, which its users have in their environments already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from rta.config.connection_string import read_connection_string
from rta.errors import Problem
from rta.formatting import shown
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
_WITHOUT_EFFECT = {("auth", "authority"), ("auth", "audience")}


@define
class Inherited:
    """What the reference's variables come to. Keys and values as in the file; which variable each is from."""

    options: list[tuple[Key, str, str]] = field(factory=list)
    """Key, variable, value."""
    sentinels: list[str] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    warnings: list[str] = field(factory=list)
    has_redis: bool = False


def is_inherited(levels: tuple[str, ...]) -> bool:
    """Whether a variable is one of the reference's. Levels are squashed."""
    return levels in _PRUNER or levels in _WITHOUT_EFFECT or levels in (_REDIS, _DATABASE, _APPROXIMATE, _ENABLE_AUTH)


def names_redis(environ: Iterable[tuple[str, ...]]) -> bool:
    """Whether the reference would have found its Redis by these variables."""
    return _REDIS in environ


def inherit(variables: Mapping[tuple[str, ...], tuple[str, str]], buffer_on_redis: bool) -> Inherited:
    """From squashed levels to (variable, value). `buffer_on_redis`: the file says so already."""
    found = Inherited()
    if _ENABLE_AUTH in variables:
        refusal = _why_not_to_start(*variables[_ENABLE_AUTH])
        found.problems += [] if refusal is None else [refusal]
    if _REDIS in variables:
        _connect(variables, found)
    found.has_redis |= buffer_on_redis
    idle = [variables[k][0] for k in sorted(_WITHOUT_EFFECT) if k in variables]
    for levels, option in _PRUNER.items():
        if levels in variables:
            name, value = variables[levels]
            seconds = option == "interval" and value.strip().isdecimal()
            found.options.append((("pruner", option), name, f"{value.strip()}s" if seconds else value))
    if _APPROXIMATE in variables and found.has_redis:
        found.options.append((("buffer", "approximate"), *variables[_APPROXIMATE]))
    idle += [variables[k][0] for k in (_DATABASE, _APPROXIMATE) if k in variables and not found.has_redis]
    if idle:
        found.warnings.append("recognised, but without effect here: " + ", ".join(idle))
    return found


def _connect(variables: Mapping[tuple[str, ...], tuple[str, str]], found: Inherited) -> None:
    name, value = variables[_REDIS]
    try:
        read = read_connection_string(value, variables.get(_DATABASE, ("", None))[1])
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
    """How names are compared: `MAX_CONNECTIONS`, `MaxConnections` and `max_connections` are one."""
    return name.replace("_", "").casefold()


def _why_not_to_start(variable: str, value: str) -> Problem | None:
    """Why authentication as the variable wants it cannot be had; None: it wants none.

    To serve everybody where the operator asked for authentication would be worse than not to serve.
    """
    wanted = value.strip().casefold()
    if wanted in ("", "false", "0", "no"):
        return None
    if wanted in ("true", "1", "yes"):
        return Problem(
            f"{variable}: asks for authentication, which does not exist yet, so the service refuses to "
            "start; set it to false, and put a proxy that authenticates in front"
        )
    return Problem(f"{variable}: expected true or false, got {shown(value)}")
