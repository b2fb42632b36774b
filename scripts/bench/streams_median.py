"""The memory that medians take: a million samples over 60 windows of a minute, by the stream engine alone.

As a program, it is the process that is measured: `python -m scripts.bench.streams_median SAMPLES WINDOWS`.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import Any

from rta.rsmp.message import PLAIN
from rta.stream.definition import Aggregate, AttributeDefinition, StatusDefinition, StreamDefinition
from rta.stream.engine import Sample, StatusEngine
from rta.wire.values import Ns
from scripts.bench.processes import Child
from scripts.bench.report import Results, Row, spread

__all__ = ["streams_median"]

_MINUTE = 60_000_000_000
_START = 29_000_000 * _MINUTE
_AT_ONCE = 50  # samples that come together


def _take(engine: StatusEngine, samples: int, windows: int, first: int) -> int:
    """Samples over whole windows; how many messages came of it."""
    numbers = random.Random(first)
    step = windows * _MINUTE // samples
    start = _START + first * _MINUTE
    sent = 0
    for at in range(0, samples, _AT_ONCE):
        burst = [
            Sample(Ns(start + i * step), "value", PLAIN, numbers.random())
            for i in range(at, min(at + _AT_ONCE, samples))
        ]
        now = burst[-1].ts
        sent += len(engine.feed(burst, now, now))
    return sent


def _resident(what: str) -> float:
    """MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise OSError(f"the system does not say {what}")


def main() -> None:
    samples, windows = map(int, sys.argv[1:])
    engine = StatusEngine(StatusDefinition("bench", attributes={"value": AttributeDefinition("value")}), UTC)
    median: dict[str, tuple[Aggregate, ...]] = {"value": (Aggregate.MEDIAN,)}
    stream = engine.add(StreamDefinition("bench", "median", aggregates=median, update=Ns(_MINUTE)))
    stream.start(Ns(_START), Ns(_START))
    _take(engine, 100, 2, 0)  # whatever is there once only
    before, cpu = _resident("VmRSS"), time.process_time()
    sent = _take(engine, samples, windows, 2)
    found = {
        "grown": _resident("VmHWM") - before,
        "kept": _resident("VmRSS") - before,
        "us": (time.process_time() - cpu) / samples * 1e6,
        "messages": sent,
    }
    print(json.dumps(found))


def streams_median(results: Results, folder: Path, samples: int, windows: int, runs: int) -> None:
    """Each run is a process of its own."""
    rows: list[Row] = []
    for run in range(runs):
        argv = [sys.executable, "-m", "scripts.bench.streams_median", str(samples), str(windows)]
        with Child(argv, folder / "median.log") as child:
            found: dict[str, Any] = json.loads(child.line())
        rows.append(results.add("streams-median", run=run, samples=samples, windows=windows, **found))
    line = (
        spread((r["grown"] for r in rows), 1),
        spread((r["kept"] for r in rows), 1),
        spread(r["us"] for r in rows),
        spread((r["messages"] for r in rows), 0),
    )
    title = f"streams-median: {samples:,} samples over {windows} one-minute windows, making of the samples included"
    results.table(title, ("RSS at the peak +MiB", "at the end +MiB", "us/sample", "messages"), [line])


if __name__ == "__main__":
    main()
