"""How the buffer on Redis is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs
from attrs import define
from attrs.validators import ge, gt, min_len, optional
from redis.connection import parse_url

from rta.ports import Duration, option
from rta.ports.tls import ClientTlsOptions

__all__ = ["RedisLogOptions", "url_parts"]

_SCHEMES = ("redis", "rediss", "unix")
_PARTS = {"host", "port", "db", "username", "password", "path", "connection_class"}


def url_parts(url: str) -> dict[str, Any]:
    """What a Redis URL says, by the names of the redis package.

    :raises ValueError: it is no Redis URL, or says more than where and who. The message quotes nothing of it.
    """
    try:
        split = urlsplit(url)
        parts: dict[str, Any] = parse_url(url) if split.scheme in _SCHEMES else {}
        misread = "@" in f"{split.path}{split.query}{split.fragment}" and split.scheme != "unix"
    except ValueError:
        misread = True
    if misread:
        raise ValueError(
            "host or port cannot be read; in a user or password of the URL, /, ?, #, @, [ and ] are written as %2F, "
            "%3F, %23, %40, %5B and %5D"
        )
    if not parts:
        raise ValueError("expected redis://host:port/database, rediss:// for TLS, or unix:///path/to/socket")
    if split.scheme != "unix" and split.path.strip("/") and "db" not in parts:
        raise ValueError("expected a number as the database, behind the last /")
    if set(parts) - _PARTS:
        raise ValueError("nothing but the database can be given behind the port; the buffer has options for the rest")
    return parts


def _is_url(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    url_parts(value)


def _names_an_identity(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value.count("<identity>") != 1:
        raise ValueError(f"{attribute.name}: must contain <identity> once, as in sessions:<identity>")


@define
class RedisLogOptions(ClientTlsOptions):
    """The buffer, in Redis Streams."""

    url: str = option(
        "Where Redis is: redis://host:port/database, rediss:// for TLS, unix:///path/to/socket. With Sentinel: the "
        "database only; with a Cluster: any of its nodes.",
        "redis://127.0.0.1:6379/0",
        validator=_is_url,
        secret=True,
    )
    user: str | None = option("Who we are to Redis; unset: the default user.", None)
    password: str | None = option(
        "Better given as RTA_BUFFER__PASSWORD, or by password_file, than in a file that others read.",
        None,
        secret=True,
    )
    password_file: Path | None = option("A file that holds the password and nothing else.", None)
    mode: Literal["single", "sentinel", "cluster"] = option("What kind of Redis it is.", "single")
    sentinels: list[str] = option("host:port of each Sentinel.", factory=list)
    service: str = option("The name the Sentinels know the primary by.", "mymaster", validator=min_len(1))
    sentinel_user: str | None = option("Who we are to the Sentinels; unset: the default user.", None)
    sentinel_password: str | None = option("The password the Sentinels want, where they want one.", None, secret=True)
    timeout: Duration = option("How long an answer may take.", Duration(3.0), validator=gt(0))
    connections: int = option("Connections for everything but following streams, per server.", 8, validator=ge(1))
    session_key: str = option(
        "The key of a session's hash; <identity> stands for the session's identity.",
        "sessions:<identity>",
        validator=_names_an_identity,
    )
    session_expiry: Duration = option(
        "Sessions written by us expire this long after their last update.", Duration(7 * 86400.0), validator=gt(0)
    )
    max_entries: int | None = option(
        "Entries kept per stream where the pruner does not say; unset: no bound.", 10_000, validator=optional(ge(1))
    )
    max_age: Duration | None = option(
        "How long entries are kept where the pruner does not say; unset: no bound. Needs Redis 6.2.", None
    )
    approximate: bool = option("Trim whole nodes of a stream only: cheaper for Redis, keeps a little more.", False)
    abandon_after: Duration | None = option(
        "A session of ours without an update and without entries for this long is marked abandoned; unset: never.",
        Duration(60.0),
    )
    abandon_others: bool = option("The same for sessions that others write.", False)

    @property
    def encrypted(self) -> bool:
        """Whether the URL wants TLS."""
        return urlsplit(self.url).scheme == "rediss"
