"""`rta archive`: what people do with the archive on disk, whether or not its service runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import click

from rta.cli.archive_place import archive_options, stored_archive
from rta.cli.archive_report import session_document, session_lines, session_row
from rta.cli.configured_archive import configured_limits
from rta.cli.records import lay_out, output_width, print_lines
from rta.cli.share_bar import share_bar
from rta.cli.text import json_line
from rta.cli.times import read_duration
from rta.errors import MalformedError, RtaError
from rta.formatting import counted, format_bytes, printable
from rta.options.values import parse_size
from rta.ports import ArchivedSession, ArchiveLimits, StoredArchive
from rta.session_query import NEWEST_FIRST, SessionQuery, read_list_request

__all__ = ["command"]

_PAGE = 100  # sessions
_HEADS = ("identity", "identifier", "state", "covers", "size", "files")


@click.group("archive")
def command() -> None:
    """List, check and remove recorded sessions, on the machine that has them; its service may be running."""


# ---- what there is


@command.command("list")
@archive_options
@click.option("--query", metavar="JSON", default="", help="Only sessions that a query of the REST API asks for.")
@click.option(
    "--sort", metavar="PATH[:desc]", multiple=True, help="What to sort by; may be repeated. Default: newest first."
)
@click.option("--page", type=click.IntRange(min=1), default=1, help="Which page of the list.")
@click.option("--size", type=click.IntRange(1, 10_000), default=_PAGE, show_default=True, help="Sessions of a page.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
def list_command(
    path: Path | None, folder: Path | None, query: str, sort: tuple[str, ...], page: int, size: int, as_json: bool
) -> None:
    """List the recorded sessions, newest first."""
    wanted = _query(query, sort, page, size)
    with stored_archive(path, folder) as archive:
        found = archive.sessions(wanted)
    _print_sessions(found[:size], as_json)
    if len(found) > size:
        click.echo(f"there are more: --page {page + 1}", err=True)


def _query(query: str, sort: tuple[str, ...], page: int, size: int) -> SessionQuery:
    """One session more than fits on the page is asked for, to know whether there is another page."""
    try:
        request = read_list_request([("query", query), *(("sort", text) for text in sort)])
    except MalformedError as e:
        raise click.BadParameter(str(e), param_hint=f"--{e.kind}") from None
    return attrs.evolve(request.query, offset=(page - 1) * size, limit=size + 1, top_level=False)


def _print_sessions(sessions: Sequence[ArchivedSession], as_json: bool) -> None:
    if as_json:
        for session in sessions:
            click.echo(json_line(session_document(session)))
    elif sessions:
        print_lines(lay_out(_HEADS, [session_row(session) for session in sessions], output_width(), right=("size",)))
    else:
        click.echo("no sessions", err=True)


@command.command("show")
@click.argument("identity", default="latest")
@archive_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show_command(identity: str, path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Say what is recorded of a session ('latest': the newest): its runs and up to where, holes, channels and sizes."""
    with stored_archive(path, folder) as archive:
        session = archive.find(_latest(archive) if identity == "latest" else identity)
        if session is None:
            raise RtaError(f"there is no recorded session {identity!r}; `rta archive list` lists them")
        channels = archive.channels(session.identity)
    if as_json:
        click.echo(json_line(session_document(session, channels)))
    else:
        print_lines(session_lines(session, channels, output_width()))


def _latest(archive: StoredArchive) -> str:
    found = archive.sessions(SessionQuery(sort=NEWEST_FIRST, limit=1, top_level=False))
    if not found:
        raise RtaError("there are no recorded sessions")
    return found[0].identity


# ---- whether it is as it was written


@command.command("verify")
@archive_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify_command(path: Path | None, folder: Path | None, as_json: bool) -> None:
    """Compare all that is recorded with its check sums. Nothing is changed.

    The exit status is 1 if anything is damaged.
    """
    with stored_archive(path, folder) as archive, share_bar("verifying") as progress:
        found = archive.verify(progress)
    if as_json:
        click.echo(json_line(attrs.asdict(found)))
    else:
        for sentence in found.damage:
            click.echo(printable(sentence))
        amount = f"{counted(found.files, 'file')}, {format_bytes(found.bytes)}"
        said = f"{counted(len(found.damage), 'fault')} found" if found.damage else "all is as it was written"
        click.echo(f"{amount}: {said}")
    sys.exit(1 if found.damage else 0)


# ---- removing


@command.command("delete")
@click.argument("identities", nargs=-1, required=True, metavar="IDENTITY...")
@archive_options
def delete_command(identities: tuple[str, ...], path: Path | None, folder: Path | None) -> None:
    """Remove recorded sessions. A service that has the archive removes them within seconds."""
    with stored_archive(path, folder) as archive:
        missing = [identity for identity in identities if archive.find(identity) is None]
        if missing:
            raise RtaError(f"there is no recorded session {missing[0]!r}; nothing is removed")
        _delete(archive, identities)


@command.command("prune")
@archive_options
@click.option("--older-than", metavar="DURATION", help="Sessions that were last written to longer ago than this: 30d.")
@click.option("--max-size", metavar="SIZE", help="The oldest ones, until the others have no more than this: 50GiB.")
@click.option("--min-free", metavar="SIZE", help="The oldest ones, until so much of the disk is free.")
@click.option("--dry-run", is_flag=True, help="Only list what would go.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each session that goes.")
def prune_command(
    path: Path | None,
    folder: Path | None,
    older_than: str | None,
    max_size: str | None,
    min_free: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove closed sessions that are over a limit, the oldest first; without a limit, over those of the
    configuration of the archive. Open ones stay.
    """
    keep = ArchiveLimits(
        max_age=None if older_than is None else round(read_duration(older_than, "--older-than") * 1e9),
        max_bytes=_size(max_size, "--max-size"),
        min_free=_size(min_free, "--min-free"),
    )
    if keep == ArchiveLimits() and (folder is None or path is not None):
        keep = configured_limits(path)
    if (keep.max_age, keep.max_bytes, keep.min_free) == (None, None, None):
        raise click.UsageError("say what is to go: --older-than, --max-size or --min-free")
    with stored_archive(path, folder) as archive:
        found = archive.surplus(keep, time.time_ns())
        _print_sessions(found, as_json)
        if found and not dry_run:
            _delete(archive, [session.identity for session in found])


def _size(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else parse_size(text)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint=option) from None


def _delete(archive: StoredArchive, identities: Sequence[str]) -> None:
    gone = archive.delete(identities)
    count = counted(len(identities), "session")
    click.echo(f"{count} removed" if gone else f"{count} will be removed by the service that has the archive", err=True)
