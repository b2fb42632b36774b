"""The edge on WebSocket keeps the contract of every edge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio
from certificate_files import tls_stream, write_certificate
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


class TestWebSocketEdgeOverTls(EdgeContract):
    shares_port = True

    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        write_certificate(tmp_path)
        self.folder = tmp_path

    @asynccontextmanager
    async def open_edge(self) -> AsyncIterator[Edge]:
        context = Context("edge", self.folder, time.time_ns, Metrics(HotCounters(), dict))
        assert TRANSPORT.edge is not None
        options = EdgeOptions(port=0, cert_file=Path("cert.pem"), key_file=Path("key.pem"))
        async with TRANSPORT.edge.open(options, context) as edge:
            yield edge

    async def dial(self, url: str) -> trio.SSLStream[trio.SocketStream]:
        assert url.startswith("https://")
        port = urlsplit(url).port
        assert port is not None
        return await tls_stream(port)


def test_its_offer_has_an_address():
    assert TRANSPORT.edge is not None
    assert TRANSPORT.edge.address is not None
    assert TRANSPORT.edge.address(EdgeOptions(host="::1", port=8181)) == ("::1", 8181)
