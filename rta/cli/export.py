"""`rta export`: a recorded session as a file for a spreadsheet, pandas, Foxglove or PlotJuggler."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from functools import partial
from pathlib import Path
from typing import IO, Any

import click
import trio
from attrs import define, evolve, frozen

from rta import __version__
from rta.cli.archive_place import stored_archive
from rta.cli.export_progress import show_export
from rta.cli.output import allow_broken_pipe
from rta.cli.part_file import PartFile
from rta.cli.service_options import service_options
from rta.cli.service_place import ServicePlace
from rta.cli.times import SessionTime, SessionTimeType, format_time
from rta.client.follow import find_session
from rta.errors import FlushPointError, RtaError, first_error
from rta.export import FORMATS, Export, ExportFormat, ExportPiece, ExportRequest, ExportSource, open_export
from rta.export.rest_source import RestData
from rta.export.source import read_archived
from rta.export.stored_source import StoredData
from rta.formatting import printable, shown
from rta.ports import FlushPoint, StoredArchive
from rta.session_query import NEWEST_FIRST, Comparison, Operator, SessionQuery
from rta.session_query.query import EVERYTHING
from rta.signals import guard_signals
from rta.wire import SessionModel
from rta.wire.values import Ns

__all__ = ["command"]


@frozen
class _Order:
    """What is to be exported, and where to."""

    request: ExportRequest
    since: SessionTime | None
    until: SessionTime | None
    output: Path | None


@define
class _Outcome:
    """What has become of it."""

    export: Export | None = None
    bytes: int = 0
    resumed: int = 0
    """Bytes that an earlier try had written."""
    caught: int = 0
    """The signal that has ended it, if one has."""
    kept: bool = False
    """The same command goes on where it has ended."""


@click.command("export")
@click.argument("session", default="latest")
@service_options
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of an archive to read instead of asking a service.",
)
@click.option(
    "-p",
    "--parameter",
    "only",
    multiple=True,
    help="Only this parameter: its id, its name, or what the file calls it; may be repeated. Default: all that have "
    "samples.",
)
@click.option(
    "--from",
    "since",
    type=SessionTimeType(),
    metavar="TIME",
    help="The first time: ISO 8601, or how long after the session's beginning, as 90s or 1h. Default: all there is.",
)
@click.option(
    "--to",
    "until",
    type=SessionTimeType(),
    metavar="TIME",
    help="The time to end before, as --from. Default: all there is.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Default: what the name of the file says, else csv. All but csv need the extra: pip install 'rta[export]'.",
)
@click.option("--events", is_flag=True, help="The events instead of the samples.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write to, instead of standard output. It gets its name when it is whole.",
)
def command(
    session: str,
    service: ServicePlace,
    folder: Path | None,
    only: tuple[str, ...],
    since: SessionTime | None,
    until: SessionTime | None,
    form: str | None,
    events: bool,
    output: Path | None,
) -> None:
    """Export the engineering values of SESSION (an identity, an identifier or 'latest'), with their units.

    CSV, parquet and arrow have a row for each time, and a column for each parameter. A session that goes on is exported
    up to where it is recorded now. An export as csv or arrow that was interrupted goes on where it was when the same
    command is given again. The exit status is 1 if anything had to be left out.
    """
    chosen = _format(form, output)
    chosen.require()
    if events and only:
        raise click.UsageError("--events is for all events: they are of no parameter")
    if output is None and chosen.name != "csv" and sys.stdout.isatty():
        raise click.UsageError(f"{chosen.name} is nothing for a terminal: say -o FILE")
    order = _Order(ExportRequest("", chosen, only, events=events), since, until, output)
    outcome = _Outcome()
    error: RtaError | None = None
    with allow_broken_pipe(), ExitStack() as stack:
        if folder is None:
            rest = service.client()
            source: ExportSource = RestData(rest)
            find = partial(find_session, rest, session)
        else:
            stored = stack.enter_context(stored_archive(None, folder))
            source, find = StoredData(stored), partial(_find_stored, stored, session)
        error = trio.run(_main, source, find, order, outcome)
    _report(order, outcome, error)


def _format(form: str | None, output: Path | None) -> ExportFormat:
    if form is not None:
        return FORMATS[form]
    suffix = "" if output is None else output.suffix.lower()
    return next((known for known in FORMATS.values() if suffix in (known.suffix, f".{known.name}")), FORMATS["csv"])


async def _find_stored(archive: StoredArchive, wanted: str) -> SessionModel:
    """As `find_session`, of an archive on disk.

    :raises RtaError: there is no such session.
    """
    named = Comparison("identifier", Operator.EQ, wanted)
    query = SessionQuery(EVERYTHING if wanted == "latest" else named, NEWEST_FIRST, limit=1, top_level=False)
    found = await trio.to_thread.run_sync(archive.find, wanted)
    if found is None:
        found = next(iter(await trio.to_thread.run_sync(archive.sessions, query)), None)
    if found is None:
        raise RtaError(f"there is no recorded session {shown(wanted)}; `rta archive list` lists them")
    return read_archived(found)


async def _main(
    source: ExportSource, find: Callable[[], Awaitable[SessionModel]], order: _Order, outcome: _Outcome
) -> RtaError | None:
    """Export it; the error that kept it from that, if there was one."""
    work = trio.CancelScope()

    def stop(number: int) -> None:
        outcome.caught = number
        work.cancel()

    error: RtaError | None = None
    try:
        async with guard_signals(stop):
            with work:
                await _export(source, find, order, outcome)
    except* RtaError as group:
        error = first_error(group)
    return error


async def _export(
    source: ExportSource, find: Callable[[], Awaitable[SessionModel]], order: _Order, outcome: _Outcome
) -> None:
    model = await find()
    request = evolve(
        order.request,
        identity=model.identity,
        start=None if order.since is None else order.since.of(model),
        end=None if order.until is None else max(order.until.of(model) - 1, 0),
    )
    if request.start is not None and request.end is not None and request.start > request.end:
        raise RtaError("--from must be before --to")
    if order.output is None or (order.output.exists() and not order.output.is_file()):
        export = outcome.export = await open_export(source, request)
        out = sys.stdout.buffer if order.output is None else order.output.open("wb")
        try:
            async with show_export(export, sys.stderr.isatty() and not sys.stdout.isatty()):
                await _write(export.pieces(), out, outcome)
        finally:
            if order.output is not None:
                out.close()
        return
    try:
        await _write_file(source, request, order.output, outcome)
    except OSError as e:
        raise RtaError(f"{order.output}: cannot be written: {e.strerror or e}") from None


async def _write(pieces: AsyncGenerator[ExportPiece], out: IO[bytes], outcome: _Outcome) -> None:
    def write(data: bytes) -> None:
        out.write(data)
        out.flush()

    async with aclosing(pieces):
        async for piece in pieces:
            try:
                await trio.to_thread.run_sync(write, piece.data, abandon_on_cancel=True)  # a pipe may be full
            except OSError as e:
                if isinstance(e, BrokenPipeError):
                    raise
                raise RtaError(f"the export cannot be written: {e.strerror or e}") from None
            outcome.bytes += len(piece.data)


async def _write_file(source: ExportSource, request: ExportRequest, path: Path, outcome: _Outcome) -> None:
    part = PartFile(path)
    try:
        export = outcome.export = await _reopened(source, request, part)
        after = part.begin(_said(export))
        outcome.resumed = part.bytes
        async with show_export(export, sys.stderr.isatty()), aclosing(export.pieces(after)) as pieces:
            async for piece in pieces:
                await trio.to_thread.run_sync(part.write, piece)
        await trio.to_thread.run_sync(part.finish)
        outcome.bytes = part.bytes
    finally:
        part.close(request.format.resumable)
        outcome.kept = part.is_kept


async def _reopened(source: ExportSource, request: ExportRequest, part: PartFile) -> Export:
    """As it was when an earlier try began, if that can still be told; else as it is now."""
    upto = part.left().get("upto")
    if isinstance(upto, str):
        try:
            return await open_export(source, request, FlushPoint.parse(upto))
        except (FlushPointError, ValueError):
            pass
    return await open_export(source, request)


def _said(export: Export) -> dict[str, Any]:
    """What has to be the same for an export to go on."""
    request = export.request
    return {
        "rta": __version__,
        "session": request.identity,
        "format": request.format.name,
        "events": request.events,
        "from": request.start,
        "to": request.end,
        "upto": None if export.upto is None else str(export.upto),
        "columns": [[c.name, c.unit, c.identifier] for c in export.columns],
    }


def _report(order: _Order, outcome: _Outcome, error: RtaError | None) -> None:
    def say(text: str) -> None:
        click.echo(printable(text), err=True)

    export = outcome.export
    if outcome.kept and (outcome.caught or error is not None):
        share = 0.0 if export is None else export.share
        say(f"broken off at {share:.0%}; the same command goes on from there")
    if outcome.caught:
        sys.exit(128 + outcome.caught)
    if error is not None:
        raise error
    if export is None:
        return
    for fault in export.faults:
        say(f"left out: {fault}")
    if export.damaged:
        say("left out: chunks that are damaged; `rta archive verify` says which")
    if order.output is not None:
        counted = f"{export.events} events" if export.request.events else f"{export.samples} samples"
        went_on = f" behind the {outcome.resumed / 1e6:.2f} MB that were there" if outcome.resumed else ""
        say(f"{order.output}: {counted}{went_on}, {len(export.columns)} columns, {outcome.bytes / 1e6:.2f} MB")
    if not (export.samples or export.events or outcome.resumed):
        say("there is nothing in this range")
    if not export.model.state.is_closed and export.model.span is not None:
        say(f"the session goes on; it is exported up to {format_time(Ns(export.model.span.end))}")
    if export.faults or export.damaged:
        sys.exit(1)
