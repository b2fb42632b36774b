"""Two worker processes against one, from Redis to clients, and what limits them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from scripts.bench.from_redis import MERGED, Cost, run_service
from scripts.bench.processes import ROOT
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread

__all__ = ["redis_workers"]

_COST = Cost(60, 1)


def _has_workers() -> bool:
    argv = [sys.executable, "-m", "rta", "run", "--help"]
    return "--workers" in subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def redis_workers(
    results: Results, folder: Path, shapes: Sequence[str], clients: Sequence[int], runs: int, seconds: float
) -> None:
    """One and two take turns. The service is as it is: the gate of single frames is in front of one process only."""
    if not _has_workers():
        results.say("SKIPPED: redis-workers; this `rta run` has no --workers")
        return
    rows: list[Row] = []
    with RedisServer(folder) as redis:
        for run in range(runs):
            for shape in shapes:
                for n in clients:
                    job = evolve(_COST.job(shape, n, seconds, merged=False), limit=seconds * 20 + 20)
                    for workers in (1, 2) if run % 2 == 0 else (2, 1):
                        arguments = () if workers == 1 else ("--workers", str(workers))
                        found = run_service(folder, redis, job, MERGED, arguments)
                        rows.append(results.add("redis-workers", workers=workers, run=run, **found))
                        said = f"{found['bursts_s']:,.0f} bursts/s, CPU {found['cpu_share']:.2f}"
                        results.say(f"#{run + 1} {shape} x {n}, workers {workers}: {said}")
    _show(results, rows)


def _show(results: Results, rows: list[Row]) -> None:
    lines = []
    for (shape, n), group in results.group(rows, lambda r: (r["shape"], r["clients"])).items():
        by = {w: sorted((r for r in group if r["workers"] == w), key=lambda r: r["run"]) for w in (1, 2)}
        for workers, own in by.items():
            ratios = [r["bursts_s"] / one["bursts_s"] for r, one in zip(own, by[1], strict=True)]
            lines.append(
                (
                    f"{shape} x {n}, {workers} worker{'s' if workers > 1 else ''}",
                    spread((r["bursts_s"] for r in own), 0),
                    spread(ratios) if workers > 1 else "1",
                    spread(r["cpu_us_per_delivered"] for r in own),
                    spread((r["bursts_per_frame"] for r in own), 1),
                    spread(r["cpu_share"] for r in own),
                    spread(r["sink_share"] for r in own),
                    spread(r["redis_share"] for r in own),
                    spread(r["cpu_share"] + r["sink_share"] + r["redis_share"] for r in own),
                    str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in own)),
                )
            )
    columns = (
        "",
        "bursts/s",
        "to 1 worker",
        "CPU us/burst",
        "bursts/frame",
        "CPU",
        "sink CPU",
        "redis CPU",
        "all",
        "faults",
    )
    results.table(f"redis-workers: of {os.cpu_count()} cores, CPU as cores", columns, lines)
