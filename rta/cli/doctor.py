"""`rta doctor`: examines the buffer, and says why a session cannot be streamed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click
import trio
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rta.cli.text import cell
from rta.config import Config, Plugged, build_config, load_config
from rta.errors import ConfigError, Problem
from rta.ports import Finding, Offer, Severity, load_transport
from rta.site import Site

__all__ = ["command"]

_STYLES = {
    Severity.OK: "green",
    Severity.NOTE: "cyan",
    Severity.WARNING: "yellow",
    Severity.PROBLEM: "bold red",
}
_INDENT = 9  # the longest of the words, and two spaces


@click.command("doctor")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)
@click.option("--redis", "url", metavar="URL", help="The Redis to examine, instead of the configured one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
@click.argument("identity", required=False, metavar="[SESSION_IDENTITY]")
def command(path: Path | None, url: str | None, as_json: bool, identity: str | None) -> None:
    """Examine the buffer, and say in plain words what is wrong with it. Nothing is changed.

    With the identity of a session: say whether it can be streamed, and if not, why.
    Exit status: 0, 1 if there are problems, 2 if the configuration is wrong.
    """
    config = _configured(path, url)
    buffer = config.buffer
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    offer = load_transport(buffer.transport).log
    assert offer is not None, "the configuration was not checked"
    findings = trio.run(_examine, offer, buffer, Site(config), identity)
    if as_json:
        for finding in findings:
            click.echo(json.dumps(_document(finding)))
    else:
        _print(findings)
    sys.exit(1 if any(f.is_problem for f in findings) else 0)


async def _examine(offer: Offer[Any], buffer: Plugged, site: Site, identity: str | None) -> list[Finding]:
    context = site.context("buffer")
    faults = offer.check(buffer.options, context)
    if faults:
        raise ConfigError([Problem(f"buffer: {fault}") for fault in faults])
    if offer.examine is None:
        await trio.lowlevel.checkpoint()
        return [
            Finding.note(
                "nothing",
                f'there is nothing to examine: the buffer is "{buffer.transport}"',
                "It is part of the service that uses it, and cannot be examined from outside.",
                "`rta sessions` lists what a running service has; --redis URL examines a Redis.",
            )
        ]
    return await offer.examine(buffer.options, context, identity)


def _configured(path: Path | None, url: str | None) -> Config:
    """The configuration, with the buffer at `url` if there is one."""
    config = load_config(path, os.environ)
    if url is None:
        return config
    table = {"transport": "redis", "url": url}
    try:
        build_config({"buffer": table}, {})
    except ConfigError as e:
        raise click.BadParameter(e.problems[0].rpartition(": ")[2], param_hint="--redis") from None
    # What the environment says about Redis, such as a password, holds whatever buffer the file has.
    if config.buffer.transport != "redis":
        config = build_config({"buffer": table}, os.environ)
    if config.buffer.transport != "redis":  # because the environment says so
        config = build_config({"buffer": table}, {})
    return attrs.evolve(config, buffer=Plugged("redis", attrs.evolve(config.buffer.options, url=url)))


def _document(finding: Finding) -> dict[str, object]:
    shown: dict[str, object] = {
        "severity": finding.severity.value,
        "code": finding.code,
        "title": finding.title,
        "detail": finding.detail,
        "advice": finding.advice,
    }
    if finding.rows:
        heads, *rows = finding.rows
        shown["rows"] = [dict(zip(heads, row, strict=True)) for row in rows]
    return shown


def _print(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    for finding in findings:
        word = Text(finding.severity.value.ljust(_INDENT), _STYLES[finding.severity])
        _indented(console, word, cell(finding.title, "" if finding.severity is Severity.OK else "bold"))
        if finding.detail:
            _indented(console, Text(), cell(finding.detail))
        if finding.advice:
            _indented(console, Text("    do:", "dim"), cell(finding.advice))
        if finding.rows:
            console.print(Padding(_table(finding.rows), (0, 0, 1, _INDENT)))
    counts = [(s, sum(f.severity is s for f in findings)) for s in (Severity.PROBLEM, Severity.WARNING)]
    said = ", ".join(f"{n} {s.value}{'' if n == 1 else 's'}" for s, n in counts if n)
    console.print(Text(said or "no problems", "bold"))


def _indented(console: Console, label: Text, text: Text) -> None:
    line = Table.grid()
    line.add_column(width=_INDENT, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(label, text)
    console.print(line)


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in rows[0]:
        table.add_column(cell(head), overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(cell, row))
    return table
