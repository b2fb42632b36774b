"""A consumer, and a node that is not one of ours: over a memory bus, and over a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from foreign_node import NODE, ForeignNode
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock

from rta.consumer import Consumer, Watch, open_bus, open_consumer
from rta.consumer.counts import Counts
from rta.ports import TopicBus
from rta.testing.patience import until, within

PATIENCE = 120.0
PLAN, GROUPS = ("tlc.plan", ""), ("tlc.groups", "live")


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Meeting:
    """Both, and what the consumer sees."""

    def __init__(self, node: ForeignNode, consumer: Consumer, watch: Watch, report: Counts) -> None:
        self.node, self.consumer, self.watch, self.report = node, consumer, watch, report

    def stream(self, key: tuple[str, str]) -> Any:
        return self.watch.nodes[NODE].streams[key]

    async def seen(self, key: tuple[str, str], **wanted: object) -> None:
        """Wait until a stream is seen so."""
        await until(
            lambda: (
                NODE in self.watch.nodes
                and key in self.watch.nodes[NODE].streams
                and all(getattr(self.stream(key), name) == value for name, value in wanted.items())
            ),
            PATIENCE,
            f"{key} with {wanted}",
        )


@asynccontextmanager
async def meeting(theirs: TopicBus, ours: TopicBus) -> AsyncIterator[Meeting]:
    node, report = ForeignNode(theirs), Counts()
    async with node.serving(), open_consumer(ours, "tmc", report=report) as consumer:
        await consumer.connected(PATIENCE)
        async with consumer.watch(NODE) as watch:
            yield Meeting(node, consumer, watch, report)


async def scenario(theirs: TopicBus, ours: TopicBus) -> None:
    """Both streams are stopped, started and counted on, and nothing is missing or malformed."""
    async with meeting(theirs, ours) as m:
        await m.seen(PLAN, state="running", seq=1, values={"status": 1})
        await m.seen(GROUPS, state="stopped")
        await m.consumer.start(NODE, *GROUPS)
        await m.seen(GROUPS, state="running", seq=1)
        await m.consumer.stop(NODE, *PLAN)
        await m.seen(PLAN, state="stopped")
        for _ in range(5):
            await m.node.happen("tlc.plan")
        await m.consumer.start(NODE, *PLAN)
        await m.seen(PLAN, state="running", seq=7)
        for stream in m.node.running:
            await m.node.happen(stream)
        await m.seen(PLAN, seq=8, values={"status": 8})
        await m.seen(GROUPS, seq=2)
        assert [(m.stream(key).lost, m.stream(key).gaps) for key in (PLAN, GROUPS)] == [(0, []), (0, [])]
        announced = await m.consumer.announced(NODE)
        assert announced.presence == "online"
        assert {key: stream.state for key, stream in announced.streams.items()} == {PLAN: "running", GROUPS: "running"}
    await until(lambda: not m.node.running["tlc.groups/live"], PATIENCE, "what was started being stopped")
    assert not any("malformed" in name for name in m.report.counts), m.report.counts


async def test_they_understand_each_other(autojump_clock: MockClock) -> None:
    bus = MemoryTopics()
    await scenario(MemoryTopics(broker=bus.broker), bus)


async def test_they_understand_each_other_over_a_broker(own_mosquitto: Any) -> None:
    with within(PATIENCE, "all of it"):
        async with open_bus(port=own_mosquitto.port) as theirs, open_bus(port=own_mosquitto.port) as ours:
            await scenario(theirs, ours)


async def test_an_unnamed_stream_of_which_nothing_is_known_is_stopped_where_it_is_announced(
    autojump_clock: MockClock,
) -> None:
    bus = MemoryTopics()
    node = ForeignNode(MemoryTopics(broker=bus.broker))
    async with node.serving(), open_consumer(bus, "tmc") as consumer:
        await consumer.connected(1)
        await consumer.stop(NODE, "tlc.plan")
        await trio.testing.wait_all_tasks_blocked()
        assert node.throttled() == ["throttle/tlc.plan", "throttle/tlc.plan/default"]
        began = trio.current_time()
        await consumer.stop(NODE, "tlc.nothing")
        await trio.testing.wait_all_tasks_blocked()
        assert node.throttled()[2:] == ["throttle/tlc.nothing"]
        assert trio.current_time() - began < 2
