"""The commands that measure the archive."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.bench.archive_recording import archive_recording
from scripts.bench.options import runs_option, seconds_option, shared
from scripts.bench.paced import Load
from scripts.bench.report import Results

__all__ = ["COMMANDS"]


@click.command("archive-recording")
@click.option("--load", default="1x10x10", show_default=True, help="Sessions x clients x bursts per second.")
@click.option("--shape", default="D", show_default=True, help="A, B, C or D: 1000 channels, 10 samples of each.")
@runs_option
@seconds_option
@shared
def _recording(
    results: Results, folder: Path, quick: bool, load: str, shape: str, runs: int | None, seconds: float | None
) -> None:
    """What it costs to record: CPU of the service with all its processes, and how late bursts come to clients."""
    sessions, clients, rate = (int(n) for n in load.split("x"))
    made = Load(shape, sessions, clients, float(rate), seconds or (10.0 if quick else 90.0))
    archive_recording(results, folder, made, runs or (1 if quick else 3))


COMMANDS = (_recording,)
