"""The options of commands that ask a service: where it is, and how we show it who we are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rta.cli.service_place import TOKEN_VARIABLE, ServicePlace

__all__ = ["DEFAULT_URL", "SERVICE_OPTIONS", "add_service_options", "service_argument", "service_options"]

Command = Callable[..., Any]

DEFAULT_URL = "http://127.0.0.1:8180"
SERVICE_OPTIONS = ("url", "token_file", "ca_file", "cert_file", "key_file")
"""The names of the parameters of `add_service_options`."""


def _read_base_url(text: str) -> str:
    """`host:port` alone means HTTP."""
    return text if "://" in text else f"http://{text}"


def service_options(command: Command) -> Command:
    """Add the options of a service, which the command gets as one `service`; what it refuses is explained."""
    return add_service_options(_with_service(command))


def service_argument(*, with_token: bool) -> Callable[[Command], Command]:
    """Add the service as an argument URL, and its other options; `--token-file` only `with_token`. `--url`, as other
    commands have it, is the same."""

    def add(command: Command) -> Command:
        command = _add_tls_options(_with_either_url(_with_service(command)))
        argument = click.argument(
            "url", type=_read_base_url, metavar="[URL]", default=DEFAULT_URL, envvar="RTA_URL", required=False
        )
        option = click.option("--url", "given_url", type=_read_base_url, hidden=True)
        return argument(option(_add_token_option(command) if with_token else command))

    return add


def _with_either_url(command: Command) -> Command:
    @wraps(command)
    def with_url(*arguments: Any, url: str, given_url: str | None, **others: Any) -> Any:
        return command(*arguments, url=given_url or url, **others)

    return with_url


def _with_service(command: Command) -> Command:
    @wraps(command)
    def with_service(*arguments: Any, **others: Any) -> Any:
        service = ServicePlace(**{name: others.pop(name) for name in SERVICE_OPTIONS if name in others})
        with service.refusals_explained():
            return command(*arguments, service=service, **others)

    return with_service


def add_service_options(command: Command) -> Command:
    """Add `--url`, which can also be given as `RTA_URL`, and what goes with it."""
    url = click.option(
        "--url",
        type=_read_base_url,
        metavar="URL",
        default=DEFAULT_URL,
        show_default=True,
        envvar="RTA_URL",
        help="The service's base URL, or its host:port.",
    )
    return url(_add_token_option(_add_tls_options(command)))


def _add_token_option(command: Command) -> Command:
    return click.option(
        "--token-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=f"A file with a token, which may change. Default: the variable {TOKEN_VARIABLE}, or else what rta login "
        "has kept.",
    )(command)


def _add_tls_options(command: Command) -> Command:
    """They can also be given as `RTA_CA_FILE`, `RTA_CERT_FILE` and `RTA_KEY_FILE`."""
    for name, text in (
        ("key", "The key of that certificate; default: it is in the same file."),
        ("cert", "Our own certificate, for a service that asks for one. PEM."),
        ("ca", "Certificates of who may have signed the service's. PEM. Default: the system's."),
    ):
        command = click.option(
            f"--{name}-file",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            envvar=f"RTA_{name.upper()}_FILE",
            help=text,
        )(command)
    return command
