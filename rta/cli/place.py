"""Where a command goes: to a running service over HTTP, or to a node over the topics of its broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import trio
from click.core import ParameterSource

from rta.cli.broker import ConnectedConsumer, ask_over_broker
from rta.cli.broker_access import broker_options, read_broker_access
from rta.cli.node_streams import NodeStreams
from rta.cli.service_options import SERVICE_OPTIONS, add_service_options
from rta.cli.service_place import ServicePlace
from rta.client.streams import StreamsClient
from rta.node.stream_service import StreamService
from rta.rsmp.topics import valid_node

__all__ = ["ask_streams", "place_options"]

T = TypeVar("T")
Command = Callable[..., Any]

_META = "rta.cli.place"
_OF_NODES = ("config", "broker", "consumer_id")
_PLACE = ("node", *_OF_NODES, *SERVICE_OPTIONS)


def place_options(command: Command) -> Command:
    """Add the options of a service, and `--node` and the broker's options for a node.

    They may stand before the name of a subcommand too, and are kept for `ask_streams`.
    """
    node = click.option(
        "--node", metavar="NODE", help="The id of a node, which is asked over its broker instead of --url."
    )
    for option in (broker_options, node, add_service_options):
        command = option(command)
    for parameter in command.__click_params__:  # type: ignore[attr-defined]
        if parameter.name in _PLACE:
            parameter.expose_value, parameter.callback = False, _keep
    return command


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    assert parameter.name is not None
    kept: dict[str, tuple[Any, bool]] = context.meta.setdefault(_META, {})  # one of the group and its subcommand
    written = context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    if written or parameter.name not in kept:
        kept[parameter.name] = value, written


def ask_streams(question: Callable[[StreamService], Awaitable[T]]) -> T:
    """Put a question to the streams of the place that the command line names.

    :raises UsageError: it names two places.
    :raises RtaError: the question is refused, or nobody answers it.
    """
    kept = click.get_current_context().meta[_META]
    node: str | None = kept["node"][0]
    if node is None:
        if any(kept[name][1] for name in _OF_NODES):
            raise click.UsageError("--config, --broker and --as are for --node")
        service = ServicePlace(**{name: kept[name][0] for name in SERVICE_OPTIONS})
        with service.refusals_explained():
            return trio.run(question, StreamsClient(service.client()))
    if any(kept[name][1] for name in SERVICE_OPTIONS):
        raise click.UsageError("--node goes over topics, --url and what is for a service over HTTP: only one of them")
    if not valid_node(node):
        raise click.BadParameter(f"expected a node's id, got {node!r}", param_hint="--node")
    named = node

    async def over_topics(connected: ConnectedConsumer) -> T:
        return await question(NodeStreams(connected.consumer, connected.bus, named))

    return ask_over_broker(read_broker_access(*(kept[name][0] for name in _OF_NODES)), over_topics)
