"""What can be found wrong with the options before anything is opened."""

from __future__ import annotations

from functools import partial

from rta.formatting import shown, shown_url
from rta.ports import Context
from rta.ports.tls import client_context, tls_problems
from rta_transports.redis.options import RedisLogOptions, url_parts
from rta_transports.redis.topology import ServerAddress

__all__ = ["check"]


def check(options: RedisLogOptions, context: Context) -> list[str]:
    """One line for each problem."""
    problems = []
    if options.password_file is not None and not (context.folder / options.password_file).is_file():
        problems.append(f"password_file: there is no file {context.folder / options.password_file}")
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
    unused = None if options.encrypted else "a url that begins with rediss://"
    make = partial(client_context, options, context.folder)
    return problems + tls_problems(options, context.folder, context.clock(), unused, make)
