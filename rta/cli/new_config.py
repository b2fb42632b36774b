"""`rta config new`: a commented configuration to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from rta.cli.output import open_output
from rta.cli.source_table import inspect_file, source_table
from rta.config import config_template

__all__ = ["command"]

_ROWS = 1000  # of the file that are read


@click.command("new")
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A recording (CSV), which becomes a source.",
)
@click.option("--redis", is_flag=True, help="The buffer is on Redis, where processes can share it.")
@click.option("--broker", is_flag=True, help="Streams go to an MQTT broker; with an example of one.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write here. Default: standard output.")
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
def command(file: Path | None, redis: bool, broker: bool, output: Path | None, force: bool) -> None:
    """Write a commented configuration to begin with, for `rta check` and `rta run`."""
    if output is not None and output.is_file() and not force:
        raise click.UsageError(f"{output} is there already; --force replaces it")
    if file is not None and output is not None and output.absolute().parent != Path.cwd():
        file = file.absolute()  # what is relative in it is so to its own folder
    table = None if file is None else source_table(file, inspect_file(file, rows=_ROWS))
    text = config_template(table, redis, broker)
    with open_output(output) as out:
        out.write(text)
    if output is not None:
        click.echo(f"{output}: written; rta run --config {output} runs it", err=True)
