"""An edge with an application of the test's own, and clients on bare streams."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from rta_transports.websocket import EdgeOptions, WebSocketEdge

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, FrameConnection, Gate
from rta.testing.edge_under_test import admit_anybody

__all__ = ["PATIENCE", "Visitor", "answering", "serving"]

PATIENCE = 60.0  # seconds after which what is waited for is taken to never come


class Visitor:
    """One connection to the edge."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.received = b""

    async def send(self, data: bytes) -> None:
        with trio.fail_after(PATIENCE):
            await self.stream.send_all(data)

    async def until(self, mark: bytes) -> bytes:
        """Everything up to a mark, which has to come."""
        with trio.fail_after(PATIENCE):
            while mark not in self.received:
                data = await self.stream.receive_some()
                assert data, self.received
                self.received += data
        found, mark, self.received = self.received.partition(mark)
        return found + mark

    async def rest(self) -> bytes:
        """Everything up to the end, orderly or not."""
        with trio.fail_after(PATIENCE):
            try:
                while data := await self.stream.receive_some():
                    self.received += data
            except trio.BrokenResourceError:
                pass
        return self.received


class Served:
    """A running edge."""

    def __init__(self, edge: WebSocketEdge, url: str, metrics: Metrics, warnings: dict[str, str]) -> None:
        self.edge = edge
        self.port = int(url.rpartition(":")[2])
        self.metrics = metrics
        self.warnings = warnings
        """What `/health` would show now."""

    def refused(self, reason: str) -> float:
        """How many connections, for this reason."""
        return self.metrics.registry.get_sample_value("rta_connections_refused_total", {"reason": reason}) or 0.0

    @asynccontextmanager
    async def visited(self) -> AsyncIterator[Visitor]:
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            yield Visitor(stream)


@asynccontextmanager
async def serving(app: Any, gate: Gate = admit_anybody, **options: Any) -> AsyncIterator[Served]:
    """An edge that serves an application, and keeps every WebSocket."""
    metrics = Metrics(HotCounters(), dict)
    warnings: dict[str, str] = {}

    def warn(about: str, what: str | None) -> None:
        warnings.pop(about, None)
        if what is not None:
            warnings[about] = what

    edge = WebSocketEdge(EdgeOptions(port=0, **options), Context("edge", Path(), time.time_ns, metrics, warn=warn))

    async def keep(connection: FrameConnection) -> None:
        await trio.sleep_forever()

    with trio.fail_after(3 * PATIENCE):
        async with trio.open_nursery() as nursery:
            url = await nursery.start(partial(edge.serve, keep, app, gate=gate))
            yield Served(edge, url, metrics, warnings)
            nursery.cancel_scope.cancel()


def answering(*bodies: bytes, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Any:
    """An application that reads what it is sent and answers in so many parts."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for body in bodies:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app
