"""Fan-out of a stream in Redis, as fast as it goes: the service and its peers take turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from scripts.bench.flat_out import Job, figures
from scripts.bench.gate import Slot
from scripts.bench.peering import COALESCING, Peer, peer_running, usable
from scripts.bench.processes import Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import serving
from scripts.bench.shapes import Maker
from scripts.bench.sink import Sink

__all__ = ["MERGED", "SINGLE", "Cost", "from_redis", "run_peer", "run_service"]

SINGLE = "rta"
"""The service while no client is behind: every frame is one burst."""
MERGED = "rta merged"
"""The service as it is: it merges for clients that are behind."""
DELAYED = "rta merge_delay"
"""The service told to collect bursts for a millisecond, and to merge them for everybody."""

_WINDOW = 1 << 20  # bytes that a client may be behind where clients are to follow
_ON_THE_WAY = 512 << 20  # the same for all clients together
_MEMORY = 160 << 20
_MOST = 100_000
_LEAST = 50


@frozen
class Cost:
    """A guess of what a program takes, to give a run its length: a burst, and how many times a bare send each send."""

    burst: float
    sends: float

    def job(self, shape: str, clients: int, seconds: float, merged: bool) -> Job:
        send = (_MERGED_SEND if merged else _SEND)[shape]
        each = self.burst * 1e-6 + clients * self.sends * send * 1e-6
        size = Maker(shape).size
        return Job(shape, clients, max(_LEAST, int(min(seconds / each, _MEMORY / size, _MOST))))


_SEND = {"A": 3, "B": 18, "C": 5}  # microseconds
_TOGETHER = (MERGED, DELAYED, COALESCING)
_MERGED_SEND = {"A": 0.5, "B": 18, "C": 5}
_COSTS = {
    SINGLE: Cost(60, 1),
    MERGED: Cost(60, 1),
    DELAYED: Cost(60, 1),
    "trio_raw": Cost(10, 1),
    COALESCING: Cost(10, 1),
    "picows": Cost(60, 1.2),
    "asyncio_ws": Cost(80, 3),
    "node_ws": Cost(30, 3),
    "trio_naive": Cost(60, 20),
}


def _window(job: Job) -> int:
    """How many bursts the slowest client may be behind, so that its socket does not fill up."""
    return max(2, min(_WINDOW, _ON_THE_WAY // job.clients) // Maker(job.shape).size)


def run_service(
    folder: Path, redis: RedisServer, job: Job, who: str = SINGLE, arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """The service, between one hand-over and the last burst of the slowest client."""
    window = _window(job) if who == SINGLE else 0
    fanout = {"merge_delay": 0.001} if who == DELAYED else {}
    with redis.emptied(1):
        redis.prepare(job.shape, job.bursts)
        log = {"window": window} if who == SINGLE else None
        with serving(folder, redis=redis.url, log=log, fanout=fanout, arguments=arguments) as service:
            service.gate[Slot.GO] = 1
            sink = Sink(folder, service.port, job.clients, **job.sink_options(service.gate_path, window))
            return _measured(service.child, redis, sink, job)


def run_peer(folder: Path, redis: RedisServer, job: Job, peer: Peer, node_folder: Path) -> dict[str, Any]:
    """One of the others, in the same way."""
    with redis.emptied(1):
        redis.prepare(job.shape, job.bursts)
        with peer_running(peer, folder, redis.port, node_folder) as (child, port):
            sink = Sink(folder, port, job.clients, **job.sink_options())
            return _measured(child, redis, sink, job)


def _measured(child: Child, redis: RedisServer, sink: Sink, job: Job) -> dict[str, Any]:
    child.settle()
    idle, before, redis_before = child.rss(), child.cpu(), redis.child.cpu()
    begun = redis.hand_over()
    found = sink.result()
    cpu, redis_cpu = child.cpu() - before, redis.child.cpu() - redis_before
    seconds = max(found["last"] - begun / 1e9, 1e-9)
    more = {"rss_before": idle, "rss_peak": child.rss("VmHWM"), "redis_share": redis_cpu / seconds}
    return figures(job, begun, cpu, found) | more


def from_redis(
    results: Results,
    folder: Path,
    shapes: Sequence[str],
    clients: Sequence[int],
    runs: int,
    seconds: float,
    peers: list[str],
    node_folder: Path,
) -> None:
    """All programs once in each run, every other run in the opposite order."""
    there = {peer.name: peer for peer in usable(results, [*peers, COALESCING], node_folder)}
    rows: list[Row] = []
    with RedisServer(folder) as redis:
        for run in range(runs):
            for shape in shapes:
                for n in clients:
                    order = [SINGLE, *there, MERGED, DELAYED]
                    for who in order if run % 2 == 0 else order[::-1]:
                        merged = who in _TOGETHER
                        job = evolve(_COSTS[who].job(shape, n, seconds, merged), limit=seconds * 20 + 20)
                        if who in there:
                            found = run_peer(folder, redis, job, there[who], node_folder)
                        else:
                            found = run_service(folder, redis, job, who)
                        rows.append(results.add("redis", who=who, run=run, **found))
                        said = f"{found['bursts_s']:,.0f} bursts/s, sink {found['sink_share']:.2f}"
                        results.say(f"#{run + 1} {shape} x {n} {who}: {said}, {found['seconds']:.1f} s")
    _show(results, rows)


def _show(results: Results, rows: list[Row]) -> None:
    lines, verdicts = [], []
    for (shape, n), group in results.group(rows, lambda r: (r["shape"], r["clients"])).items():
        by = results.group(group, lambda r: r["who"])
        singles = [who for who in by if who != SINGLE and who not in _TOGETHER]
        for who in [SINGLE, *(name for name in _COSTS if name in singles), *_TOGETHER]:
            if who in by:
                ours = by[DELAYED if who in _TOGETHER else SINGLE]
                ratio = "1" if who in (SINGLE, DELAYED) else spread(_ratios(ours, by[who]))
                lines.append((f"{shape} x {n} {who}", ratio, *_columns(by[who])))
        if singles:
            verdicts.append((f"{shape} x {n}", *_verdict(by, singles)))
    columns = ("", "rta to it", "bursts/s", "CPU us/burst", "CPU", "bursts/frame", "sink CPU", "redis CPU", "faults")
    results.table("redis: from Redis to clients; rta to it: bursts/s of the same run", columns, lines)
    if verdicts:
        title = "redis: the service to the best of those that send single frames, in each run"
        results.table(title, ("", "rta to the best", "mostly", "CPU us/burst, rta to it"), verdicts)


def _columns(group: list[Row]) -> tuple[str, ...]:
    return (
        spread((r["bursts_s"] for r in group), 0),
        spread(r["cpu_us_per_delivered"] for r in group),
        spread(r["cpu_share"] for r in group),
        spread((r["bursts_per_frame"] for r in group), 1),
        spread(r["sink_share"] for r in group),
        spread(r["redis_share"] for r in group),
        str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
    )


def _ratios(ours: list[Row], theirs: list[Row]) -> list[float]:
    return [a["bursts_s"] / b["bursts_s"] for a, b in zip(ours, theirs, strict=True)]


def _verdict(by: dict[str, list[Row]], peers: list[str]) -> tuple[str, str, str]:
    best = [max((by[who][i] for who in peers), key=lambda r: r["bursts_s"]) for i in range(len(by[SINGLE]))]
    names = [b["who"] for b in best]
    cpu = [a["cpu_us_per_delivered"] / b["cpu_us_per_delivered"] for a, b in zip(by[SINGLE], best, strict=True)]
    return spread(_ratios(by[SINGLE], best)), max(set(names), key=names.count), spread(cpu)
