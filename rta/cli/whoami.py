"""`rta whoami`: who one is at a running service, what one may do, and until when."""

from __future__ import annotations

import attrs
import click
import trio

from rta.cli.service_options import service_argument
from rta.cli.service_place import ServicePlace, who_asks
from rta.cli.text import json_line
from rta.cli.times import format_listed_time
from rta.formatting import printable

__all__ = ["command"]


@click.command("whoami")
@service_argument(with_token=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(service: ServicePlace, as_json: bool) -> None:
    """Say who one is at the service at URL, what one may do there, and until when."""
    who = trio.run(who_asks, service.client())
    if as_json:
        click.echo(json_line(attrs.asdict(who)))
    else:
        until = f", until {format_listed_time(who.ends)}" if who.ends else ""
        click.echo(printable(f"{who}{until}"))
