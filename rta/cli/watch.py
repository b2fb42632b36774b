"""`rta watch`: nodes as they are, in a live table, or what happens to them as lines."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import trio
from attrs import define, field, frozen
from rich.console import Console, Group
from rich.live import Live

from rta.cli.broker import Joined, Reach, broker_options, join, read_reach
from rta.cli.moments import clock
from rta.cli.node_argument import read_patterns, read_stream
from rta.cli.terminal import cell, lasting_pipe, write_lines
from rta.cli.watch_lines import event_json, event_lines
from rta.cli.watch_starts import Starter
from rta.cli.watch_table import GapCounts, render
from rta.consumer import Watch
from rta.errors import RtaError, first_error
from rta.formatting import printable
from rta.options.values import parse_duration
from rta.signals import guard_signals
from rta.wire.values import Ns

__all__ = ["command"]

_REFRESH = 0.25  # seconds
_WAITING = 1000  # events on their way to standard output; then the watch's own bound counts


@frozen
class _Wanted:
    """What is to be watched, and how it is shown."""

    patterns: tuple[str, ...]
    starts: tuple[tuple[str, str], ...]
    heal: bool
    patience: float
    form: str
    """table, lines or json."""


@click.command("watch")
@click.argument("nodes", nargs=-1, required=True, metavar="NODE...")
@click.option("--start", "starts", multiple=True, metavar="CODE[/STREAM]", help="Keep this stream running meanwhile.")
@click.option("--no-heal", is_flag=True, help="Show what is missing, and do not fetch it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each event, for pipes.")
@click.option(
    "--patience", default="10s", show_default=True, metavar="TIME", help="How long to try for the first connection."
)
@broker_options
def command(
    nodes: tuple[str, ...],
    starts: tuple[str, ...],
    no_heal: bool,
    as_json: bool,
    patience: str,
    config: Path | None,
    broker: str | None,
    consumer_id: str | None,
) -> None:
    """Watch NODEs until Ctrl-C: who is there, streams with their newest values, what is missing, alarms.

    In the id of a node + may stand for a whole level: 'dk/cph/+'. Entries that are missing are fetched from the node.
    On a terminal it is a table; elsewhere each event is a line. Streams that we started are stopped at the end.
    """
    try:
        seconds = parse_duration(patience)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--patience") from None
    form = "json" if as_json else "table" if sys.stdout.isatty() else "lines"
    streams = tuple(dict.fromkeys(read_stream(text) for text in starts))
    wanted = _Wanted(read_patterns(nodes), streams, not no_heal, seconds, form)
    reach = read_reach(config, broker, consumer_id)
    error: RtaError | None = None
    with lasting_pipe():
        try:
            trio.run(_main, reach, wanted)
        except* RtaError as group:
            error = first_error(group)
        except* KeyboardInterrupt:  # before the signals are ours
            pass
    if error is not None:
        raise error


@define
class _Leaving:
    """What a signal breaks off: connecting, or else the watching alone, so that we leave in order."""

    connecting: trio.CancelScope = field(factory=trio.CancelScope)
    watching: trio.CancelScope = field(factory=trio.CancelScope)
    connected: bool = False

    def leave(self, number: int) -> None:
        (self.watching if self.connected else self.connecting).cancel()


async def _main(reach: Reach, wanted: _Wanted) -> None:
    leaving = _Leaving()
    async with guard_signals(leaving.leave):
        with leaving.connecting:
            async with join(reach, wanted.patience) as joined:
                leaving.connected = True
                with leaving.watching:
                    await _watch(joined, wanted)


async def _watch(joined: Joined, wanted: _Wanted) -> None:
    if wanted.form != "table":
        joined.faults.told = _say
    async with joined.consumer.watch(*wanted.patterns, heal=wanted.heal) as watch, trio.open_nursery() as nursery:
        starter = Starter(joined.consumer, wanted.patterns, wanted.starts)
        nursery.start_soon(starter.run)
        if wanted.form == "table":
            await _show(joined, watch, wanted, starter)
        else:
            await _print(joined, watch, wanted, starter)


async def _show(joined: Joined, watch: Watch, wanted: _Wanted, starter: Starter) -> None:
    """For people."""
    console = Console()
    gaps = GapCounts()

    def table() -> Group:
        now = Ns(time.time_ns())
        head = cell(f"{' '.join(wanted.patterns)}  {clock(now)}", "bold").append(f"  as {joined.consumer.id}", "dim")
        return render(watch.nodes, gaps, now, head, _note(joined, watch, starter), console.height)

    async def refresh(live: Live) -> None:
        while True:
            live.update(table(), refresh=True)
            await trio.sleep(_REFRESH)

    with Live(console=console, auto_refresh=False) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refresh, live)
            async for event in watch:
                gaps.handle(event)
                starter.handle(event)


def _note(joined: Joined, watch: Watch, starter: Starter) -> str:
    """What is wrong."""
    parts = []
    if (trouble := joined.bus.trouble) is not None:
        parts.append(f"no connection: {trouble}")
    parts += starter.faults
    if watch.dropped:
        parts.append(f"{watch.dropped} events left out: too many at once")
    if joined.faults.total:
        parts.append(f"{joined.faults.total} times something malformed, the last time {joined.faults.last}")
    return "; ".join(parts)


async def _print(joined: Joined, watch: Watch, wanted: _Wanted, starter: Starter) -> None:
    """For pipes and files."""
    send, receive = trio.open_memory_channel[str](_WAITING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_lines, receive)
        nursery.start_soon(_tell_of_connection, joined)
        dropped = 0
        async for event in watch:
            starter.handle(event)
            now = Ns(time.time_ns())
            for line in [event_json(event, now)] if wanted.form == "json" else event_lines(event, now):
                await send.send(line)
            if watch.dropped > dropped:
                dropped = watch.dropped
                _say(f"{dropped} events left out by now: they come faster than they are taken from us")
            while starter.faults:
                _say(starter.faults.pop())


async def _tell_of_connection(joined: Joined) -> None:
    number = 0
    while True:
        link = await joined.bus.link(number)
        if number:
            _say("connected again")
        number = link.number
        await link.lost.wait()
        await trio.sleep(_REFRESH)  # by then the bus knows why
        _say(f"no connection, trying again: {joined.bus.trouble or 'lost for a moment'}")


def _say(text: str) -> None:
    click.echo(f"rta: {printable(text)}", err=True)
