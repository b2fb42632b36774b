"""How late bursts come from the XADD to the client, at a moderate load: the service and its peers take turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from scripts.bench.gate import Gate, Slot
from scripts.bench.paced import Load
from scripts.bench.peering import peer_running, usable
from scripts.bench.processes import Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import serving

__all__ = ["redis_latency"]

SERVICE = "rta"


@contextmanager
def _service(folder: Path, redis: RedisServer) -> Iterator[tuple[Child, int]]:
    with serving(folder, redis=redis.url) as service:
        yield service.child, service.port


def _paced(
    folder: Path, redis: RedisServer, running: AbstractContextManager[tuple[Child, int]], load: Load
) -> dict[str, Any]:
    path = folder / "producer-gate"
    path.unlink(missing_ok=True)
    gate = Gate(path)
    numbers = [redis.port, load.shape, load.bursts, load.sessions, load.total_rate]
    argv = [sys.executable, "-m", "scripts.bench.produce", str(path), *map(str, numbers)]
    with (
        redis.emptied(load.sessions),
        running as (child, port),
        Child(argv, folder / "producer.log") as producer,
    ):
        producer.line()
        sink = load.sink(folder, port)
        child.settle()
        before, redis_before = child.cpu(), redis.child.cpu()
        gate[Slot.GO] = 1
        time.sleep(load.seconds)
        late = load.bursts - gate[Slot.SENT]
        found = sink.result()
        row = load.figures(gate[Slot.BEGUN], child.cpu() - before, found)
        redis_cpu = redis.child.cpu() - redis_before
        return row | {"redis_share": redis_cpu / row["seconds"], "producer_late": late / load.total_rate}


def redis_latency(results: Results, folder: Path, load: Load, runs: int, peers: list[str], node_folder: Path) -> None:
    """All programs once in each run, every other run in the opposite order."""
    there = {peer.name: peer for peer in usable(results, peers, node_folder)}
    order = [SERVICE, *there]
    rows: list[Row] = []
    with RedisServer(folder) as redis:
        for run in range(runs):
            by: dict[str, Row] = {}
            for who in order if run % 2 == 0 else order[::-1]:
                running = (
                    _service(folder, redis)
                    if who == SERVICE
                    else peer_running(there[who], folder, redis.port, node_folder)
                )
                by[who] = _paced(folder, redis, running, load)
            for who, row in by.items():
                row["ratio"] = by[SERVICE]["p99"] / row["p99"]
                rows.append(results.add("redis-latency", who=who, run=run, **row))
            said = [f"{who} {row['p50']:.2f}/{row['p99']:.2f}/{row['worst']:.1f}" for who, row in by.items()]
            results.say(f"#{run + 1} ms, p50/p99/worst: {'; '.join(said)}")
    _show(results, load, rows)


def _show(results: Results, load: Load, rows: list[Row]) -> None:
    lines = [
        (
            who,
            spread(r["p50"] for r in group),
            spread(r["p99"] for r in group),
            "1" if who == SERVICE else spread(r["ratio"] for r in group),
            spread((r["worst"] for r in group), 1),
            spread(r["cpu_share"] for r in group),
            spread(r["redis_share"] for r in group),
            spread(r["producer_late"] * 1000 for r in group),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in results.group(rows, lambda r: r["who"]).items()
    ]
    columns = ("", "p50 ms", "p99 ms", "rta's p99 to it, in each run", "worst ms", "CPU", "redis CPU",
               "producer late ms", "faults")  # fmt: skip
    title = (
        f"redis-latency: from XADD to the client; shape {load.shape}, {load.rate:g} bursts/s "
        f"x {load.sessions} sessions x {load.clients} clients, {load.seconds:g} s"
    )
    results.table(title, columns, lines)
