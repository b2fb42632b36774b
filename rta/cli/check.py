"""`rta check`: checks the configuration, and the files and transports that it names."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from rta.cli.certificates import examine_certificates
from rta.cli.inspect import fault_lines
from rta.config import Config, check_config, load_config
from rta.config.tables import SLOTS, offer_for
from rta.errors import ConfigError, Problem, RtaError
from rta.formatting import printable
from rta.ports import Context, Severity
from rta.site import Site
from rta.state_file import why_not_readable

__all__ = ["command"]

_ROWS = 10_000  # of each file that are read


@click.command("check")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)
def command(path: Path | None) -> None:
    """Check a configuration without starting anything. The exit status is 2 if there are problems; all are printed."""
    config = load_config(path, os.environ)
    for warning in config.warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
    context = Site(config).context
    problems = check_config(config, context) or _inspect_files(config, context)
    if problems:
        raise ConfigError(problems)
    for finding in examine_certificates(config, time.time_ns()):
        if finding.severity is Severity.WARNING:
            click.echo(printable(f"warning: {finding.title}"), err=True)
    for line in _unreadable_files(config):
        click.echo(printable(f"warning: {line}"), err=True)
    sources = ", ".join(f"{s.name} ({s.transport})" for s in config.sources) or "none"
    click.echo(f"{config.path}: ok; buffer {config.buffer.transport}, edge {config.edge.transport}, sources: {sources}")


def _unreadable_files(config: Config) -> list[str]:
    """Files of the state directory that another user has made, as root before commands gave them away."""
    paths = [] if config.state_dir is None or not config.state_dir.is_dir() else sorted(config.state_dir.iterdir())
    if config.tokens_file is not None and config.tokens_file not in paths:
        paths.append(config.tokens_file)
    return [why for path in paths if path.is_file() and (why := why_not_readable(path)) is not None]


def _inspect_files(config: Config, context_for: Callable[[str], Context]) -> list[Problem]:
    """Look into the files of sources, and complain of what would be left out; files that are no use are problems."""
    problems: list[Problem] = []
    for source in config.sources:
        offer = offer_for(source.transport, SLOTS["source"])
        if offer.inspect is None:
            continue
        try:
            found = offer.inspect(source.options, context_for(source.name), _ROWS, lambda share: None)
        except RtaError as e:
            problems += [Problem(f"source {source.name}: {line}") for line in str(e).splitlines()]
            continue
        lines = list(fault_lines(found))
        if not found.rows:
            reasons = "; ".join(lines) or "none has a value"
            problems.append(Problem(f"source {source.name}: no row can be used: {reasons}"))
        elif found.lost:
            click.echo(
                f"warning: source {source.name}: {found.lost} of {found.cells} cells would be left out", err=True
            )
            for line in lines:
                click.echo(printable(f"  {line}"), err=True)
    return problems
