"""The memory topic bus: the contract of every bus, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rta.ports import TopicBus, TopicMessage, TransportError
from rta.testing import TopicBusContract
from transports.memory import MemoryTopics


class TestMemoryTopics(TopicBusContract):
    @asynccontextmanager
    async def open_bus(self) -> AsyncIterator[TopicBus]:
        yield MemoryTopics()


class TestTheBoundOfRetainedMessages:
    async def test_one_more_topic_than_the_bound_is_refused(self):
        bus = MemoryTopics(max_retained=2)
        await bus.publish("a", b"1", retain=True)
        await bus.publish("b", b"1", retain=True)
        with pytest.raises(TransportError, match=r"2 messages are retained already; 'c'"):
            await bus.publish("c", b"1", retain=True)

    async def test_a_topic_that_is_retained_can_change_at_the_bound(self):
        bus = MemoryTopics(max_retained=1)
        await bus.publish("a", b"1", retain=True)
        await bus.publish("a", b"2", retain=True)
        async with bus.subscribe("a") as subscription:
            assert await subscription.receive() == TopicMessage("a", b"2", retained=True)

    async def test_clearing_one_makes_room_for_another(self):
        bus = MemoryTopics(max_retained=1)
        await bus.publish("a", b"1", retain=True)
        await bus.publish("a", b"", retain=True)
        await bus.publish("b", b"1", retain=True)
        async with bus.subscribe("#") as subscription:
            assert (await subscription.receive()).topic == "b"

    async def test_what_was_refused_reaches_nobody(self):
        bus = MemoryTopics(max_retained=1)
        await bus.publish("a", b"1", retain=True)
        async with bus.subscribe("b", "c") as subscription:
            with pytest.raises(TransportError, match="retained already"):
                await bus.publish("b", b"1", retain=True)
            await bus.publish("c", b"1")
            assert (await subscription.receive()).topic == "c"


async def test_what_is_retained_is_never_dropped_for_the_bound_of_the_subscription():
    bus = MemoryTopics()
    for i in range(5):
        await bus.publish(f"kept/{i}", b"1", retain=True)
    async with bus.subscribe("kept/+", bound=2) as subscription:
        assert [(await subscription.receive()).topic for _ in range(5)] == [f"kept/{i}" for i in range(5)]
        assert subscription.dropped == 0
