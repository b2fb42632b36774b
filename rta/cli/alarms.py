"""`rta alarms`: the alarms of a running service, or of nodes on a broker."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import trio
from click.core import ParameterSource
from rich.text import Text

from rta.cli.arguments import read_patterns
from rta.cli.broker import ConnectedConsumer, ask_over_broker
from rta.cli.broker_access import broker_options, read_broker_access
from rta.cli.records import lay_out, output_width, print_lines
from rta.cli.service_options import SERVICE_OPTIONS, service_options
from rta.cli.service_place import ServicePlace
from rta.cli.text import cell, json_line, summarize
from rta.cli.times import format_listed_time
from rta.consumer import StatusReceived, Watch
from rta.errors import NotConnectedError
from rta.ports import TopicBus
from rta.rsmp.payload import encode, iso
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.wire.values import Ns

__all__ = ["command"]

_MARKER = "rta.marker"
_QUIET = 0.1  # seconds without a message after which all retained ones have come
_LONGEST = 5.0  # seconds to wait for retained alarms


@click.command("alarms")
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@service_options
@click.option("--all", "everything", is_flag=True, help="Also list the alarms that are not active.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
@broker_options
@click.pass_context
def command(
    context: click.Context,
    nodes: tuple[str, ...],
    service: ServicePlace,
    everything: bool,
    as_json: bool,
    config: Path | None,
    broker: str | None,
    consumer_id: str | None,
) -> None:
    """List the active alarms of a service or, over topics, of the NODEs. + may stand for a level: 'dk/cph/+'."""
    written = any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in SERVICE_OPTIONS)
    if nodes and (written or everything):
        raise click.UsageError(
            "--url, what goes with it and --all are for a service: over topics, nodes publish active alarms only"
        )
    if not nodes and (config or broker or consumer_id):
        raise click.UsageError("--config, --broker and --as are for a NODE")
    if nodes:
        patterns = read_patterns(nodes)

        async def list_alarms(connected: ConnectedConsumer) -> list[dict[str, Any]]:
            return await _of_nodes(connected, patterns)

        alarms = ask_over_broker(read_broker_access(config, broker, consumer_id), list_alarms)
    else:
        alarms = trio.run(service.client().alarms, not everything)
    _print(alarms, as_json)


async def _of_nodes(connected: ConnectedConsumer, patterns: Iterable[str]) -> list[dict[str, Any]]:
    """The alarms that the broker has retained."""
    me = connected.consumer.id
    async with connected.consumer.watch(*patterns, me, replay=False, heal=False) as watch:
        await _wait_for_retained(connected.bus, watch, me)
        return [
            {"node": node.id, "code": a.code, "component": a.component, "since": iso(a.ts), "values": a.values}
            for node in sorted(watch.nodes.values(), key=lambda n: n.id)
            for a in sorted(node.alarms.values(), key=lambda a: (a.code, a.component or ""))
        ]


async def _wait_for_retained(bus: TopicBus, watch: Watch, me: str) -> None:
    """Wait until all retained messages have come: a message that we publish ourselves comes behind them.

    :raises NotConnectedError: they do not come in time.
    """
    entry = {"ts": iso(Ns(time.time_ns())), "seq": 1, "values": {"marker": True}}
    marker = NodeTopics(me).topic(TopicKind.STATUS, _MARKER)
    seen = False
    with trio.move_on_after(_LONGEST):
        await bus.publish(marker, encode({"entries": [entry]}), qos=1)
        while not seen:
            event = await watch.receive()
            seen = isinstance(event, StatusReceived) and (event.node, event.code) == (me, _MARKER)
        while True:  # each pattern is a subscription, and they come in any order
            with trio.move_on_after(_QUIET) as quiet:
                await watch.receive()
            if quiet.cancelled_caught:
                return
    if not seen:
        raise NotConnectedError(f"the broker has not sent within {_LONGEST:g} s what it retains")


def _print(alarms: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for alarm in alarms:
            click.echo(json_line(alarm))
    elif alarms:
        print_lines(_lines(alarms))
    else:
        click.echo("no alarms", err=True)


def _lines(alarms: list[dict[str, Any]]) -> list[Text]:
    columns = [c for c in ("node", "code", "component", "active", "since", "values") if any(c in a for a in alarms)]
    rows = []
    for alarm in alarms:
        style = "red" if alarm.get("active", True) else ""
        rows.append([cell(_shown(c, alarm.get(c)), style if c == "code" else "") for c in columns])
    return lay_out(columns, rows, output_width(), keys=sum(c in columns for c in ("node", "code", "component")))


def _shown(column: str, value: Any) -> str:
    if column == "since":
        return format_listed_time(value)
    if column == "active":
        return "active" if value else ""
    if isinstance(value, dict):
        return summarize(value)
    return "" if value is None else str(value)
