"""`rta sessions`: lists the sessions of a running service."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import trio
from rich.console import Console
from rich.table import Table

from rta.cli.place import url_option
from rta.cli.text import cell
from rta.client import RestClient
from rta.wire import SessionModel
from rta.wire.json_model import dump

__all__ = ["command"]


@click.command("sessions")
@url_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
def command(url: str, as_json: bool) -> None:
    """List the sessions, newest first."""
    sessions = trio.run(RestClient(url).sessions)
    if as_json:
        for session in sessions:
            click.echo(dump(session))
        return
    if not sessions:
        click.echo("no sessions", err=True)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("identity", "identifier", "state", "started", "covers"):
        table.add_column(column, overflow="fold")
    for session in sessions:
        cells = session.identity, session.identifier, session.state.name.lower(), session.timestamp, _covers(session)
        table.add_row(*map(cell, cells))
    Console().print(table)


def _covers(session: SessionModel) -> str:
    span = session.span
    if span is None or span.end == span.start:  # a stored JSON may be older than the data
        return ""
    try:
        start = datetime.fromtimestamp(span.start / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{(span.end - span.start) / 1e9:.1f} s"
    return f"{(span.end - span.start) / 1e9:.1f} s from {start:%Y-%m-%d %H:%M:%S}Z"
