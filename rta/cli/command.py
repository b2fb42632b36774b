"""`rta command`: sends a command to a node, and prints the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rta.cli.arguments import read_command_code, read_node, read_value
from rta.cli.broker import ConnectedConsumer, ask_over_broker
from rta.cli.broker_access import broker_options, read_broker_access
from rta.cli.text import json_line, outline
from rta.cli.times import read_duration

__all__ = ["command"]


@click.command("command")
@click.argument("node")
@click.argument("code")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--component", metavar="ID", help="The components that it is for: sg/1, sg/1,2, sg/1-4 or the whole group sg."
)
@click.option("--timeout", default="10s", show_default=True, metavar="TIME", help="How long to wait for the result.")
@click.option("--json", "as_json", is_flag=True, help="The values of the result as one JSON object, for pipes.")
@broker_options
def command(
    node: str,
    code: str,
    values: tuple[str, ...],
    component: str | None,
    timeout: str,
    as_json: bool,
    config: Path | None,
    broker: str | None,
    consumer_id: str | None,
) -> None:
    """Send NODE the command CODE with these values. A value that is not TOML is a text.

    Prints the values of the result. The exit status is 1 if the node refuses the command or does not answer.
    """
    target, call, given = read_node(node), read_command_code(code), _read(values)
    patience = read_duration(timeout, "--timeout")

    async def give(connected: ConnectedConsumer) -> dict[str, Any]:
        return await connected.consumer.command(target, call, given, component=component, timeout=patience)

    result = ask_over_broker(read_broker_access(config, broker, consumer_id), give)
    if as_json:
        click.echo(json_line(result))
        return
    for line in outline(result):
        click.echo(line)
    if not result:
        click.echo("ok", err=True)


def _read(texts: tuple[str, ...]) -> dict[str, Any]:
    """Read the values by their keys.

    :raises UsageError: one is not KEY=VALUE, or a key is there twice.
    """
    values: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in values:
            raise click.UsageError(f"expected KEY=VALUE, each key once, got {text!r}")
        values[key] = read_value(value)
    return values
