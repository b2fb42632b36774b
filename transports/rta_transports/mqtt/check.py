"""What can be found wrong with the options before anything is opened."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rta.ports import Context
from rta_transports.mqtt.certificate import expiry
from rta_transports.mqtt.options import MqttTopicsOptions

__all__ = ["check"]

_TLS = ("ca_file", "cert_file", "key_file")


def check(options: MqttTopicsOptions, context: Context) -> list[str]:
    """One line for each problem."""
    problems = []
    for name in ("password_file", *_TLS):
        path: Path | None = getattr(options, name)
        if path is not None and not (context.folder / path).is_file():
            problems.append(f"{name}: there is no file {context.folder / path}")
        if path is not None and name in _TLS and not options.tls:
            problems.append(f"{name}: only used with tls = true")
    if options.password is not None and options.password_file is not None:
        problems.append("password_file: there is a password too; give one of them")
    if options.username is None and (options.password is not None or options.password_file is not None):
        problems.append("username: there is a password, but nobody it belongs to")
    if options.key_file is not None and options.cert_file is None:
        problems.append("key_file: there is no cert_file that it belongs to")
    if options.tls and options.cert_file is not None and (context.folder / options.cert_file).is_file():
        problems += _expired(context.folder / options.cert_file, context)
    return problems


def _expired(path: Path, context: Context) -> list[str]:
    try:
        end = expiry(path)
    except (OSError, ValueError) as e:
        return [f"cert_file: {path}: {e}"]
    if end <= datetime.fromtimestamp(context.clock() / 1e9, UTC):
        return [f"cert_file: {path} has expired, on {end:%Y-%m-%d}"]
    return []
