"""What TLS costs at the edge: the same edge with and without it, in turn, in one run.

The edge is in this process and its clients are in another, so that the time of this thread is the edge's own.
"""

from __future__ import annotations

import json
import statistics
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import evolve
from rta_transports.websocket import EdgeOptions, WebSocketEdge

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import ClientGone, CloseCode, Context, FrameConnection
from scripts.bench.certificate import NAME, write_certificate
from scripts.bench.processes import ROOT, BenchError
from scripts.bench.report import Results, Row, spread

__all__ = ["measure_tls"]

_SIZES = (500, 16_000)  # bytes of a frame's payload
_LARGE = b"x" * (64 << 20)
_KINDS = ("plain", "tls")


def measure_tls(results: Results, folder: Path, clients: int, frames: int, handshakes: int, runs: int) -> None:
    """`frames`: to each of the clients, of each size."""
    write_certificate(folder)
    rows: list[Row] = []
    for run in range(runs):
        for kind in _KINDS:
            found = trio.run(_one_run, folder, kind, clients, frames, handshakes)
            rows.append(results.add("tls", run=run, kind=kind, clients=clients, **found))
            results.say(f"run {run + 1}, {kind}: {json.dumps(found)}")
    names = list(rows[0])[4:]
    plain, tls = ([r for r in rows if r["kind"] == kind] for kind in _KINDS)
    results.table(
        f"TLS at the edge, {clients} clients",
        ["", *_KINDS, "ratio"],
        [
            (
                name,
                spread([r[name] for r in plain], 3),
                spread([r[name] for r in tls], 3),
                f"{statistics.median(t[name] / p[name] for p, t in zip(plain, tls, strict=True)):.2f}",
            )
            for name in names
        ],
    )


class _Edge:
    """One that is served, and the WebSockets that it has."""

    def __init__(self, url: str, ca: Path, connections: list[FrameConnection]) -> None:
        self.connections = connections
        self._url = url.replace("127.0.0.1", NAME)
        self._ca = ca

    async def clients(self, what: str, count: int) -> dict[str, float]:
        """Until they are done."""
        done = await trio.run_process(
            [sys.executable, "-m", "scripts.bench.tls_clients", self._url, str(self._ca), what, str(count)],
            capture_stdout=True,
            capture_stderr=True,
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"the clients failed: {done.stderr.decode()[-2000:]}")
        return dict(json.loads(done.stdout))


@asynccontextmanager
async def _serving(folder: Path, kind: str) -> AsyncIterator[_Edge]:
    connections: list[FrameConnection] = []

    async def keep(connection: FrameConnection) -> None:
        connections.append(connection)
        with suppress(ClientGone):
            await connection.receive()
        connections.remove(connection)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        size = [(b"content-length", b"%d" % len(_LARGE))]
        await send({"type": "http.response.start", "status": 200, "headers": size})
        await send({"type": "http.response.body", "body": _LARGE})

    options = EdgeOptions(port=0)
    if kind == "tls":
        options = evolve(options, cert_file=folder / "cert.pem", key_file=folder / "key.pem")
    context = Context("edge", folder, time.time_ns, Metrics(HotCounters(), dict))
    edge = WebSocketEdge(options, context)
    async with trio.open_nursery() as nursery:
        yield _Edge(await nursery.start(partial(edge.serve, keep, app)), folder / "cert.pem", connections)
        nursery.cancel_scope.cancel()


async def _one_run(folder: Path, kind: str, clients: int, frames: int, handshakes: int) -> dict[str, float]:
    found: dict[str, float] = {}
    async with _serving(folder, kind) as edge:
        began = time.thread_time()
        await edge.clients("handshakes", handshakes)
        found["connection, µs"] = (time.thread_time() - began) / handshakes * 1e6
        began = time.thread_time()
        said = await edge.clients("download", 2)
        found["download, ms of CPU per MiB"] = (time.thread_time() - began) * 1e3 / (said["bytes"] / (1 << 20))
        found["download, s per GiB"] = said["seconds"] / (said["bytes"] / (1 << 30))
        for size in _SIZES:
            found |= await _fan_out(edge, size, clients, frames)
    return found


async def _fan_out(edge: _Edge, size: int, clients: int, frames: int) -> dict[str, float]:
    said: dict[str, float] = {}

    async def follow() -> None:
        said.update(await edge.clients("follow", clients))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        with trio.fail_after(120):
            while len(edge.connections) < clients:
                await trio.sleep(0.01)
        spent = 0.0
        for _ in range(frames):
            for connection in edge.connections:
                await connection.drain()
            began = time.thread_time()
            frame = b"\x82\x7e" + struct.pack("!Hq", size, time.monotonic_ns()) + bytes(size - 8)
            for connection in edge.connections:
                if (taken := connection.send(frame)) < len(frame):
                    connection.hold(memoryview(frame)[taken:])
            spent += time.thread_time() - began
            await trio.sleep(0.01)
        for connection in list(edge.connections):
            nursery.start_soon(connection.close, CloseCode.NORMAL, "")
    return {f"send of {size}, µs": spent / frames / clients * 1e6, f"p99 of {size}, ms": said["p99"]}
