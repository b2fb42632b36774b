"""`rta check`: checks the configuration, and the files and transports that it names."""

from __future__ import annotations

import os
from pathlib import Path

import click

from rta.config import check_config, load_config
from rta.errors import ConfigError
from rta.site import Site

__all__ = ["command"]


@click.command("check")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)
def command(path: Path | None) -> None:
    """Check a configuration without starting anything. The exit status is 2 if there are problems; all are printed."""
    config = load_config(path, os.environ)
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    problems = check_config(config, Site(config).context)
    if problems:
        raise ConfigError(problems)
    sources = ", ".join(f"{s.name} ({s.transport})" for s in config.sources) or "none"
    click.echo(f"{config.path}: ok; buffer {config.buffer.transport}, edge {config.edge.transport}, sources: {sources}")
