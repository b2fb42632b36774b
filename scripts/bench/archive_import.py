"""How quickly `rta import` puts a file into an archive: a CSV of channels of 100 Hz, by the command line."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.archive_session import RATE
from scripts.bench.processes import ROOT, BenchError
from scripts.bench.report import Results, Row, spread

__all__ = ["archive_import"]

_STRETCH = 1000  # rows at once


def archive_import(results: Results, folder: Path, channels: int, seconds: int, files: int, runs: int) -> None:
    """One file, several at once, and one that is there already: what the command costs beside the work."""
    paths = [folder / f"drive-{i}.csv" for i in range(files)]
    for i, path in enumerate(paths):
        _write(path, channels, seconds, i)
    samples = channels * seconds * RATE
    size = paths[0].stat().st_size
    results.say(f"{files} files of {samples:,} samples, {size / (1 << 20):.0f} MiB each")
    rows = [_run(folder, paths, run) for run in range(runs)]
    for run, row in enumerate(rows):
        results.add("archive-import", run=run, channels=channels, seconds=seconds, files=files, **row)
    lines = [
        ("one file, million samples/s", spread(samples / r["one"] / 1e6 for r in rows)),
        ("of its CPU", spread(samples / r["one_cpu"] / 1e6 for r in rows)),
        (f"{files} files at once, million samples/s", spread(files * samples / r["all"] / 1e6 for r in rows)),
        ("of their CPU", spread(files * samples / r["all_cpu"] / 1e6 for r in rows)),
        ("one that is there already, s", spread(r["again"] for r in rows)),
        ("of CPU", spread(r["again_cpu"] for r in rows)),
    ]
    results.table(f"archive-import: {channels} channels of {RATE} Hz, {seconds} s", ("", ""), lines)


def _write(path: Path, channels: int, seconds: int, seed: int) -> None:
    """The samples are those of a sensor: a slow signal, noise, and a resolution."""
    rng = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["Time (s)", *(f"Channel {i} (V)" for i in range(1, channels + 1))]) + "\n")
        for first in range(0, seconds * RATE, _STRETCH):
            number = np.arange(first, min(first + _STRETCH, seconds * RATE))
            slow = 50 * np.sin(number / (60 * RATE))[:, None]
            table = np.column_stack([number / RATE, np.round(slow + rng.normal(size=(len(number), channels)), 2)])
            file.writelines(",".join(map(repr, row)) + "\n" for row in table.tolist())


def _run(folder: Path, paths: list[Path], run: int) -> Row:
    row: dict[str, Any] = {}
    archive = folder / f"archive-{run}"
    row["one"], row["one_cpu"] = _import(archive, paths[:1])
    row["again"], row["again_cpu"] = _import(archive, paths[:1])
    shutil.rmtree(archive)
    row["all"], row["all_cpu"] = _import(archive, paths)
    shutil.rmtree(archive)
    return row


def _import(archive: Path, paths: list[Path]) -> tuple[float, float]:
    """Seconds that it took, and of CPU in all its processes."""
    argv = [sys.executable, "-m", "rta", "import", *map(str, paths), "--folder", str(archive)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise BenchError(f"rta import ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
