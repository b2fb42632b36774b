"""What the commands have in common."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from scripts.bench.processes import allow_many_files
from scripts.bench.report import Results
from scripts.bench.sink import build

__all__ = ["OUT", "clients_option", "runs_option", "seconds_option", "shapes_option", "shared"]

OUT = Path(__file__).with_name("bin") / "results.jsonl"


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> list[int] | None:
    return None if value is None else [int(v) for v in value.split(",")]


def _letters(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    return value.split(",")


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command; the command gets results, a folder, and whether to be quick."""

    @click.option("--quick", is_flag=True, help="Short and single runs: whether it works, not what it is worth.")
    @click.option("--out", type=click.Path(path_type=Path), default=OUT, help="JSON lines are appended here.")
    @wraps(command)
    def run(quick: bool, out: Path, **options: Any) -> None:
        allow_many_files()
        build()
        with tempfile.TemporaryDirectory(prefix="rta-bench-") as folder:
            command(Results(out), Path(folder), quick, **options)

    return run


shapes_option = click.option("--shapes", default="A,C,B", callback=_letters, help="Of A, B and C.")
clients_option = click.option("--clients", callback=_numbers, help="How many, one after the other.  [10,100,1000]")
runs_option = click.option("--runs", type=int, help="How often; the median is what counts.")
seconds_option = click.option("--seconds", type=float, help="About how long one run is.")
