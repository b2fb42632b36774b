"""Clients that read nothing: what the others notice of them, and what they cost in memory."""

from __future__ import annotations

from pathlib import Path

from scripts.bench.paced import Load, pace_service
from scripts.bench.report import Results, Row, spread

__all__ = ["stall"]

_LOG = 8 << 20
_RING = 32 << 20  # the service's default, in MiB below
_PER_CLIENT = 64 << 10


def stall(results: Results, folder: Path, clients: int, rate: float, runs: int, seconds: float) -> None:
    """Pairs: nine tenths of the clients alone, then with a tenth that is deaf; the order changes from pair to pair."""
    deaf = clients // 10
    rows: list[Row] = []
    for run in range(runs):
        pair: dict[int, Row] = {}
        for n in (0, deaf) if run % 2 == 0 else (deaf, 0):
            load = Load("C", 1, clients - deaf, rate, seconds, deaf=n)
            pair[n] = pace_service(folder, load, log_bytes=_LOG, fill=1500)
            pair[n]["over_bound"] = _over_bound(pair[n], clients - deaf + n)
        pair[deaf]["ratio"] = pair[deaf]["p99"] / pair[0]["p99"]
        for n, found in pair.items():
            rows.append(results.add("stall", who="deaf" if n else "without", run=run, **found))
        results.say(
            f"#{run + 1} p99 {pair[0]['p99']:.1f} ms without, {pair[deaf]['p99']:.1f} ms with {deaf} deaf clients"
        )
    _show(results, rows)


def _over_bound(found: Row, clients: int) -> float:
    """How much of what memory may grow by has been used: 1 is the bound."""
    grown = (found["rss_peak"] - found["rss_idle"]) * (1 << 20)
    return float(grown / (_RING + clients * _PER_CLIENT))


def _show(results: Results, rows: list[Row]) -> None:
    lines = [
        (
            f"{group[0]['clients']} clients" + (f" and {group[0]['deaf']} deaf ones" if who == "deaf" else ""),
            spread((r["p50"] for r in group), 1),
            spread((r["p99"] for r in group), 1),
            spread(r["ratio"] for r in group) if who == "deaf" else "1",
            spread((r["rss_connected"] - r["rss_idle"] for r in group), 1),
            spread((r["rss_peak"] - r["rss_idle"] for r in group), 1),
            spread(r["over_bound"] for r in group),
            spread((r["behind"] for r in group), 0),
            spread(r["cpu_share"] for r in group),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in results.group(rows, lambda r: r["who"]).items()
    ]
    columns = (
        "",
        "p50 ms",
        "p99 ms",
        "p99 ratio",
        "connected +MiB",
        "peak +MiB",
        "of the bound",
        "behind",
        "CPU",
        "faults",
    )
    title = f"stall: shape C, {rows[0]['rate']:g} bursts/s; the bound of memory is the ring's and 64 KiB a client"
    results.table(title, columns, lines)
