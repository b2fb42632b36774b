"""How late bursts come from the XADD to the client, at a moderate load: the service and the raw peer take turns."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.bench.gate import Gate, Slot
from scripts.bench.paced import Load
from scripts.bench.peering import NODE_FOLDER, PEERS, peer_running
from scripts.bench.processes import Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import serving

__all__ = ["redis_latency"]

_PEER = "trio_raw"


@contextmanager
def _running(who: str, folder: Path, redis: RedisServer) -> Iterator[tuple[Child, int]]:
    if who == "rta":
        with serving(folder, redis=redis.url) as service:
            yield service.child, service.port
    else:
        with peer_running(PEERS[who], folder, redis.port, NODE_FOLDER) as running:
            yield running


def _paced(folder: Path, redis: RedisServer, who: str, load: Load) -> dict[str, Any]:
    path = folder / "producer-gate"
    path.unlink(missing_ok=True)
    gate = Gate(path)
    numbers = [redis.port, load.shape, load.bursts, load.sessions, load.total_rate]
    argv = [sys.executable, "-m", "scripts.bench.produce", str(path), *map(str, numbers)]
    with (
        redis.emptied(load.sessions),
        _running(who, folder, redis) as (child, port),
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


def redis_latency(results: Results, folder: Path, load: Load, runs: int) -> None:
    """Every other run begins with the other one."""
    rows: list[Row] = []
    with RedisServer(folder) as redis:
        for run in range(runs):
            pair = {}
            for who in ("rta", _PEER) if run % 2 == 0 else (_PEER, "rta"):
                pair[who] = _paced(folder, redis, who, load)
            pair["rta"]["ratio"] = pair["rta"]["p99"] / pair[_PEER]["p99"]
            rows += [results.add("redis-latency", who=who, run=run, **found) for who, found in sorted(pair.items())]
            said = [f"{who} p50 {r['p50']:.2f} p99 {r['p99']:.2f} max {r['worst']:.1f}" for who, r in pair.items()]
            results.say(f"#{run + 1} ms: {'; '.join(said)}; p99 ratio {pair['rta']['ratio']:.2f}")
    _show(results, load, rows)


def _show(results: Results, load: Load, rows: list[Row]) -> None:
    by = results.group(rows, lambda r: r["who"])
    p99 = {who: statistics.median(r["p99"] for r in group) for who, group in by.items()}
    lines = [
        (
            who,
            spread(r["p50"] for r in group),
            spread(r["p99"] for r in group),
            f"{p99['rta'] / p99[_PEER]:.2f}" if who == "rta" else "1",
            spread(r["ratio"] for r in group) if who == "rta" else "1",
            spread((r["worst"] for r in group), 1),
            spread(r["cpu_share"] for r in group),
            spread(r["redis_share"] for r in group),
            spread(r["producer_late"] * 1000 for r in group),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in by.items()
    ]
    columns = ("", "p50 ms", "p99 ms", "p99 to the peer's, medians", "in each run", "worst ms", "CPU", "redis CPU",
               "producer late ms", "faults")  # fmt: skip
    title = (
        f"redis-latency: from XADD to the client; shape {load.shape}, {load.rate:g} bursts/s "
        f"x {load.sessions} sessions x {load.clients} clients, {load.seconds:g} s"
    )
    results.table(title, columns, lines)
