"""From the start of the process to a client's first data."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from scripts.bench.gate import Slot
from scripts.bench.processes import wait_until
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import start
from scripts.bench.sink import Sink

__all__ = ["starting"]

_IMPORTS = "import trio, trio_websocket, google.protobuf.message, lz4.block"


def starting(results: Results, folder: Path, runs: int) -> None:
    """A client connects as soon as its session is open; the source appends from then on."""
    rows: list[Row] = []
    for run in range(runs):
        began = time.time()
        subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
        imports = time.time() - began
        rows.append(results.add("start", run=run, imports=imports, **_once(folder)))
    lines = [
        (what, spread((r[key] for r in rows), 3), spread(r[key] / r["imports"] for r in rows))
        for key, what in (
            ("imports", "Python with the libraries that it cannot do without"),
            ("accepted", "rta run: a client has connected and subscribed"),
            ("first", "rta run: it has its first data"),
        )
    ]
    results.table("start: from the start of the process", ("", "seconds", "ratio"), lines)


def _once(folder: Path) -> dict[str, float]:
    began = time.time()
    running = start(folder, source={"bursts": 1000, "rate": 200.0})
    try:
        running.gate[Slot.GO] = 1
        wait_until(lambda: running.gate[Slot.READY], running.child, 30, "session")
        sink = Sink(folder, running.port, 1, expect=1, retry=30)
        found = sink.result()
    finally:
        running.child.stop()
    return {"accepted": found["subscribed"] - began, "first": found["first"] - began}
