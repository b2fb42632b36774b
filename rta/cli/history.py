"""`rta history`: what people do with the file of a node's history, without the node."""

from __future__ import annotations

from pathlib import Path

import click

from rta.cli.times import format_time
from rta.errors import RtaError
from rta.formatting import printable
from rta.history.salvage import salvage

__all__ = ["command"]


@click.group("history")
def command() -> None:
    """Get out of a damaged history what can be got."""


@command.command("salvage")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="HISTORY",
    help="The history that is to have the entries, before its own. It is made if it is not there.",
)
def salvage_command(file: Path, into: Path | None) -> None:
    """Look for entries in a damaged history, as history.sqlite.damaged-20260717T101500Z in a state directory.

    FILE stays as it is, with its log beside it. Without --into this only says what there is. With it the service that
    has HISTORY must not be running.
    """
    if into is not None and into.resolve() == file.resolve():
        raise click.UsageError("--into is to be another file than the damaged one")
    found = salvage(file, into)
    for sentence in found.noticed:
        click.echo(f"{into}: {printable(sentence)}", err=True)
    for (code, name), kept in sorted(found.streams.items()):
        first, last = format_time(kept.oldest), format_time(kept.newest)
        stream = printable("/".join(filter(None, (code, name))))
        click.echo(f"{stream}: {kept.count} entries, {first} to {last}")
    if found.nameless:
        click.echo(f"{found.nameless} entries are lost: the names of their streams cannot be read", err=True)
    count = sum(kept.count for kept in found.streams.values())
    if not count:
        raise RtaError(f"no entry of a history can be read in {file}")
    click.echo(f"{count} entries are now in {into}" if into else f"{count} entries can be read; --into keeps them")
