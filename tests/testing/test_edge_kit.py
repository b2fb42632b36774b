"""The kit of edges finds edges that are broken."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from rta_transports.websocket import EdgeOptions, WebSocketEdge

from rta.errors import leaves
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import ClientGone, Context, Edge
from rta.testing import EdgeContract
from rta.testing.edge_under_test import admit_anybody


class Bent:
    """A connection, with a way of its own here and there."""

    def __init__(self, real: Any, **ways: Any) -> None:
        self._real = real
        self._ways = ways

    def __getattr__(self, name: str) -> Any:
        way = self._ways.get(name)
        return getattr(self._real, name) if way is None else way(self._real)


class BentEdge:
    """The edge on WebSocket, whose connections or calls are bent."""

    def __init__(
        self, drains: bool = True, shares: bool = True, decodes: bool = True, guards: bool = True, **ways: Any
    ) -> None:
        context = Context("edge", Path(), time.time_ns, Metrics(HotCounters(), dict))
        self._real = WebSocketEdge(EdgeOptions(port=0), context)
        self.ping_interval = self.stall_timeout = 1.0
        self._drains, self._shares, self._decodes, self._guards, self._ways = drains, shares, decodes, guards, ways

    async def serve(
        self,
        handler: Any,
        app: Any,
        *,
        gate: Any,
        shared_port: int | None = None,
        task_status: Any = trio.TASK_STATUS_IGNORED,
    ) -> None:
        async def bent(connection: Any) -> None:
            await handler(Bent(connection, **self._ways))

        async def decoded(scope: Any, receive: Any, send: Any) -> None:
            await app(scope if self._decodes else {**scope, "raw_path": b"/a/b"}, receive, send)

        port = shared_port if self._shares else None
        asked = gate if self._guards else admit_anybody
        await self._real.serve(bent, decoded, gate=asked, shared_port=port, task_status=task_status)

    def drain(self) -> None:
        if self._drains:
            self._real.drain()


def kit(edge: Callable[[], Any], seconds: float) -> EdgeContract:
    class Kit(EdgeContract):
        shares_port = True
        patience = seconds

        @asynccontextmanager
        async def open_edge(self) -> AsyncIterator[Edge]:
            yield edge()

    return Kit()


def complaint(edge: Callable[[], Any], seconds: float, test: str, **parameters: object) -> str | None:
    try:
        trio.run(partial(getattr(kit(edge, seconds), test), **parameters))
    except BaseException as e:
        found = [leaf for leaf in leaves(e) if isinstance(leaf, AssertionError | pytest.fail.Exception)]
        if not found:
            raise
        return str(found[0]) or "an assertion"
    return None


async def gone() -> bytes:
    raise ClientGone(1000)


def text(connection: Any) -> Any:
    async def receive() -> str:
        return str(await connection.receive())

    return receive


def without_reason(connection: Any) -> Any:
    async def close(code: int, reason: str) -> None:
        await connection.close(code, "")

    return close


SLOW = "test_what_a_slow_client_does_not_take_is_sent_when_it_does"
WHAT = "test_a_connection_says_what_it_is_and_of_which_session"
REFUSED = "test_whoever_is_not_admitted_is_told_why_and_gets_no_connection"
ASKED = "test_the_gate_is_asked_with_what_the_client_has_sent"
TOLD = "test_the_client_is_told_the_code_and_the_reason"


@pytest.mark.parametrize(
    ("test", "parameters", "bent"),
    [
        (WHAT, {"identity": "a/b"}, {"identity": lambda c: "a%2Fb"}),
        (WHAT, {"identity": "s"}, {"peer": lambda c: "192.0.2.7"}),
        (WHAT, {"identity": "s"}, {"opened": lambda c: 0.0}),
        (SLOW, {}, {"hold": lambda c: lambda rest: None}),
        (SLOW, {}, {"free": lambda c: True}),
        ("test_messages_of_the_client_arrive", {}, {"receive": text}),
        ("test_a_client_that_is_pinged_is_heard", {}, {"ping": lambda c: lambda: None}),
        (TOLD, {}, {"close": without_reason}),
        (TOLD, {}, {"watch": lambda c: lambda blocked: None}),
        (TOLD, {}, {"free": lambda c: True}),
        ("test_a_close_of_the_client_is_told_with_its_code", {}, {"receive": lambda c: gone}),
        ("test_a_client_that_vanishes_is_gone", {}, {"receive": lambda c: gone}),
        ("test_an_abort_ends_whatever_waits", {}, {"abort": lambda c: lambda: None}),
        ("test_draining_refuses_who_comes_and_leaves_who_is_there", {}, {"drains": False}),
        ("test_two_edges_can_share_a_port", {}, {"shares": False}),
        ("test_what_asks_for_no_upgrade_goes_to_the_application", {}, {"decodes": False}),
        (REFUSED, {"status": 401}, {"guards": False}),
        (ASKED, {}, {"guards": False}),
        (ASKED, {}, {"subject": lambda c: None}),
    ],
)
def test_what_is_bent_is_found(test, parameters, bent):
    assert complaint(BentEdge, 10.0, test, **parameters) is None
    assert complaint(partial(BentEdge, **bent), 0.5, test, **parameters) is not None
