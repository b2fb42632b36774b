"""`rta sessions`: lists the sessions of a running service."""

from __future__ import annotations

from math import inf

import click
import trio
from rich.text import Text

from rta.cli.records import lay_out, output_width, print_lines
from rta.cli.service_options import service_options
from rta.cli.service_place import ServicePlace
from rta.cli.text import cell
from rta.cli.times import format_elapsed, format_listed_time, format_time, parse_listed_time
from rta.formatting import printable_json
from rta.wire import SessionModel
from rta.wire.json_model import dump
from rta.wire.values import Ns

__all__ = ["command"]

_APART = 60.0  # seconds between the beginning of a session and that of its data


@click.command("sessions")
@service_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
def command(service: ServicePlace, as_json: bool) -> None:
    """List the sessions, newest first."""
    sessions = trio.run(service.client().sessions)
    if as_json:
        for session in sessions:
            click.echo(printable_json(dump(session)))
        return
    if not sessions:
        click.echo("no sessions", err=True)
        return
    heads = ("identity", "identifier", "state", "started", "covers")
    print_lines(lay_out(heads, [_cells(session) for session in sessions], output_width()))


def _cells(session: SessionModel) -> list[Text]:
    started = format_listed_time(session.timestamp) or session.timestamp
    texts = (session.identity, session.identifier, session.state.name.lower(), started, _covers(session))
    return [cell(text) for text in texts]


def _covers(session: SessionModel) -> str:
    """How much time, and from when on if that is not when the session began."""
    span = session.span
    if span is None or span.end == span.start:  # a stored JSON may be older than the data
        return ""
    began, elapsed = parse_listed_time(session.timestamp), format_elapsed(span.end - span.start)
    apart = inf if began is None else abs(began.timestamp() - span.start / 1e9)
    since = format_time(Ns(span.start)) if apart > _APART else ""
    return f"{elapsed} from {since}" if since else elapsed
