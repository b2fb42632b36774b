"""`rta fetch`: what a node has kept of a stream, as CSV or lines of JSON."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import IO

import click
import trio
from attrs import define, frozen

from rta.cli.broker import Joined, ask, broker_options, read_reach
from rta.cli.fetch_progress import FetchProgress, show_progress
from rta.cli.history_table import CsvTable, EntryWriter, JsonLines
from rta.cli.moments import clock, read_moment
from rta.cli.node_argument import read_node, read_stream
from rta.cli.output import opened_output
from rta.cli.terminal import lasting_pipe
from rta.consumer import HistoryPage
from rta.errors import TransportError
from rta.options.values import parse_duration
from rta.wire.values import Ns

__all__ = ["command"]


@frozen
class _Wanted:
    """What is to be fetched."""

    node: str
    code: str
    name: str
    since: Ns | None
    until: Ns | None
    timeout: float


@define
class _Outcome:
    """What came of it."""

    entries: int = 0
    oldest: Ns | None = None
    """Of the entries that came, if the node has none before it."""
    broken_off: str = ""
    left_out: int = 0
    """Values."""


@click.command("fetch")
@click.argument("node")
@click.argument("code", metavar="CODE[/STREAM]")
@click.argument("stream", required=False, metavar="[STREAM]")
@click.option("--from", "since", metavar="TIME", help="From this time on: ISO 8601, or how long ago, as 15min or 1h.")
@click.option("--to", "until", metavar="TIME", help="Up to this time, which is not included; without it, all there is.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--fill", is_flag=True, help="CSV: repeat a value until it changes, in place of empty cells.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file in place of standard output.")
@click.option("--timeout", default="30s", show_default=True, metavar="TIME", help="The longest silence of the node.")
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
    """Fetch the history that NODE keeps of a stream, whether it runs or not.

    CSV has a row for each entry: ts, seq, and a column for each value, as rpm or, of a component, group[sg/1]. An empty
    cell has not changed, null is known to nobody. JSON is an object a line, written as it comes.
    Exit status 1 if the node does not answer, or breaks off; what has come is written.
    """
    now = Ns(time.time_ns())
    start = None if since is None else read_moment(since, now, "--from")
    end = None if until is None else read_moment(until, now, "--to")
    if start is not None and end is not None and start >= end:
        raise click.UsageError("--from must be before --to")
    if fill and form != "csv":
        raise click.UsageError("--fill is for CSV: an object of JSON has what the entry had")
    try:
        patience = parse_duration(timeout)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--timeout") from None
    wanted = _Wanted(read_node(node), *read_stream(code, stream), start, end, patience)
    reach = read_reach(config, broker, consumer_id)
    progress = FetchProgress(start, now if end is None else min(end, now))
    outcome: _Outcome | None = None
    with lasting_pipe(), opened_output(output) as out, _writing(out, form, fill) as writer:

        async def fetch(joined: Joined) -> _Outcome:
            async with show_progress(progress, sys.stderr.isatty()):
                return await _fetch(joined, wanted, writer, progress)

        outcome = ask(reach, fetch)
        writer.finish()
        outcome.left_out = writer.left_out
    if outcome is not None:  # else nobody listens any more
        _tell(outcome, wanted)


def _writing(out: IO[str], form: str, fill: bool) -> AbstractContextManager[EntryWriter]:
    return closing(CsvTable(out, fill)) if form == "csv" else nullcontext(JsonLines(out))


async def _fetch(joined: Joined, wanted: _Wanted, writer: EntryWriter, progress: FetchProgress) -> _Outcome:
    outcome = _Outcome()
    fetching = joined.consumer.fetch(
        wanted.node, wanted.code, wanted.name, wanted.since, wanted.until, timeout=wanted.timeout
    )
    try:
        async with fetching as pages:
            async for page in pages:
                if page.beginning and page.entries and outcome.oldest is None:
                    outcome.oldest = page.entries[0].ts
                await trio.to_thread.run_sync(_add, writer, page, abandon_on_cancel=True)  # a pipe may be full
                outcome.entries += len(page.entries)
                progress.took(page)
    except TransportError as e:
        if not outcome.entries:
            raise
        outcome.broken_off = str(e)
    return outcome


def _add(writer: EntryWriter, page: HistoryPage) -> None:
    for entry in page.entries:
        writer.add(entry)


def _tell(outcome: _Outcome, wanted: _Wanted) -> None:
    def say(text: str) -> None:
        click.echo(text, err=True)

    if outcome.broken_off:
        say(f"rta: broken off after {outcome.entries} entries: {outcome.broken_off}")
        sys.exit(1)
    if not outcome.entries:
        say("no entries: nothing was kept of that time, or there is no such stream, or it keeps no history")
    elif wanted.since is not None and outcome.oldest is not None and outcome.oldest > wanted.since:
        say(f"the node's history does not reach back to --from: it begins at {clock(outcome.oldest)}")
    if outcome.left_out:
        say(f"{outcome.left_out} values were left out: there are more columns than a table can have")
