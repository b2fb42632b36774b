"""Many streams of one attribute each over mosquitto: how late their deltas come, and what they cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.bench.gate import Slot
from scripts.bench.mosquitto import Mosquitto
from scripts.bench.processes import Child, wait_until
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import Running, serving
from scripts.bench.streams_load import NODE, Changes, StreamsLoad

__all__ = ["run_streams", "streams"]

_START = 60.0  # seconds until a service has all its streams running
_OVERTIME = 30.0  # seconds that a service may need more than the load takes


def run_streams(folder: Path, load: StreamsLoad) -> dict[str, Any]:
    """One run. Shares of CPU are what the load takes, to its last delta, of a core for as long as it comes."""
    with (
        Mosquitto(folder) as broker,
        serving(folder, memory=True, source=load.source, more=load.configuration(broker.port)) as service,
    ):
        _await_streams(service, load)
        with Child(_sink(service, load, broker.port), folder / "streams-sink.log") as sink:
            sink.line()
            service.child.settle()
            children = {"service": service.child, "mosquitto": broker.child, "sink": sink}
            before = {who: child.cpu() for who, child in children.items()}
            began = time.monotonic()
            service.gate[Slot.GO] = 1
            time.sleep(load.seconds)
            wait_until(lambda: service.gate[Slot.SENT] >= load.samples, service.child, _OVERTIME, "end of the load")
            seconds = time.monotonic() - began
            service.gate[Slot.ENOUGH] = 1
            found: dict[str, Any] = json.loads(sink.line())
            shares = {f"{who}_share": (child.cpu() - before[who]) / seconds for who, child in children.items()}
            shares["sink_share"] -= found.pop("reading") / seconds
            rss = service.child.rss()
    return {
        "changes": load.changes,
        "history": load.state_dir is not None,
        "statuses": load.statuses,
        "seconds": seconds,
        "expected": load.deltas,
        "received": found.pop("changes"),
        **found,
        **shares,
        "rss": rss,
    }


def _await_streams(service: Running, load: StreamsLoad) -> None:
    """Until they run, and the session that feeds them is followed."""

    def ready() -> bool:
        time.sleep(0.1)
        running = service.metric("rta_streams_running") == load.streams
        return running and service.metric("rta_sessions_followed") == 1

    wait_until(lambda: service.listens, service.child, _START, "service")
    wait_until(ready, service.child, _START, "running streams")


def _sink(service: Running, load: StreamsLoad, port: int) -> list[str]:
    at_once = load.streams if load.changes is Changes.INSTANT else load.streams // load.source["parts"]
    skip = min(1.0, load.seconds / 5)
    arguments = [service.gate_path, port, f"{NODE}/status/#", at_once, skip]
    return [sys.executable, "-m", "scripts.bench.streams_sink", *map(str, arguments)]


def streams(results: Results, folder: Path, loads: Sequence[StreamsLoad], runs: int) -> None:
    """The loads take turns."""
    rows: list[Row] = []
    for run in range(runs):
        for load in loads:
            found = run_streams(folder, load)
            rows.append(results.add("streams", run=run, **found))
            results.say(
                f"#{run + 1} {_named(load.changes, load.statuses, found['history'])}: "
                f"{found['received']:,} of {found['expected']:,}; "
                f"p50 {found['p50']:.2f} p99 {found['p99']:.2f} "
                f"(of the median second {found['second_p99']:.2f}) worst {found['worst']:.1f} ms, "
                f"beside p50 {found['beside_p50']:.2f} p99 {found['beside_p99']:.2f} "
                f"(of the median second {found['beside_second_p99']:.2f}), "
                f"service {found['service_share']:.0%} of a core"
            )
    _show(results, loads[0], rows)


def _named(changes: str, statuses: int, history: bool) -> str:
    return f"{changes} x {statuses}{', recorded' if history else ''}"


def _show(results: Results, load: StreamsLoad, rows: list[Row]) -> None:
    lines = []
    by_load = results.group(rows, lambda r: (r["changes"], r["statuses"], r["history"]))
    for (changes, statuses, history), group in by_load.items():
        instant = changes == Changes.INSTANT
        lines.append(
            (
                _named(changes, statuses, history),
                f"{sum(r['expected'] - r['received'] for r in group):,} of {sum(r['expected'] for r in group):,}",
                str(sum(r["gaps"] for r in group)),
                spread(r["p50"] for r in group),
                spread((r["p99"] for r in group), 1),
                spread((r["second_p99"] for r in group), 1),
                spread((r["worst"] for r in group), 1),
                spread(r["beside_p50"] for r in group) if load.beside else "",
                spread((r["beside_p99"] for r in group), 1) if load.beside else "",
                spread((r["beside_second_p99"] for r in group), 1) if load.beside else "",
                spread((r["last_p50"] for r in group), 1) if instant else "",
                spread((r["last_p99"] for r in group), 1) if instant else "",
                spread(r["service_share"] for r in group),
                spread(r["mosquitto_share"] for r in group),
                spread(r["sink_share"] for r in group),
            )
        )
    columns = ("", "missing", "gaps", "p50 ms", "p99 ms", "of a second", "worst ms", "beside: p50 ms", "p99 ms",
               "of a second", "last p50 ms", "last p99 ms", "CPU", "mosquitto", "sink")  # fmt: skip
    title = (
        f"streams: {load.streams} on {load.attributes} attributes in 1 or {load.attributes} statuses, "
        f"{load.deltas / load.seconds:,.0f} deltas/s, QoS 0, {load.seconds:g} s; from a sample's moment to the "
        "subscriber; of a second: p99 of the median second; beside: of the "
        f"{load.beside * load.attributes} that are never recorded; last: of an instant's deltas; CPU of a core, with "
        "its children"
    )
    results.table(title, columns, lines)
