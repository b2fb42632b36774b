"""One run as fast as it goes: of the bare loop, or of the whole service in one of several forms."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import frozen

from scripts.bench.gate import Gate, Slot
from scripts.bench.processes import Child, free_port, wait_until
from scripts.bench.service import serving
from scripts.bench.shapes import Maker
from scripts.bench.sink import Sink

__all__ = ["Form", "Job", "figures", "run_bare", "run_service"]

_WINDOW = 1 << 20  # bytes that a client may be behind where clients are to follow
_ON_THE_WAY = 128 << 20  # the same for all clients together
_BIG = "B"  # the shape of which two bursts are never merged, so that the sink need not look inside


class Form(StrEnum):
    """How bursts come to clients."""

    FOLLOW = "follow"
    """The log is filled, then handed to the hub while no client is behind: every frame is one burst, untouched."""
    INGEST = "ingest"
    """The same, but the source appends while it runs: the cost of ingest is in it."""
    FLOOD = "flood"
    """The filled log is handed out whether clients are behind or not."""
    BACK_FILL = "back-fill"
    """The log was filled before the clients came: merged."""


@frozen
class Job:
    """What is to be sent to whom."""

    shape: str
    clients: int
    bursts: int
    sub: str = "all"
    relayout: int = 0
    limit: float = 25.0
    """Seconds after which the sink gives up."""

    def sink_options(self, gate: Path | None = None, window: int = 0) -> dict[str, object]:
        """The sink's part of it."""
        return {
            "expect": self.bursts,
            "idle": 3,
            "max": self.limit,
            "sub": self.sub,
            "big": int(self.shape == _BIG),
            "gate": gate,
            "step": max(1, window // 8),
        }


def figures(job: Job, begun_ns: int, cpu: float, found: dict[str, Any]) -> dict[str, Any]:
    """What is worth writing down."""
    seconds = max(found["last"] - begun_ns / 1e9, 1e-9)
    return {
        "shape": job.shape,
        "clients": job.clients,
        "bursts": job.bursts,
        "seconds": seconds,
        "bursts_s": found["bursts"] / seconds,
        "cpu": cpu,
        "cpu_us_per_delivered": cpu / max(1, found["bursts"]) * 1e6,
        "cpu_us_per_burst": cpu / job.bursts * 1e6,
        "cpu_share": cpu / seconds,
        "sink_share": found["cpu"] / seconds,
        "bursts_per_frame": found["bursts"] / max(1, found["frames"]),
        "missing": job.bursts * job.clients - found["bursts"],
        "closed": found["closed"],
        "undecoded": found["undecoded"],
        "bytes": found["bytes"],
    }


def run_bare(folder: Path, job: Job) -> dict[str, Any]:
    """The bare loop."""
    path, port = folder / "gate", free_port()
    path.unlink(missing_ok=True)
    gate = Gate(path)
    numbers = [port, job.clients, job.shape, job.bursts]
    argv = [sys.executable, "-m", "scripts.bench.bare", str(path), *map(str, numbers)]
    with Child(argv, folder / "bare.log") as child:
        wait_until(lambda: gate[Slot.READY], child, 20, "bare loop")
        sink = Sink(folder, port, job.clients, **job.sink_options())
        time.sleep(0.1)
        before = child.cpu()
        gate[Slot.GO] = 1
        found = sink.result()
        return figures(job, gate[Slot.BEGUN], child.cpu() - before, found)


def _window(job: Job) -> int:
    """How many bursts the slowest client may be behind, so that its socket does not fill up."""
    return max(2, min(_WINDOW, _ON_THE_WAY // job.clients) // Maker(job.shape).size)


def run_service(folder: Path, form: Form, job: Job) -> dict[str, Any]:
    """The service."""
    window = _window(job) if form in (Form.FOLLOW, Form.INGEST) else 0
    ingest = form is Form.INGEST
    log = {
        "shape": job.shape,
        "fill": 0 if ingest else job.bursts,
        "relayout": job.relayout,
        "window": 0 if ingest else window,
        "hold": not ingest,
    }
    source = {"shape": job.shape, "bursts": job.bursts if ingest else 0, "window": window}
    with serving(folder, log=log, source=source) as service:
        gate, child = service.gate, service.child

        def fill() -> None:
            gate[Slot.LOAD] = 1
            wait_until(lambda: ingest or gate[Slot.LOADED], child, 60, "filled log")

        if form is Form.BACK_FILL:
            fill()
        sink = Sink(folder, service.port, job.clients, **job.sink_options(service.gate_path, window))
        child.settle()
        if form is not Form.BACK_FILL:
            fill()
            child.settle()
        idle, before = child.rss(), child.cpu()
        gate[Slot.GO] = 1
        found = sink.result()
        memory = {"rss_before": idle, "rss_peak": child.rss("VmHWM")}
        return figures(job, gate[Slot.BEGUN], child.cpu() - before, found) | memory | {"window": window}
