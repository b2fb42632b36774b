"""Nodes that never finish an answer, or miss more than can be kept: the gaps of the others heal all the same."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from rta_transports.memory import MemoryTopics
from rta_transports.memory.broker import MemoryBroker
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.consumer import GapHealed, Watch, open_consumer
from rta.ports import TopicMessage

from .fake_node import FakeNode, entry

GOOD = "dk/cph/good"


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Endless(FakeNode):
    """Sends an empty page every 20 s, and never the last one."""

    nursery: trio.Nursery

    def _send_history(self, message: TopicMessage, asked: dict[str, str]) -> None:
        self.nursery.start_soon(self._go_on, message)

    async def _go_on(self, message: TopicMessage) -> None:
        while True:
            self._answer(message, {"entries": [], "complete": False})
            await trio.sleep(20)


async def miss(node: FakeNode, stream: str, gaps: int = 1) -> None:
    for i in range(gaps + 1):
        await node.status(entry(1 + 3 * i), stream=stream)


async def healed(watch: Watch, node: str) -> Any:
    async for event in watch:
        if isinstance(event, GapHealed) and event.node == node:
            return event
    return None


async def good_node(stack: AsyncExitStack, broker: MemoryBroker) -> FakeNode:
    node = await stack.enter_async_context(FakeNode(broker, GOOD).running())
    await node.online()
    node.history = [entry(1), entry(2), entry(3), entry(4)]
    return node


async def test_a_node_whose_answers_never_end_holds_up_nobody_else(autojump_clock):
    bus = MemoryTopics()
    async with AsyncExitStack() as stack:
        endless = await stack.enter_async_context(Endless(bus.broker, "dk/cph/endless").running())
        endless.nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(endless.nursery.cancel_scope.cancel)
        await endless.online()
        good = await good_node(stack, bus.broker)
        consumer = await stack.enter_async_context(open_consumer(bus, "tmc"))
        watch = await stack.enter_async_context(consumer.watch("dk/cph/+"))
        for i in range(8):
            await miss(endless, f"car.engine/s{i}")
        await trio.sleep(5)
        await miss(good, "car.engine/live")
        with trio.fail_after(60):
            assert (await healed(watch, GOOD)).missing == 0


async def test_answers_that_never_end_are_given_up(autojump_clock):
    bus = MemoryTopics()
    async with AsyncExitStack() as stack:
        endless = await stack.enter_async_context(Endless(bus.broker, "dk/cph/endless").running())
        endless.nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(endless.nursery.cancel_scope.cancel)
        await endless.online()
        consumer = await stack.enter_async_context(open_consumer(bus, "tmc"))
        watch = await stack.enter_async_context(consumer.watch("dk/cph/+"))
        await miss(endless, "car.engine/live")
        with trio.fail_after(3600):
            assert (await healed(watch, endless.id)).missing == 2


async def test_a_node_with_gaps_without_end_does_not_push_out_those_of_others(autojump_clock):
    bus = MemoryTopics()
    async with AsyncExitStack() as stack:
        torn = await stack.enter_async_context(FakeNode(bus.broker, "dk/cph/torn").running())
        await torn.online()
        torn.silent = True
        good = await good_node(stack, bus.broker)
        consumer = await stack.enter_async_context(open_consumer(bus, "tmc"))
        watch = await stack.enter_async_context(consumer.watch("dk/cph/+"))
        await miss(good, "car.engine/live")
        for i in range(80):
            await miss(torn, f"car.engine/s{i}", gaps=14)
        await wait_all_tasks_blocked()
        with trio.fail_after(60):
            assert (await healed(watch, GOOD)).missing == 0


async def test_at_most_four_fetches_at_once(autojump_clock):
    bus = MemoryTopics()
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(FakeNode(bus.broker, f"dk/cph/n{i}").running()) for i in range(6)]
        consumer = await stack.enter_async_context(open_consumer(bus, "tmc"))
        await stack.enter_async_context(consumer.watch("dk/cph/+"))
        for node in nodes:
            node.silent = True
            await node.online()
            await miss(node, "car.engine/live")
        await trio.sleep(10)
        assert sum(len(node.of("fetch")) for node in nodes) == 4
