"""The command line: one command for each attack that lies in this folder."""

from __future__ import annotations

import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click

import scripts.attacks
from scripts.attacks.stage import Attack, Sizes, run
from scripts.bench.processes import BenchError, allow_many_files
from scripts.bench.report import Results

__all__ = ["main"]

_OUT = Path(__file__).with_name("out") / "results.jsonl"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Attack a service that is started for it, on 127.0.0.1, while an honest client streams a session from it.

    Each attack is bounded in number and time. It needs redis-server, and some need mosquitto."""


@cli.command("list")
def _list() -> None:
    """Which attacks there are."""
    for name, command in sorted(cli.commands.items()):
        if name != "list":
            click.echo(f"{name:24} {command.get_short_help_str(120)}")


def _add(name: str, attack: Attack, text: str) -> None:
    @cli.command(name, help=text)
    @click.option("--count", type=click.IntRange(min=1), default=attack.count, show_default=True, help=attack.counts)
    @click.option("--seconds", type=float, default=attack.seconds, show_default=True, help="How long it is kept up.")
    @click.option("--quiet", type=float, default=8.0, show_default=True, help="Seconds before it, and after it.")
    @click.option("--rate", type=float, default=200.0, show_default=True, help="Bursts a second to the honest client.")
    @click.option("--out", type=click.Path(path_type=Path), default=_OUT, help="JSON lines are appended here.")
    def command(count: int, seconds: float, quiet: float, rate: float, out: Path) -> None:
        allow_many_files()
        with tempfile.TemporaryDirectory(prefix="rta-attack-") as folder:
            run(name, attack, Sizes(count, seconds, quiet, rate), Path(folder), Results(out))


def _find() -> None:
    for module in iter_modules(scripts.attacks.__path__):
        if not module.ispkg and not module.name.startswith("_") and module.name != "cli":
            found = import_module(f"scripts.attacks.{module.name}")
            if hasattr(found, "ATTACK"):
                _add(module.name.replace("_", "-"), found.ATTACK, found.__doc__ or "")


def main() -> None:
    """Whatever ends us, the children are stopped."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    _find()
    try:
        cli(prog_name="python -m scripts.attacks")
    except BenchError as e:
        click.echo(f"attacks: {e}", err=True)
        sys.exit(1)
