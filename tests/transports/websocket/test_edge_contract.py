"""The edge on WebSocket keeps the contract of every edge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rta_transports.websocket import TRANSPORT, EdgeOptions

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, Edge
from rta.testing import EdgeContract


class TestWebSocketEdge(EdgeContract):
    shares_port = True

    @asynccontextmanager
    async def open_edge(self) -> AsyncIterator[Edge]:
        context = Context("edge", Path(), time.time_ns, Metrics(HotCounters(), dict))
        assert TRANSPORT.edge is not None
        async with TRANSPORT.edge.open(EdgeOptions(port=0), context) as edge:
            yield edge


def test_its_offer_has_an_address():
    assert TRANSPORT.edge is not None
    assert TRANSPORT.edge.address is not None
    assert TRANSPORT.edge.address(EdgeOptions(host="::1", port=8181)) == ("::1", 8181)
