"""`rta doctor`: examines buffer, archive and certificates, and says why a session cannot be streamed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import click
import trio
from rich.text import Text

from rta.cli.certificates import examine_certificates
from rta.cli.records import beside, lay_out, output_width, print_lines
from rta.cli.text import cell
from rta.config import Config, Plugged, build_config, load_config
from rta.errors import ConfigError, Problem
from rta.formatting import printable, shown_url
from rta.ports import Finding, Severity, load_transport
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
    """Examine buffer, archive and certificates, and say in plain words what is wrong with them. Nothing is changed.

    With the identity of a session: say whether it can be streamed, and if not, why.
    Exit status: 0, 1 if there are problems, 2 if the configuration is wrong.
    """
    config = _configured(path, url)
    for warning in config.warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
    findings = trio.run(_examine, config, identity)
    if as_json:
        for finding in findings:
            click.echo(json.dumps(_document(finding)))
    else:
        _print(findings)
    sys.exit(1 if any(f.is_problem for f in findings) else 0)


async def _examine(config: Config, identity: str | None) -> list[Finding]:
    certificates = await trio.to_thread.run_sync(lambda: list(examine_certificates(config, time.time_ns())))
    return [*await _examine_buffer(config, identity), *await _examine_archive(config, identity), *certificates]


async def _examine_archive(config: Config, identity: str | None) -> list[Finding]:
    archive = config.archive
    if archive is None or not archive.settings.enabled:
        await trio.lowlevel.checkpoint()
        return []
    if archive.url is not None:
        await trio.lowlevel.checkpoint()
        return [Finding.note("archive.elsewhere", f"the archive is that of {shown_url(archive.url)}: examine it there")]
    offer = load_transport(archive.settings.transport).archive
    assert offer is not None, "the configuration was not checked"
    if offer.examine is None:
        await trio.lowlevel.checkpoint()
        return [Finding.note("archive.nothing", f'the archive "{archive.settings.transport}" cannot be examined')]
    return await offer.examine(archive.options, Site(config).context("archive"), identity, None)


async def _examine_buffer(config: Config, identity: str | None) -> list[Finding]:
    buffer, context = config.buffer, Site(config).context("buffer")
    offer = load_transport(buffer.transport).log
    assert offer is not None, "the configuration was not checked"
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
    return await offer.examine(buffer.options, context, identity, config.fanout.back_scan_of(offer.shared))


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
    width = output_width()
    for finding in findings:
        word = Text(finding.severity.value, _STYLES[finding.severity])
        print_lines(beside(word, finding.title, _INDENT, width, "" if finding.severity is Severity.OK else "bold"))
        if finding.detail:
            print_lines(beside(Text(), finding.detail, _INDENT, width))
        if finding.advice:
            print_lines(beside(Text("    do:", "dim"), finding.advice, _INDENT, width))
        if finding.rows:
            heads, *rows = finding.rows
            room = None if width is None else width - _INDENT
            lines = lay_out([printable(head) for head in heads], [[cell(text) for text in row] for row in rows], room)
            print_lines([*(Text(" " * _INDENT) + line for line in lines), Text()])
    counts = [(s, sum(f.severity is s for f in findings)) for s in (Severity.PROBLEM, Severity.WARNING)]
    said = ", ".join(f"{n} {s.value}{'' if n == 1 else 's'}" for s, n in counts if n)
    print_lines([Text(said or "no problems", "bold")])
