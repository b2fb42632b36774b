"""`rta watch`: nodes in a live table, or their events as lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import trio
from attrs import define, field, frozen
from rich.console import Console, Group
from rich.live import Live

from rta.cli.arguments import read_patterns, read_valid_stream
from rta.cli.broker import ConnectedConsumer, connect_consumer
from rta.cli.broker_access import BrokerAccess, broker_options, read_broker_access
from rta.cli.event_text import event_json, event_lines
from rta.cli.keyboard import turn_pages
from rta.cli.output import allow_broken_pipe, write_lines
from rta.cli.paging import Pager
from rta.cli.stream_starter import StreamStarter
from rta.cli.times import read_duration
from rta.cli.watch_table import GapCounts, Watched, unheard
from rta.cli.wrong_clocks import WrongClocks
from rta.consumer import Watch
from rta.errors import RtaError, first_error
from rta.formatting import printable
from rta.signals import guard_signals
from rta.wire.values import Ns

__all__ = ["command"]

_REFRESH = 0.25  # seconds
_UNHEARD = 1.0  # seconds after which a node that is there would have been heard, by what the broker has kept
_WAITING = 1000  # lines for standard output; at the bound, events wait in the watch, which has a bound of its own


@frozen
class _Request:
    """What to watch, and how to show it."""

    patterns: tuple[str, ...]
    starts: tuple[tuple[str, str], ...]
    heal: bool
    patience: float
    form: str
    """`table`, `lines` or `json`."""


@click.command("watch")
@click.argument("nodes", nargs=-1, required=True, metavar="NODE...")
@click.option(
    "--start", "starts", multiple=True, metavar="CODE[/STREAM]", help="Start this stream, and keep it running."
)
@click.option("--no-heal", is_flag=True, help="Do not fetch missing entries from the nodes.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each event, for pipes.")
@click.option(
    "--patience", default="10s", show_default=True, metavar="TIME", help="How long to wait for the first connection."
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
    """Watch NODEs until Ctrl-C: presence, streams with their newest values, gaps, alarms.

    In the id of a node, + may stand for a whole level: 'dk/cph/+'. Missing entries are fetched from the node.
    A terminal shows a table; elsewhere each event is a line. At the end, the streams that --start has started are
    stopped.
    """
    seconds = read_duration(patience, "--patience")
    form = "json" if as_json else "table" if sys.stdout.isatty() else "lines"
    streams = tuple(dict.fromkeys(read_valid_stream(text) for text in starts))
    request = _Request(read_patterns(nodes), streams, not no_heal, seconds, form)
    access = read_broker_access(config, broker, consumer_id)
    error: RtaError | None = None
    with allow_broken_pipe():
        try:
            trio.run(_main, access, request, restrict_keyboard_interrupt_to_checkpoints=True)
        except* RtaError as group:
            error = first_error(group)
        except* KeyboardInterrupt:  # it came before the guard of signals
            pass
    if error is not None:
        raise error


@define
class _Leaving:
    """What the first signal cancels: connecting or, once connected, only watching, so that streams are stopped."""

    connecting: trio.CancelScope = field(factory=trio.CancelScope)
    watching: trio.CancelScope = field(factory=trio.CancelScope)
    connected: bool = False

    def leave(self, number: int) -> None:
        (self.watching if self.connected else self.connecting).cancel()


async def _main(access: BrokerAccess, request: _Request) -> None:
    leaving = _Leaving()
    async with guard_signals(leaving.leave):
        with leaving.connecting:
            async with connect_consumer(access, request.patience) as connected:
                leaving.connected = True
                with leaving.watching:
                    await _watch(connected, request, leaving.watching.cancel)


async def _watch(connected: ConnectedConsumer, request: _Request, leave: Callable[[], None]) -> None:
    if request.form != "table":
        connected.faults.say = _say
    async with connected.consumer.watch(*request.patterns, heal=request.heal) as watch, trio.open_nursery() as nursery:
        starter = StreamStarter(connected.consumer, request.patterns, request.starts)
        nursery.start_soon(starter.run)
        if request.form == "table":
            await _show(connected, watch, request, starter, leave)
        else:
            await _print(connected, watch, request, starter)


async def _show(
    connected: ConnectedConsumer, watch: Watch, request: _Request, starter: StreamStarter, leave: Callable[[], None]
) -> None:
    """Show a table. `leave` ends it."""
    console = Console(highlight=False)
    gaps, clocks, pager = GapCounts(), WrongClocks(), Pager()

    def table() -> Group:
        trouble, notes = connected.bus.trouble, _notes(connected, watch, starter, clocks)
        watched = Watched(request.patterns, watch.nodes, gaps, connected.consumer.id, trouble, notes)
        return Group(*watched.draw(Ns(time.time_ns()), pager, console.width, console.height))

    async def refresh(live: Live) -> None:
        while True:
            live.update(table(), refresh=True)
            await trio.sleep(_REFRESH)

    with Live(console=console, auto_refresh=False) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refresh, live)
            nursery.start_soon(turn_pages, pager, leave)
            async for event in watch:
                gaps.handle(event)
                clocks.handle(event, Ns(time.time_ns()))
                starter.handle(event)


def _notes(connected: ConnectedConsumer, watch: Watch, starter: StreamStarter, clocks: WrongClocks) -> list[str]:
    """What is wrong besides the connection, in words."""
    parts = [*starter.faults]
    if watch.dropped:
        parts.append(f"{watch.dropped} events left out: they came too fast")
    if connected.faults.total:
        parts.append(f"{connected.faults.total} messages were malformed, last {connected.faults.last}")
    if clocks.total:
        parts.append(f"{clocks.total} entries of wrong clocks, last {clocks.last}")
    return parts


async def _print(connected: ConnectedConsumer, watch: Watch, request: _Request, starter: StreamStarter) -> None:
    """Print lines, for pipes and files."""
    send, receive = trio.open_memory_channel[str](_WAITING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_lines, receive)
        nursery.start_soon(_report_connection, connected)
        nursery.start_soon(_report_unheard, watch, request.patterns)
        dropped, clocks = 0, WrongClocks()
        async for event in watch:
            starter.handle(event)
            now = Ns(time.time_ns())
            for line in [event_json(event, now)] if request.form == "json" else event_lines(event, now):
                await send.send(line)
            if wrong := clocks.handle(event, now):
                _say(wrong)
            if watch.dropped > dropped:
                dropped = watch.dropped
                _say(f"{dropped} events left out so far: they come faster than our output is read")
            while starter.faults:
                _say(starter.faults.pop())


async def _report_unheard(watch: Watch, patterns: tuple[str, ...]) -> None:
    await trio.sleep(_UNHEARD)
    for pattern in unheard(patterns, watch.nodes):
        _say(f"nothing has been heard of {pattern} yet")


async def _report_connection(connected: ConnectedConsumer) -> None:
    number = 0
    while True:
        link = await connected.bus.link(number)
        if number:
            _say("connected again")
        number = link.number
        await link.lost.wait()
        await trio.sleep(_REFRESH)  # by then the bus knows the reason
        _say(f"no connection, trying again: {connected.bus.trouble or 'lost for a moment'}")


def _say(text: str) -> None:
    click.echo(f"rta: {printable(text)}", err=True)
