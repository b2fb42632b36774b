"""What can be found wrong with the options before anything is opened."""

from __future__ import annotations

from pathlib import Path

from rta.formatting import shown, shown_url
from rta.ports import Context
from rta_transports.redis.options import RedisLogOptions, url_parts
from rta_transports.redis.topology import ServerAddress

__all__ = ["check"]


def check(options: RedisLogOptions, context: Context) -> list[str]:
    """One line for each problem."""
    problems = []
    for name in ("password_file", "ca_file", "cert_file", "key_file"):
        path: Path | None = getattr(options, name)
        if path is not None and not (context.folder / path).is_file():
            problems.append(f"{name}: there is no file {context.folder / path}")
    for sentinel in options.sentinels:
        try:
            ServerAddress.parse(sentinel)
        except ValueError:
            problems.append(f"sentinels: expected host:port, got {shown(shown_url(sentinel))}")
    if options.sentinels and options.mode != "sentinel":
        problems.append('sentinels: only used with mode = "sentinel"')
    if options.mode == "cluster" and url_parts(options.url).get("db"):
        problems.append("url: a Cluster has database 0 only")
    if options.password is not None and options.password_file is not None:
        problems.append("password_file: there is a password too; give one of them")
    if options.key_file is not None and options.cert_file is None:
        problems.append("key_file: there is no cert_file that it belongs to")
    return problems
