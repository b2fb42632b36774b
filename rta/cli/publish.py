"""`rta publish`: writes a recording to Redis as a live session, like an ingest process."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
import trio
from attrs import field, frozen

from rta.cli.publish_progress import PublishProgress, show_progress
from rta.cli.source_options import file_options, read_source_options, split_pairs
from rta.errors import ConfigError, Problem, RtaError, TransportError, first_error
from rta.formatting import printable_lines
from rta.ports import Context, Offer, Source, load_transport
from rta.signals import guard_signals
from rta.writer import Pump, open_writer

__all__ = ["command"]

_AT_ONCE = "1e9"  # the speed that 0 stands for


@frozen
class _Job:
    """What to write, and where."""

    offer: Offer[Source]
    options: Any
    context: Context
    url: str
    stream: str
    wait: bool
    caught: list[int] = field(factory=list)
    """The signal that has ended it, if one has."""


@click.command("publish")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--redis", "url", default="redis://127.0.0.1:6379", show_default=True, metavar="URL", help="The Redis to write to."
)
@click.option("--stream", default="rta", show_default=True, help="The name of the stream, without the prefix.")
@click.option("--wait", is_flag=True, help="Wait for Redis if it cannot be reached at the start.")
@click.option("--identity", help="The session's identity. Default: a new UUID.")
@click.option(
    "--speed", default="1", show_default=True, help="How many times as fast as recorded; 0: as fast as possible."
)
@click.option(
    "--origin",
    type=click.Choice(["start", "file", "recording", "auto"]),
    help="Timestamps: from now on (start), as in the file, or counted from the moment that the file names (recording); "
    "auto: that, where the file names one, or else from now on.",
)
@file_options
def command(
    file: Path,
    url: str,
    stream: str,
    wait: bool,
    more: tuple[str, ...],
    most: float,
    **named: str | None,
) -> None:
    """Write FILE to Redis as a live session, with its configuration. FILE is a table of text with a column of times, as
    loggers and spreadsheets export it; `rta inspect FILE` says how it is read.

    What cannot be read is left out, and listed at the end. When Redis goes away, the command waits for it, and nothing
    is lost. Ctrl-C ends the session as truncated, with exit status 130; a second Ctrl-C ends the command at once.
    """
    progress = PublishProgress(sys.stdout.isatty(), f"{Path.cwd() / file}: ")
    options = {name: value for name, value in named.items() if value is not None} | split_pairs(more)
    if re.fullmatch(r"\s*0+(?:\.0*)?\s*", options.get("speed", "")):
        options["speed"] = _AT_ONCE
    offer = load_transport("csv").source
    assert offer is not None
    context = Context(file.name, Path.cwd(), time.time_ns, progress)
    job = _Job(offer, _structured(offer, {"path": str(file)} | options, context), context, url, stream, wait)
    error: RtaError | None = None
    interrupted = False
    try:
        error = trio.run(_main, job, progress, restrict_keyboard_interrupt_to_checkpoints=True)
    except* KeyboardInterrupt:  # it came before the guard of signals
        interrupted = True
    if interrupted:
        sys.exit(128 + signal.SIGINT)
    progress.end(job.caught)
    if job.caught:
        if error is not None:
            click.echo(f"rta: {printable_lines(str(error))}", err=True)
        sys.exit(128 + job.caught[0])
    if error is not None:
        raise error
    if not progress.begun:
        raise RtaError(f"no row of {file} can be used: {progress.losses.reasons()}")
    sys.exit(1 if progress.losses.share > most else 0)


def _structured(offer: Offer[Source], texts: dict[str, str], context: Context) -> Any:
    """The options of the source.

    :raises ConfigError: every problem of the options and of the file.
    """
    options = read_source_options(offer, texts)
    problems = [Problem(line) for line in offer.check(options, context)]
    if problems:
        raise ConfigError(problems)
    return options


async def _main(job: _Job, progress: PublishProgress) -> RtaError | None:
    """Write all of it; the error that kept it from that, if there was one."""
    error: RtaError | None = None
    work = trio.CancelScope()

    def stop(number: int) -> None:
        job.caught.append(number)
        work.cancel()

    try:
        async with guard_signals(stop):
            with work:
                await _publish(job, progress)
    except* RtaError as group:
        error = first_error(group)
    if isinstance(error, TransportError) and not progress.begun:
        return RtaError(f"{error}; start it, or wait for it with --wait")
    return error


async def _publish(job: _Job, progress: PublishProgress) -> None:
    absent = "wait" if job.wait else "raise"
    async with (
        job.offer.open(job.options, job.context) as source,
        open_writer(job.url, job.stream, on_absent=absent, watcher=progress) as writer,  # type: ignore[arg-type]
        show_progress(progress, writer),
    ):
        pump = Pump(job.context.name, writer, progress, progress.took)
        try:
            await pump.run(source)
        finally:
            pump.truncate()
