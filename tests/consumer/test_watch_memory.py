"""What waits to be received is bounded in memory too: a few events can hold a great deal."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.consumer import StatusEntry, StatusReceived, Watch, open_consumer
from rta.consumer import watch as watch_module
from rta.consumer.counts import Counts
from rta.consumer.memory_size import event_memory_size

from .fake_node import NODE, FakeNode, at, entry

HEAVY = [[]] * 3000  # 3 KB on the wire, some 200 in memory


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_MEMORY", 4 << 20)


async def flood(node: FakeNode, watch: Watch, messages: int) -> None:
    for seq in range(1, messages + 1):
        await node.status(entry(seq, rpm=HEAVY))
    await wait_all_tasks_blocked()


async def test_heavy_events_that_nobody_receives_are_left_out_and_counted(autojump_clock):
    bus, report = MemoryTopics(), Counts()
    async with (
        FakeNode(bus.broker).running() as node,
        open_consumer(bus, "tmc", report=report) as consumer,
        consumer.watch(NODE, heal=False) as watch,
    ):
        await flood(node, watch, 60)
        assert 0 < watch.dropped < 60
        assert report.counts["rta_consumer_left_out_total{reason=event}"] == watch.dropped
        assert watch.nodes[NODE].streams["car.engine", "live"].seq == 60  # the picture is right all the same


async def test_there_is_room_again_when_they_have_been_received(autojump_clock):
    bus = MemoryTopics()
    async with (
        FakeNode(bus.broker).running() as node,
        open_consumer(bus, "tmc") as consumer,
        consumer.watch(NODE, heal=False) as watch,
    ):
        await flood(node, watch, 60)
        waiting = 60 - watch.dropped
        received = 0
        with trio.move_on_after(1):
            while True:
                received += isinstance(await watch.receive(), StatusReceived)
        assert received == waiting
        before = watch.dropped
        await node.status(entry(61))
        event = await watch.receive()
        assert isinstance(event, StatusReceived)
        assert (event.entries[0].seq, watch.dropped) == (61, before)


def memory(value: Any) -> int:
    inside = (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sys.getsizeof(value) + sum(map(memory, inside))


@pytest.mark.parametrize(
    "values",
    [
        {"a": [[] for _ in range(10_000)]},
        {str(n): None for n in range(10_000)},
        {"a": [str(n) for n in range(10_000)]},
        {"a": "x" * 60_000},
        {"a": [n / 7 for n in range(10_000)]},
        {"a": {str(n): {"b": n} for n in range(10_000)}},
    ],
    ids=["lists", "names", "texts", "a long text", "numbers", "maps"],
)
def test_what_an_event_takes_is_about_known(values):
    event = StatusReceived(NODE, "car.engine", "live", (StatusEntry(at(1), 1, values),))
    assert 0.5 < event_memory_size(event) / memory(values) < 4
