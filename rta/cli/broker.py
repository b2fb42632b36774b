"""Which broker a command speaks to, and as whom."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import attrs
import click
import structlog
import trio
from attrs import define, field, frozen
from structlog.typing import EventDict

from rta.config import Config, build_config, load_config
from rta.consumer import Consumer, open_bus, open_consumer
from rta.errors import ConfigError, Problem, RtaError, TransportError, first_error
from rta.formatting import printable
from rta.ports import Context, TopicBus, load_transport
from rta.rsmp.topics import NodeTopics, TopicKind, valid_node

__all__ = ["Faults", "Joined", "Reach", "ask", "broker_options", "join", "read_reach"]

T = TypeVar("T")

_LEVELS = 2  # of a user's name, that leave room for one more in the access list that comes with us
_PATIENCE = 10.0  # seconds for the first connection
_FORGETTING = 2.0  # seconds to take a made-up id off the broker again
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(:(?P<port>[0-9]{1,5}))?")


@define
class Faults:
    """What was left out of what nodes sent. Also the `Reporter` of the connection."""

    total: int = 0
    last: str = ""
    told: Callable[[str], None] = field(default=lambda text: None)
    """Is given the first of each kind."""
    _kinds: set[str] = field(factory=set)

    def malformed(self, source: str, kind: str, detail: str) -> None:
        self.total += 1
        self.last = printable(f"left out, from {source}: {detail}"[:500])
        if kind not in self._kinds:
            self._kinds.add(kind)
            self.told(f"{self.last} (more of this kind is only counted)")

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


@frozen
class Reach:
    """A broker, how to get there, and who we are to it."""

    transport: str
    options: Any
    folder: Path
    consumer: str
    made_up: bool
    """Nobody gave us this id; it is not to be seen at the broker when we have gone."""


@frozen
class Joined:
    """A consumer that is connected."""

    consumer: Consumer
    bus: TopicBus
    """The same connection."""
    faults: Faults


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, `--broker` and `--as`: `config`, `broker` and `consumer_id` of the command."""
    for option in (
        click.option(
            "--as",
            "consumer_id",
            metavar="ID",
            help="Who we are: the id that nodes and the broker know us by. One client has it at a time. "
            "Without it, one made up, below the user's name at the broker.",
        ),
        click.option("--broker", metavar="HOST[:PORT]", help="Where the broker is, instead of what is configured."),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            help="A site's TOML file: its [topics], or else its source of nodes, say how to reach the broker. "
            "Without one, 127.0.0.1:1883.",
        ),
    ):
        command = option(command)
    return command


def read_reach(config: Path | None, broker: str | None, consumer_id: str | None) -> Reach:
    """What the options, the file and the variables `RTA_TOPICS__…` say.

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
    return Reach(transport, options, loaded.folder, who, made_up)


def _broker_of(loaded: Config) -> tuple[str, Any, set[str]]:
    """Transport and options of the topics; where these have no broker, of the source that has one. And the ids by which
    sources are known there.
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
        raise click.BadParameter(f"expected HOST or HOST:PORT, got {text!r}", param_hint="--broker")
    return {"host": match["host"].strip("[]"), "port": None if match["port"] is None else int(match["port"])}


def _made_up() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    return "-".join(filter(None, ("rta", re.sub(r"[^A-Za-z0-9_.]", "", user)[:32], secrets.token_hex(4))))


def _misused(why: str) -> NoReturn:
    raise click.UsageError(why)


@asynccontextmanager
async def join(reach: Reach, patience: float = _PATIENCE) -> AsyncIterator[Joined]:
    """Be connected; lost connections are made again. `patience`: seconds for the first one.

    :raises NotConnectedError: it does not come.
    """
    faults = Faults()
    with _quiet():
        async with open_bus(reach.transport, reach.options, folder=reach.folder, report=faults) as bus:
            known = False
            try:
                async with open_consumer(bus, reach.consumer, report=faults) as consumer:
                    await consumer.connected(patience)
                    known = True
                    yield Joined(consumer, bus, faults)
            finally:
                if known and reach.made_up:
                    await _forget(bus, reach.consumer)


async def _forget(bus: TopicBus, consumer: str) -> None:
    """Take the presence off the broker: nobody will come by this id again."""
    with suppress(TransportError), trio.move_on_after(_FORGETTING, shield=True):
        async with bus.connect(consumer):
            await bus.link()
            await bus.publish(NodeTopics(consumer).topic(TopicKind.PRESENCE), b"", retain=True, qos=1)


def ask(reach: Reach, question: Callable[[Joined], Awaitable[T]]) -> T:
    """The answer to a question that needs a connection; Ctrl-C ends the process with 130.

    :raises RtaError: there is none.
    """
    answers: list[T] = []
    error: RtaError | None = None
    interrupted = False

    async def main() -> None:
        async with join(reach) as joined:
            answers.append(await question(joined))

    try:
        trio.run(main)
    except* KeyboardInterrupt:
        interrupted = True
    except* RtaError as group:
        error = first_error(group)
    if interrupted:
        sys.exit(128 + signal.SIGINT)
    if error is not None:
        raise error
    return answers[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """What the connection has to say is said by the command, not by the log."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(logger: Any, method: str, event: EventDict) -> EventDict:
    raise structlog.DropEvent
