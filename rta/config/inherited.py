"""The options of the reference implementation, which its users have in their environments already."""

from __future__ import annotations

from rta.config.values import shown
from rta.errors import Problem

__all__ = ["is_about_authentication", "is_without_effect", "squashed", "why_not_to_start"]

_ENABLE_AUTH = ("enableauth",)
_OF_THE_REDIS_BUFFER = {
    ("redisconnectionstring",),
    ("redisdb",),
    ("enabletrimmer",),
    ("trimmer", "targetstreamlength"),
    ("trimmer", "interval"),
    ("trimmer", "approxlength"),
}
_OF_AUTHENTICATION = {("auth", "authority"), ("auth", "audience")}


def squashed(name: str) -> str:
    """How names are compared: `MAX_CONNECTIONS`, `MaxConnections` and `max_connections` are one."""
    return name.replace("_", "").casefold()


def is_without_effect(levels: tuple[str, ...]) -> bool:
    """Whether a variable sets an option of the reference that changes nothing here. Levels are squashed."""
    return levels in _OF_THE_REDIS_BUFFER or levels in _OF_AUTHENTICATION


def is_about_authentication(levels: tuple[str, ...]) -> bool:
    """Whether a variable says if clients must authenticate. Levels are squashed."""
    return levels == _ENABLE_AUTH


def why_not_to_start(variable: str, value: str) -> Problem | None:
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
