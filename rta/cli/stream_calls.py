"""Whose streams a command is about, and how it is asked: a running service over HTTP, or a node over topics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import click
import trio
from click.core import ParameterSource

from rta.cli.broker import Joined, ask, broker_options, read_reach
from rta.cli.node_streams import NodeStreams
from rta.cli.service import url_option
from rta.client import RestClient
from rta.client.streams import StreamsClient
from rta.rsmp.topics import valid_node

__all__ = ["StreamCalls", "ask_streams", "place_options"]

T = TypeVar("T")
Command = Callable[..., Any]

_META = "rta.cli.place"


class StreamCalls(Protocol):
    """What can be done with the streams of one node. Streams are as `stream.list` has them; a name that is empty is
    that of the unnamed stream.

    Every call raises `RtaError` with the node's reason when it is refused, `TransportError` when the node cannot be
    reached.
    """

    async def list(self) -> list[dict[str, Any]]: ...

    async def show(self, code: str, name: str) -> dict[str, Any]: ...

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """`timeout` in seconds; `consumer`: the id of the node it is for."""
        ...

    async def stop(self, code: str, name: str) -> dict[str, Any]: ...

    async def add(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]: ...

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]: ...

    async def remove(self, code: str, name: str) -> None: ...


def place_options(command: Command) -> Command:
    """`--url` for a service, `--node` and how to reach the broker for a node. They may stand before the name of a
    subcommand too, and are kept for `ask_streams`.
    """
    node = click.option("--node", metavar="NODE", help="The id of a node: over the topics of its broker, not --url.")
    for option in (broker_options, node, url_option):
        command = option(command)
    for parameter in command.__click_params__:  # type: ignore[attr-defined]
        if parameter.name in _PLACE:
            parameter.expose_value, parameter.callback = False, _keep
    return command


_PLACE = ("url", "node", "config", "broker", "consumer_id")


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    assert parameter.name is not None
    kept: dict[str, tuple[Any, bool]] = context.meta.setdefault(_META, {})  # one of the group and its subcommand
    written = context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    if written or parameter.name not in kept:
        kept[parameter.name] = value, written


def ask_streams(question: Callable[[StreamCalls], Awaitable[T]]) -> T:
    """Put a question to the place that the command line names.

    :raises UsageError: it names two.
    :raises RtaError: the question is refused, or nobody answers it.
    """
    kept = click.get_current_context().meta[_META]
    node: str | None = kept["node"][0]
    if node is None:
        for name in ("config", "broker", "consumer_id"):
            if kept[name][1]:
                raise click.UsageError("--config, --broker and --as are for --node")
        return trio.run(question, StreamsClient(RestClient(kept["url"][0])))
    if kept["url"][1]:
        raise click.UsageError("--node goes over topics, --url over HTTP: only one of them")
    if not valid_node(node):
        raise click.BadParameter(f"expected a node's id, got {node!r}", param_hint="--node")
    named = node

    async def over_topics(joined: Joined) -> T:
        return await question(NodeStreams(joined.consumer, joined.bus, named))

    return ask(read_reach(*(kept[name][0] for name in ("config", "broker", "consumer_id"))), over_topics)
