"""One run at a given rate, every burst stamped: how late it comes to the clients."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from attrs import frozen

from scripts.bench.gate import Gate, Slot
from scripts.bench.processes import Child, free_port, wait_until
from scripts.bench.service import serving
from scripts.bench.sink import Sink

__all__ = ["Load", "pace_bare", "pace_service"]


@frozen
class Load:
    """So many bursts a second in each session, to so many clients of each, for so long."""

    shape: str
    sessions: int
    clients: int
    rate: float
    seconds: float
    deaf: int = 0
    """Clients in addition, that subscribe and read nothing."""

    @property
    def bursts(self) -> int:
        """Over all sessions."""
        return int(self.rate * self.seconds) * self.sessions

    @property
    def total_rate(self) -> float:
        """Bursts per second over all sessions."""
        return self.rate * self.sessions

    def sink(self, folder: Path, port: int) -> Sink:
        """The clients."""
        return Sink(
            folder,
            port,
            self.clients * self.sessions,
            sessions=self.sessions,
            deaf=self.deaf,
            expect=self.bursts // self.sessions,
            idle=3,
            max=self.seconds + 20,
            lat=1,
            skip=min(1.0, self.seconds / 5),
        )

    def figures(self, begun_ns: int, cpu: float, found: dict[str, Any]) -> dict[str, Any]:
        """What is worth writing down."""
        seconds = max(found["last"] - begun_ns / 1e9, 1e-9)
        wanted = ("p50", "p90", "p99", "worst", "n", "closed", "undecoded")
        return {
            "shape": self.shape,
            "sessions": self.sessions,
            "clients": self.clients,
            "deaf": self.deaf,
            "rate": self.rate,
            "seconds": seconds,
            **{k: found[k] for k in wanted},
            "missing": self.bursts * self.clients - found["bursts"],
            "bursts_per_frame": found["bursts"] / max(1, found["frames"]),
            "cpu_share": cpu / seconds,
            "sink_share": found["cpu"] / seconds,
        }


def pace_bare(folder: Path, load: Load) -> dict[str, Any]:
    """The bare loop."""
    path, port = folder / "gate", free_port()
    path.unlink(missing_ok=True)
    gate = Gate(path)
    numbers = [port, load.clients * load.sessions, load.shape, load.bursts, load.sessions, load.total_rate]
    argv = [sys.executable, "-m", "scripts.bench.bare", str(path), *map(str, numbers)]
    with Child(argv, folder / "bare.log") as child:
        wait_until(lambda: gate[Slot.READY], child, 20, "bare loop")
        sink = load.sink(folder, port)
        time.sleep(0.2)
        before = child.cpu()
        gate[Slot.GO] = 1
        found = sink.result()
        return load.figures(gate[Slot.BEGUN], child.cpu() - before, found)


def pace_service(folder: Path, load: Load, log_bytes: int = 64 << 20, fill: int = 0) -> dict[str, Any]:
    """The service, its log bounded and filled at first, so that it is in the memory it has when idle."""
    log = {"shape": load.shape, "max_bytes": log_bytes, "fill": fill}
    source = {
        "shape": load.shape,
        "sessions": load.sessions,
        "bursts": load.bursts,
        "rate": load.total_rate,
    }
    with serving(folder, log=log, source=source, fanout={"back_scan": 0}) as service:
        gate, child = service.gate, service.child
        if fill:
            gate[Slot.LOAD] = 1
            wait_until(lambda: gate[Slot.LOADED], child, 60, "filled log")
            time.sleep(2.1)  # more than a back-fill's whole second ago
        child.settle()
        idle = child.rss()
        sink = load.sink(folder, service.port)
        child.settle()
        connected, before = child.rss(), child.cpu()
        gate[Slot.GO] = 1
        time.sleep(load.seconds * 0.9)
        behind = service.metric("rta_clients_behind")
        found = sink.result()
        figures = load.figures(gate[Slot.BEGUN], child.cpu() - before, found) | {"behind": behind}
        memory = {"rss_idle": idle, "rss_connected": connected, "rss_peak": child.rss("VmHWM")}
        return figures | memory
