"""`rta command`: a command to a node, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rta.cli.broker import Joined, ask, broker_options, read_reach
from rta.cli.entry_values import flat, written
from rta.cli.node_argument import read_command_code, read_node
from rta.cli.stream_fields import read_value
from rta.cli.terminal import json_line
from rta.formatting import printable
from rta.options.values import parse_duration

__all__ = ["command"]


@click.command("command")
@click.argument("node")
@click.argument("code")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--component", metavar="ID", help="The components it is for: sg/1, sg/1,2, sg/1-4 or, of a group, sg.")
@click.option("--timeout", default="10s", show_default=True, metavar="TIME", help="How long to wait for the result.")
@click.option("--json", "as_json", is_flag=True, help="The result's values as one JSON object, for pipes.")
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
    """Give NODE the command CODE with these values; each is read as TOML if it is, else as text.

    Prints the values of the result. Exit status 1 if it is refused, with the node's reason, or has no answer.
    """
    target, call, given = read_node(node), read_command_code(code), _read(values)
    try:
        patience = parse_duration(timeout)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--timeout") from None

    async def give(joined: Joined) -> dict[str, Any]:
        return await joined.consumer.command(target, call, given, component=component, timeout=patience)

    result = ask(read_reach(config, broker, consumer_id), give)
    if as_json:
        click.echo(json_line(result))
        return
    for path, value in flat(result):
        click.echo(printable(f"{path} = {written(value)}"))
    if not result:
        click.echo("ok", err=True)


def _read(texts: tuple[str, ...]) -> dict[str, Any]:
    """
    :raises UsageError: one is no value of a key, or a key is there twice.
    """
    values: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in values:
            raise click.UsageError(f"expected KEY=VALUE, each key once, got {text!r}")
        values[key] = read_value(value)
    return values
