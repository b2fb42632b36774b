"""What can be found wrong with the options before anything is opened."""

from __future__ import annotations

from functools import partial

from rta.ports import Context
from rta.ports.tls import client_context, tls_problems
from rta_transports.mqtt.options import MqttTopicsOptions

__all__ = ["check"]


def check(options: MqttTopicsOptions, context: Context) -> list[str]:
    """One line for each problem."""
    problems = []
    if options.password_file is not None and not (context.folder / options.password_file).is_file():
        problems.append(f"password_file: there is no file {context.folder / options.password_file}")
    if options.password is not None and options.password_file is not None:
        problems.append("password_file: there is a password too; give one of them")
    if options.username is None and (options.password is not None or options.password_file is not None):
        problems.append("username: there is a password, but nobody it belongs to")
    unused = None if options.tls else "tls = true"
    make = partial(client_context, options, context.folder)
    return problems + tls_problems(options, context.folder, context.clock(), unused, make)
