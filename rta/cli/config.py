"""`rta config`: what can be configured, and a file to begin with."""

from __future__ import annotations

import json

import click

from rta.cli import new_config
from rta.config import config_docs, config_schema
from rta.metrics import metrics_docs

__all__ = ["command"]


@click.group("config")
def command() -> None:
    """Show what can be configured, and write a file to begin with."""


command.add_command(new_config.command)


@command.command()
def docs() -> None:
    """Every option and metric, as Markdown."""
    click.echo(config_docs())
    click.echo("## Metrics\n\n`GET /metrics` gives these.\n")
    click.echo(metrics_docs(), nl=False)


@command.command()
def schema() -> None:
    """The configuration file's JSON Schema."""
    click.echo(json.dumps(config_schema(), indent=2))
