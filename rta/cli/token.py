"""`rta token`: static tokens of a site: made, listed and revoked, whether or not the service runs."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from rta.auth.settings import role_named
from rta.auth.static_tokens import NAME, StaticToken, change_tokens, new_token_text, read_tokens, token_digest
from rta.cli.records import lay_out, output_width, print_lines
from rta.cli.text import cell, json_line
from rta.cli.times import read_duration
from rta.config import load_config
from rta.errors import DamagedFileError, MalformedError, RtaError
from rta.rsmp.payload import iso, parse_iso
from rta.wire.values import Ns

__all__ = ["command"]

_HEADS = ("name", "role", "until", "made")

_config = click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)


@click.group("token")
def command() -> None:
    """Make, list and revoke the static tokens of a site, on the machine of its service, as its user or as root.

    The service takes changes within two seconds, without a restart.
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["read", "operate", "administer"]),
    required=True,
    help="What whoever has it may do. Each role includes those before it.",
)
@click.option("--until", metavar="TIME", help="When it ends: 2027-03-01T00:00:00Z, or in how long, as 90d.")
@_config
def add_command(name: str, role: str, until: str | None, path: Path | None) -> None:
    """Make a token called NAME, and print it. It is not kept, and cannot be shown again."""
    if not NAME.fullmatch(name):
        raise click.BadParameter("expected up to 100 letters, digits and .-_@", param_hint="NAME")
    known = role_named(role)
    assert known is not None, "click has checked it"
    now = time.time_ns()
    ends = None if until is None else _read_end(until, now)
    text = new_token_text(secrets.token_bytes)
    file = _file(path)
    with _readable(file), change_tokens(file) as tokens:
        if any(token.name == name for token in tokens):
            raise RtaError(f"there is a token {name!r} already; `rta token revoke {name}` takes it back")
        tokens.append(StaticToken(name, known, token_digest(text).hex(), now, ends))
    click.echo(text)
    click.echo(f"this is shown once; {file} has its hash alone", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")
@_config
def list_command(as_json: bool, path: Path | None) -> None:
    """List the tokens, by their names."""
    file = _file(path)
    with _readable(file):
        tokens = sorted(read_tokens(file).tokens, key=lambda token: token.name)
    if as_json:
        for token in tokens:
            click.echo(json_line(dict(zip(_HEADS, _row(token), strict=True))))
    elif tokens:
        now = time.time_ns()
        rows = [[cell(text, "dim" if (t.until or now + 1) <= now else "") for text in _row(t)] for t in tokens]
        print_lines(lay_out(_HEADS, rows, output_width()))
    else:
        click.echo("no tokens", err=True)


@command.command("revoke")
@click.argument("name")
@_config
def revoke_command(name: str, path: Path | None) -> None:
    """Take the token NAME back. Whoever is connected with it is sent away."""
    file = _file(path)
    with _readable(file), change_tokens(file) as tokens:
        kept = [token for token in tokens if token.name != name]
        if len(kept) == len(tokens):
            raise RtaError(f"there is no token {name!r}; `rta token list` lists them")
        tokens[:] = kept


def _file(path: Path | None) -> Path:
    file = load_config(path, os.environ).tokens_file
    if file is None:
        raise RtaError("there is no place for tokens: set auth.tokens_file or site.state_dir")
    return file


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Says of which file it is, if it cannot be read or written.

    :raises RtaError: it cannot be.
    """
    try:
        yield
    except DamagedFileError as e:
        raise RtaError(f"{file}: {e}") from None
    except OSError as e:
        raise RtaError(f"{file}: {e.strerror}") from None


def _row(token: StaticToken) -> tuple[str, str, str | None, str]:
    until = None if token.until is None else iso(Ns(token.until))
    return token.name, token.role.name.lower(), until, iso(Ns(token.made))


def _read_end(text: str, now: int) -> int:
    """
    :raises BadParameter: it is neither a time nor a duration, or it is over.
    """
    try:
        ends = int(parse_iso(text.strip()))
    except MalformedError:
        ends = now + round(read_duration(text, "--until") * 1e9)
    if not now < ends < 1 << 63:
        raise click.BadParameter(f"expected a time to come, got {text!r}", param_hint="--until")
    return ends
