"""Which broker a command speaks to, and as whom: what the options, the configuration and the environment say."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import attrs
import click
from attrs import frozen

from rta.cli.faults import Faults
from rta.config import Config, build_config, load_config
from rta.errors import ConfigError, Problem
from rta.formatting import shown_url
from rta.ports import Context, load_transport
from rta.rsmp.topics import valid_node

__all__ = ["BrokerAccess", "broker_options", "read_broker_access"]

_LEVELS = 2  # of a user's name, which leave room for one more in the access list of `deploy`
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(:(?P<port>[0-9]{1,5}))?")


@frozen
class BrokerAccess:
    """How a command reaches a broker, and who it is there."""

    transport: str
    options: Any
    folder: Path
    consumer: str
    """The id of the command at the broker."""
    made_up: bool
    """Nobody has given this id; it is removed from the broker at the end."""


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--config`, `--broker` and `--as`, which the command gets as `config`, `broker` and `consumer_id`."""
    for option in (
        click.option(
            "--as",
            "consumer_id",
            metavar="ID",
            help="Our id at the broker and for nodes; only one client can have it at a time. "
            "Default: a made-up id below the user's name at the broker.",
        ),
        click.option("--broker", metavar="HOST[:PORT]", help="The broker's address, in place of the configured one."),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            help="A site's TOML file: its [topics], or else its source of nodes, say how to reach the broker. "
            "Default: 127.0.0.1:1883.",
        ),
    ):
        command = option(command)
    return command


def read_broker_access(config: Path | None, broker: str | None, consumer_id: str | None) -> BrokerAccess:
    """Read the options, the file and the variables `RTA_TOPICS__…`.

    :raises ConfigError: the file or a variable is wrong.
    :raises UsageError: the options do not go together.
    """
    loaded = _configured(config)
    transport, options, taken = _broker_of(loaded)
    if broker is not None:
        options = attrs.evolve(options, **_host_and_port(broker))
    context = Context("topics", loaded.folder, time.time_ns, Faults())
    offer = load_transport(transport).topics
    assert offer is not None, "the configuration was not checked"
    problems = offer.check(options, context)
    if problems:
        raise ConfigError([Problem(f"topics: {text}") for text in problems])
    user = getattr(options, "username", None)
    known = consumer_id or user
    if known is not None and not valid_node(known):
        _misused(f"--as: expected levels joined by '/', without blanks, '+' and '#', got {known!r}")
    if config is not None and (known == loaded.site.node or known in taken or user in taken):
        # A broker may make the user's name the client id.
        other = "name another user" if user in taken else "say who we are by --as"
        _misused(f"{known} is the id of {config} itself, whose connection we would take over: {other}")
    made_up = consumer_id is None and (user is None or user.count("/") < _LEVELS)
    who = "/".join(filter(None, (user, _made_up()))) if made_up else known
    assert who is not None
    return BrokerAccess(transport, options, loaded.folder, who, made_up)


def _broker_of(loaded: Config) -> tuple[str, Any, set[str]]:
    """Transport and options of the topics or, where these have no broker, of the source that has one; and the ids of
    sources at a broker.
    """
    found = []
    for source in loaded.sources:
        topics = load_transport(source.transport).topics
        if topics is not None and isinstance(source.options, topics.options):
            found.append(source)
    taken = {source.options.consumer for source in found if hasattr(source.options, "consumer")}
    if loaded.topics.transport != "memory":
        return loaded.topics.transport, loaded.topics.options, taken
    where = loaded.path or "RTA_TOPICS__TRANSPORT"
    if not found:
        _misused(f"the topics of {where} stay within one process: there is no broker to reach")
    if len(found) > 1:
        names = ", ".join(source.name for source in found)
        _misused(f"{where} has no broker for [topics], and several for sources ({names}): say which by --broker alone")
    return found[0].transport, found[0].options, taken


def _configured(path: Path | None) -> Config:
    if path is not None:
        return load_config(path, os.environ)
    ours = {k: v for k, v in os.environ.items() if k.upper().startswith("RTA_TOPICS__")}
    return build_config({"topics": {"transport": "mqtt"}}, ours)


def _host_and_port(text: str) -> dict[str, Any]:
    match = _BROKER.fullmatch(text)
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        raise click.BadParameter(f"expected HOST or HOST:PORT, got {shown_url(text)!r}", param_hint="--broker")
    return {"host": match["host"].strip("[]"), "port": None if match["port"] is None else int(match["port"])}


def _made_up() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    return "-".join(filter(None, ("rta", re.sub(r"[^A-Za-z0-9_.]", "", user)[:32], secrets.token_hex(4))))


def _misused(why: str) -> NoReturn:
    raise click.UsageError(why)
