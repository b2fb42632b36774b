"""`rta alarms`: those of a running service, or of nodes on a broker."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import trio
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from rta.cli.broker import Joined, ask, broker_options, read_reach
from rta.cli.entry_values import summary
from rta.cli.node_argument import read_patterns
from rta.cli.place import url_option
from rta.cli.stream_story import moment
from rta.cli.terminal import cell, json_line
from rta.client import RestClient
from rta.consumer import StatusReceived, Watch
from rta.errors import NotConnectedError
from rta.ports import TopicBus
from rta.rsmp.payload import encode, iso
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.wire.values import Ns

__all__ = ["command"]

_MARKER = "rta.marker"
_QUIET = 0.1  # seconds
_LONGEST = 5.0  # seconds that retained alarms are waited for


@click.command("alarms")
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@url_option
@click.option("--all", "everything", is_flag=True, help="Also those that are configured and not active.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
@broker_options
@click.pass_context
def command(
    context: click.Context,
    nodes: tuple[str, ...],
    url: str,
    everything: bool,
    as_json: bool,
    config: Path | None,
    broker: str | None,
    consumer_id: str | None,
) -> None:
    """List the active alarms of a service, or of the NODEs, over topics; + may stand for a level: 'dk/cph/+'."""
    written = context.get_parameter_source("url") is ParameterSource.COMMANDLINE
    if nodes and (written or everything):
        raise click.UsageError("--url and --all are for a service: a node tells over topics of active alarms only")
    if not nodes and (config or broker or consumer_id):
        raise click.UsageError("--config, --broker and --as are for a NODE")
    if nodes:
        patterns = read_patterns(nodes)

        async def look(joined: Joined) -> list[dict[str, Any]]:
            return await _of_nodes(joined, patterns)

        alarms = ask(read_reach(config, broker, consumer_id), look)
    else:
        alarms = trio.run(RestClient(url).alarms, not everything)
    _print(alarms, as_json)


async def _of_nodes(joined: Joined, patterns: Iterable[str]) -> list[dict[str, Any]]:
    """What the broker has kept of them."""
    me = joined.consumer.id
    async with joined.consumer.watch(*patterns, me, replay=False, heal=False) as watch:
        await _until_told(joined.bus, watch, me)
        return [
            {"node": node.id, "code": a.code, "component": a.component, "since": iso(a.ts), "values": a.values}
            for node in sorted(watch.nodes.values(), key=lambda n: n.id)
            for a in sorted(node.alarms.values(), key=lambda a: (a.code, a.component or ""))
        ]


async def _until_told(bus: TopicBus, watch: Watch, me: str) -> None:
    """Until all that was retained has come: a message of our own, sent behind it, comes last, and then it is quiet.

    :raises NotConnectedError: it does not come.
    """
    entry = {"ts": iso(Ns(time.time_ns())), "seq": 1, "values": {"marker": True}}
    marker = NodeTopics(me).topic(TopicKind.STATUS, _MARKER)
    told = False
    with trio.move_on_after(_LONGEST):
        await bus.publish(marker, encode({"entries": [entry]}), qos=1)
        while not told:
            event = await watch.receive()
            told = isinstance(event, StatusReceived) and (event.node, event.code) == (me, _MARKER)
        while True:  # each pattern is listened to by itself
            with trio.move_on_after(_QUIET) as quiet:
                await watch.receive()
            if quiet.cancelled_caught:
                return
    if not told:
        raise NotConnectedError(f"the broker has not told within {_LONGEST:g} s what it knows")


def _print(alarms: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for alarm in alarms:
            click.echo(json_line(alarm))
    elif alarms:
        Console().print(_table(alarms))
    else:
        click.echo("no alarms", err=True)


def _table(alarms: list[dict[str, Any]]) -> Table:
    columns = [c for c in ("node", "code", "component", "active", "since", "values") if any(c in a for a in alarms)]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for alarm in alarms:
        style = "red" if alarm.get("active", True) else ""
        table.add_row(
            *(cell(_shown(column, alarm.get(column)), style if column == "code" else "") for column in columns)
        )
    return table


def _shown(column: str, value: Any) -> str:
    if column == "since":
        return moment(value)
    if column == "active":
        return "active" if value else ""
    if isinstance(value, dict):
        return summary(value)
    return "" if value is None else str(value)
