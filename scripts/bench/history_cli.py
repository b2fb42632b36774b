"""The commands that measure the history on disk."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.bench.history import history_appends, history_fetch
from scripts.bench.options import runs_option, shared
from scripts.bench.report import Results

__all__ = ["COMMANDS"]


@click.command("history")
@click.option("--streams", default="1,1000", show_default=True, help="How many, one after the other.")
@runs_option
@shared
def _history(results: Results, folder: Path, quick: bool, streams: str, runs: int | None) -> None:
    """Appends to the history on disk with more and more in it, and a day of entries read and packed.

    The disk counts: TMPDIR says which one."""
    numbers = [int(n) for n in streams.split(",")]
    sizes = [1000, 100_000] if quick else [1000, 100_000, 1_000_000]
    history_appends(results, folder, numbers, sizes, runs or (1 if quick else 3))
    history_fetch(results, folder, [1] if quick else [1, 10], runs or (3 if quick else 7))


COMMANDS = (_history,)
