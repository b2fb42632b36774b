"""`rta fetch`: the history that a node has of a stream, as CSV or lines of JSON."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from pathlib import Path
from typing import IO

import click
import trio
from attrs import define, frozen

from rta.cli.arguments import read_node, read_valid_stream
from rta.cli.broker import ConnectedConsumer, ask_over_broker
from rta.cli.broker_access import broker_options, read_broker_access
from rta.cli.fetch_progress import FetchProgress
from rta.cli.history_writers import CsvTable, EntryWriter, JsonLines
from rta.cli.node_streams import NodeStreams
from rta.cli.output import allow_broken_pipe, open_output
from rta.cli.progress_bar import show_bar
from rta.cli.stream_explanation import stream_label
from rta.cli.times import format_time, read_duration, read_time
from rta.consumer import HistoryPage
from rta.errors import RtaError, TransportError
from rta.formatting import choices, printable
from rta.wire.values import Ns

__all__ = ["command"]

_ASKED = 3.0  # seconds for the list of a node's streams


@frozen
class _Request:
    """What to fetch."""

    node: str
    code: str
    name: str
    since: Ns | None
    until: Ns | None
    timeout: float


@define
class _Outcome:
    """What was fetched."""

    entries: int = 0
    oldest: Ns | None = None
    """The time of the first entry, if the node has none before it."""
    broken_off: str = ""
    """Why the rest has not come; empty: all of it has."""
    empty: str = ""
    """Why there is no entry, if there is none."""
    left_out: int = 0
    """How many values had no room."""


@click.command("fetch")
@click.argument("node")
@click.argument("code", metavar="CODE[/STREAM]")
@click.argument("stream", required=False, metavar="[STREAM]")
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="The first time: ISO 8601, or how long ago, as 15min or 1h. Default: all there is.",
)
@click.option("--to", "until", metavar="TIME", help="The time to end before. Default: all there is.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--fill", is_flag=True, help="CSV: repeat a value until it changes, instead of empty cells.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write to, instead of standard output."
)
@click.option("--timeout", default="30s", show_default=True, metavar="TIME", help="How long the node may be silent.")
@broker_options
def command(
    node: str,
    code: str,
    stream: str | None,
    since: str | None,
    until: str | None,
    form: str,
    fill: bool,
    output: Path | None,
    timeout: str,
    config: Path | None,
    broker: str | None,
    consumer_id: str | None,
) -> None:
    """Fetch the history that NODE keeps of a stream, which need not be running.

    CSV has a row for each entry: ts, seq, and a column for each value, such as rpm or, of a component, group[sg/1]. An
    empty cell means that the value has not changed; null means that nobody knows it. JSON is one object a line.
    The exit status is 1 if the node does not answer or breaks off; what has come by then is written.
    """
    now = Ns(time.time_ns())
    start = None if since is None else read_time(since, now, "--from")
    end = None if until is None else read_time(until, now, "--to")
    if start is not None and end is not None and start >= end:
        raise click.UsageError("--from must be before --to")
    if fill and form != "csv":
        raise click.UsageError("--fill is for CSV: an object of JSON has what the entry had")
    patience = read_duration(timeout, "--timeout")
    request = _Request(read_node(node), *read_valid_stream(code, stream), start, end, patience)
    access = read_broker_access(config, broker, consumer_id)
    progress = FetchProgress(start, now if end is None else min(end, now))
    outcome: _Outcome | None = None
    with allow_broken_pipe(), open_output(output) as out, _writing(out, form, fill) as writer:

        async def fetch(connected: ConnectedConsumer) -> _Outcome:
            async with show_bar(lambda: progress.share, progress.text, sys.stderr.isatty()):
                return await _fetch(connected, request, writer, progress)

        outcome = ask_over_broker(access, fetch)
        writer.finish()
        outcome.left_out = writer.left_out
    if outcome is not None:  # otherwise the reader of the output has gone
        _report(outcome, request)


def _writing(out: IO[str], form: str, fill: bool) -> AbstractContextManager[EntryWriter]:
    return closing(CsvTable(out, fill)) if form == "csv" else nullcontext(JsonLines(out))


async def _fetch(
    connected: ConnectedConsumer, request: _Request, writer: EntryWriter, progress: FetchProgress
) -> _Outcome:
    outcome = _Outcome()
    fetching = connected.consumer.fetch(
        request.node, request.code, request.name, request.since, request.until, timeout=request.timeout
    )
    try:
        async with fetching as pages:
            async for page in pages:
                if page.beginning and page.entries and outcome.oldest is None:
                    outcome.oldest = page.entries[0].ts
                await trio.to_thread.run_sync(_add, writer, page, abandon_on_cancel=True)  # a pipe may be full
                outcome.entries += len(page.entries)
                progress.add(page)
    except TransportError as e:
        if not outcome.entries:
            raise
        outcome.broken_off = str(e)
    if not outcome.entries:
        outcome.empty = await _why_empty(connected, request)
    return outcome


async def _why_empty(connected: ConnectedConsumer, request: _Request) -> str:
    """Why a stream has no entries, as far as its node lists its streams."""
    with suppress(RtaError), trio.move_on_after(_ASKED):
        streams = await NodeStreams(connected.consumer, connected.bus, request.node).list()
        known = {stream_label(s): (str(s.get("code")), str(s.get("name"))) for s in streams}
        wanted = stream_label({"code": request.code, "name": request.name})
        if wanted not in known:
            return f"{request.node} has no stream {wanted}; {choices(wanted, known)}"
        if any(stream_label(s) == wanted and s.get("history") is None for s in streams):
            return f"{wanted} keeps no history"
        return "nothing was kept of that time"
    return "nothing was kept of that time, or there is no such stream, or it keeps no history"


def _add(writer: EntryWriter, page: HistoryPage) -> None:
    for entry in page.entries:
        writer.add(entry)


def _report(outcome: _Outcome, request: _Request) -> None:
    def say(text: str) -> None:
        click.echo(printable(text), err=True)

    if outcome.broken_off:
        say(f"rta: broken off after {outcome.entries} entries: {outcome.broken_off}")
        sys.exit(1)
    if not outcome.entries:
        say(printable(f"no entries: {outcome.empty}"))
    elif request.since is not None and outcome.oldest is not None and outcome.oldest > request.since:
        say(f"the node's history does not reach back to --from: it begins at {format_time(outcome.oldest)}")
    if outcome.left_out:
        say(f"{outcome.left_out} values were left out: there are more columns than a table can have")
