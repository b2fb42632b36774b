"""End-to-end latency at a moderate load: from the source's time stamp to the client's socket."""

from __future__ import annotations

from pathlib import Path

from scripts.bench.paced import Load, pace_bare, pace_service
from scripts.bench.report import Results, Row, spread

__all__ = ["latency"]


def latency(results: Results, folder: Path, load: Load, runs: int) -> None:
    """The bare loop and the service take turns."""
    rows: list[Row] = []
    for run in range(runs):
        bare, found = pace_bare(folder, load), pace_service(folder, load)
        found["ratio"] = found["p99"] / bare["p99"]
        rows.append(results.add("latency", who="bare", run=run, **bare))
        rows.append(results.add("latency", who="service", run=run, **found))
        results.say(
            f"#{run + 1} p50 {found['p50']:.2f} ms, p99 {found['p99']:.2f} ms; bare loop p99 {bare['p99']:.2f} ms"
        )
    lines = [
        (
            who,
            spread(r["p50"] for r in group),
            spread(r["p99"] for r in group),
            spread(r["ratio"] for r in group) if who == "service" else "1",
            spread(r["worst"] for r in group),
            spread(r["cpu_share"] for r in group),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in results.group(rows, lambda r: r["who"]).items()
    ]
    title = f"latency: shape {load.shape}, {load.rate:g} bursts/s x {load.sessions} sessions x {load.clients} clients"
    results.table(title, ("", "p50 ms", "p99 ms", "p99 ratio", "worst ms", "CPU", "faults"), lines)
