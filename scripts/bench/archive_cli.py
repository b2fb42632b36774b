"""The commands that measure the archive."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.bench.archive_import import archive_import
from scripts.bench.archive_reading import archive_reading
from scripts.bench.archive_recording import archive_recording
from scripts.bench.archive_sessions import archive_sessions
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


@click.command("archive-reading")
@click.option("--channels", default=1000, show_default=True, help="How many, of 100 Hz.")
@runs_option
@seconds_option
@shared
def _reading(
    results: Results, folder: Path, quick: bool, channels: int, runs: int | None, seconds: float | None
) -> None:
    """How quickly a recorded session is read over REST: whole, one channel of it, any range. An hour takes 3 GB."""
    archive_reading(results, folder, channels, int(seconds or (60 if quick else 3600)), runs or (1 if quick else 5))


@click.command("archive-sessions")
@click.option("--sessions", type=int, help="How many.  [100000]")
@runs_option
@shared
def _sessions(results: Results, folder: Path, quick: bool, sessions: int | None, runs: int | None) -> None:
    """How quickly many recorded sessions are listed, searched and described. Laying them down takes minutes."""
    archive_sessions(results, folder, sessions or (2000 if quick else 100_000), runs or (2 if quick else 11))


@click.command("archive-import")
@click.option("--channels", default=50, show_default=True, help="How many, of 100 Hz.")
@click.option("--files", default=2, show_default=True, help="How many at once.")
@runs_option
@seconds_option
@shared
def _importing(
    results: Results, folder: Path, quick: bool, channels: int, files: int, runs: int | None, seconds: float | None
) -> None:
    """How many samples a second `rta import` puts into an archive, from a CSV; by its clock, and by CPU."""
    archive_import(
        results, folder, channels, int(seconds or (60 if quick else 1200)), files, runs or (1 if quick else 5)
    )


COMMANDS = (_recording, _reading, _sessions, _importing)
