"""What it costs to record a session: the service with an archive and without one, in turns, on the same load."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from scripts.bench.gate import Gate, Slot
from scripts.bench.paced import Load
from scripts.bench.processes import Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import serving

__all__ = ["archive_recording"]


def _paced(folder: Path, redis: RedisServer, load: Load, archive: Path | None) -> dict[str, Any]:
    path = folder / "producer-gate"
    path.unlink(missing_ok=True)
    gate = Gate(path)
    numbers = [redis.port, load.shape, load.bursts, load.sessions, load.total_rate]
    argv = [sys.executable, "-m", "scripts.bench.produce", str(path), *map(str, numbers)]
    table = "" if archive is None else f'[archive]\npath = "{archive}"\n'
    with (
        redis.emptied(load.sessions),
        serving(folder, redis=redis.url, more=table) as service,
        Child(argv, folder / "producer.log") as producer,
    ):
        producer.line()
        sink = load.sink(folder, service.port)
        service.child.settle()
        before = service.child.cpu()
        gate[Slot.GO] = 1
        time.sleep(load.seconds)
        found = sink.result()
        cpu = service.child.cpu() - before
        return load.figures(gate[Slot.BEGUN], cpu, found) | {"rss": service.child.rss_of_all()}


def archive_recording(results: Results, folder: Path, load: Load, runs: int) -> None:
    """Both once in each run, every other run in the opposite order."""
    rows: list[Row] = []
    with RedisServer(folder) as redis:
        for run in range(runs):
            by: dict[str, Row] = {}
            for who in ("without", "with") if run % 2 == 0 else ("with", "without"):
                archive = folder / "archive" if who == "with" else None
                by[who] = _paced(folder, redis, load, archive)
                if archive is not None:
                    by[who]["disk"] = sum(f.stat().st_size for f in archive.rglob("*") if f.is_file()) / (1 << 20)
                    shutil.rmtree(archive)
            by["with"]["more_cpu"] = by["with"]["cpu_share"] - by["without"]["cpu_share"]
            by["with"]["p99_ratio"] = by["with"]["p99"] / by["without"]["p99"]
            for who, row in by.items():
                rows.append(results.add("archive-recording", who=who, run=run, **row))
            said = [f"{who}: p99 {row['p99']:.2f} ms, CPU {100 * row['cpu_share']:.1f} %" for who, row in by.items()]
            results.say(f"#{run + 1} {'; '.join(said)}")
    lines = [
        (
            f"{who} archive",
            spread(r["p50"] for r in group),
            spread(r["p99"] for r in group),
            spread((r["worst"] for r in group), 1),
            spread((100 * r["cpu_share"] for r in group), 1),
            spread((100 * r["more_cpu"] for r in group if "more_cpu" in r), 1),
            spread(r["p99_ratio"] for r in group if "p99_ratio" in r),
            spread((r["rss"] for r in group), 0),
            spread((r["disk"] for r in group if "disk" in r), 0),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in results.group(rows, lambda r: r["who"]).items()
    ]
    columns = ("", "p50 ms", "p99 ms", "worst ms", "CPU %", "more by", "p99 to without", "MiB", "disk MiB", "faults")
    title = (
        f"archive-recording: {load.sessions} sessions of shape {load.shape}, {load.rate:g} bursts/s, "
        f"{load.clients} clients of each, {load.seconds:g} s"
    )
    results.table(title, columns, lines)
