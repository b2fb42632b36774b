"""The service under test: `rta run`, as anybody would start it, with `bench` beside the installed transports."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from attrs import frozen

from scripts.bench.gate import Gate, Slot
from scripts.bench.processes import BenchError, Child, free_port, wait_until

__all__ = ["Running", "serving", "start"]

_ENTRY_POINTS = """\
[rta.transports]
bench = scripts.bench.transport:TRANSPORT
bench-changes = scripts.bench.streams_source:TRANSPORT
"""


@frozen
class Running:
    """A service that is up."""

    child: Child
    port: int
    gate: Gate
    gate_path: Path

    @property
    def listens(self) -> bool:
        """Whether it accepts connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def metric(self, name: str) -> float:
        """One of its metrics, read as a scraper would."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise BenchError(f"there is no metric {name}")


def _install(folder: Path) -> Path:
    """What a plug-in's package would bring: an entry point, found through a folder on Python's path."""
    info = folder / "plugin" / "rta_bench-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rta-bench\nVersion: 0\n")
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)
    return info.parent


def _table(name: str, options: dict[str, Any]) -> str:
    return f"{name}\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in options.items())


def start(
    folder: Path,
    *,
    log: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    fanout: dict[str, Any] | None = None,
    redis: str | None = None,
    memory: bool = False,
    edge: dict[str, Any] | None = None,
    more: str = "",
    pruner: dict[str, Any] | None = None,
    arguments: Sequence[str] = (),
) -> Running:
    """Start it without waiting. Options: see `scripts.bench.transport`; `edge`, `fanout` and `pruner` are the service's
    own.

    With the URL of a `redis` it is an edge and nothing else: without a source, and with a gate in front of its log
    only if there are options for `log`. With `memory` the buffer is the service's own. `more` is put behind the
    configuration. The arguments are further ones of `rta run`.
    """
    gate_path = folder / "gate"
    gate_path.unlink(missing_ok=True)
    gate, port = Gate(gate_path), free_port()
    config = folder / "site.toml"
    buffer: dict[str, Any] = {"transport": "bench", "gate": str(gate_path), **(log or {})}
    if redis is not None:
        buffer = {**buffer, "redis": redis} if log is not None else {"transport": "redis", "url": redis}
    elif memory:
        buffer = {"transport": "memory"}
    sources = _table("[[source]]", {"name": "bench", "transport": "bench", "gate": str(gate_path), **(source or {})})
    config.write_text(
        _table("[edge]", {"transport": "websocket", "host": "127.0.0.1", "port": port, **(edge or {})})
        + _table("[buffer]", buffer)
        + _table("[fanout]", fanout or {})
        + _table("[pruner]", pruner or {})
        + _table("[logging]", {"level": "warning"})
        + (sources if redis is None else "")
        + more
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("RTA_")}
    env["PYTHONPATH"] = str(_install(folder))
    argv = [sys.executable, "-m", "rta", "run", "--config", str(config), *arguments]
    child = Child(argv, folder / "rta.log", env)
    return Running(child, port, gate, gate_path)


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Running]:
    """A service whose sessions are open, or that listens if it has no source; ended by its own id."""
    running = start(folder, **options)
    edge_only = options.get("redis") is not None
    try:
        wait_until(lambda: running.listens if edge_only else running.gate[Slot.READY], running.child, 20, "service")
        yield running
    finally:
        running.child.stop()
