"""The source of remote nodes keeps the contract of every source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from remote_node import Node, entry, listening
from rta_transports.memory import MemoryTopics

from rta.ports import CloseSession, Source, SourceUpdate
from rta.testing import SourceContract


async def live(node: Node) -> None:
    """Comes, says something for a second, and goes; again and again."""
    seq = 0
    while True:
        node.presence("online")
        for _ in range(10):
            seq += 1
            node.status(entry(trio.current_time(), seq, rpm=seq, mode=f"mode {seq % 3}", group={"sg/1": seq % 2 == 0}))
            node.status(entry(trio.current_time(), seq, **{f"new_{seq // 7}": 1}), stream="car.fuel")
            await trio.sleep(0.1)
        node.presence("shutdown")
        await trio.sleep(0.1)


class TestRemoteNodes(SourceContract):
    repeatable = False  # a node is as it is

    def enough(self, updates: list[SourceUpdate]) -> bool:
        return sum(isinstance(u, CloseSession) for u in updates) == 2

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        bus = MemoryTopics()
        node = Node(bus.broker)
        async with node.connected(), trio.open_nursery() as nursery:
            nursery.start_soon(live, node)
            async with listening(bus) as (source, _):
                self.bus = bus
                yield source
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def outage(self, source: Source) -> AsyncIterator[None]:
        self.bus.cut()
        yield
        self.bus.mend()
