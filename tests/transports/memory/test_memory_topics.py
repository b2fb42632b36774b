"""The memory topic bus: the contract of every bus, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from rta_transports.memory import MemoryTopics

from rta.ports import NotConnectedError, QueueFullError, TopicBus, TopicMessage
from rta.testing import TopicBusContract


class TestMemoryTopics(TopicBusContract):
    @asynccontextmanager
    async def make_bus(self) -> AsyncIterator[TopicBus]:
        yield MemoryTopics()

    @asynccontextmanager
    async def make_again(self, bus: TopicBus) -> AsyncIterator[TopicBus]:
        assert isinstance(bus, MemoryTopics)
        yield MemoryTopics(broker=bus.broker)

    async def sever(self, bus: TopicBus) -> None:
        assert isinstance(bus, MemoryTopics)
        bus.cut()
        bus.mend()

    @asynccontextmanager
    async def outage(self, bus: TopicBus) -> AsyncIterator[None]:
        assert isinstance(bus, MemoryTopics)
        bus.cut()
        yield
        bus.mend()


@asynccontextmanager
async def connected(max_retained: int = 100_000) -> AsyncIterator[MemoryTopics]:
    bus = MemoryTopics(max_retained)
    async with bus.connect("node"):
        yield bus


class TestTheBoundOfRetainedMessages:
    async def test_one_more_topic_than_the_bound_is_refused(self):
        async with connected(max_retained=2) as bus:
            await bus.publish("a", b"1", retain=True)
            await bus.publish("b", b"1", retain=True)
            with pytest.raises(QueueFullError, match=r"2 messages are retained already; 'c'"):
                await bus.publish("c", b"1", retain=True)

    async def test_a_topic_that_is_retained_can_change_at_the_bound(self):
        async with connected(max_retained=1) as bus:
            await bus.publish("a", b"1", retain=True)
            await bus.publish("a", b"2", retain=True)
            async with bus.subscribe("a") as subscription:
                assert await subscription.receive() == TopicMessage("a", b"2", retained=True)

    async def test_clearing_one_makes_room_for_another(self):
        async with connected(max_retained=1) as bus:
            await bus.publish("a", b"1", retain=True)
            await bus.publish("a", b"", retain=True)
            await bus.publish("b", b"1", retain=True)
            async with bus.subscribe("#") as subscription:
                assert (await subscription.receive()).topic == "b"

    async def test_what_was_refused_reaches_nobody(self):
        async with connected(max_retained=1) as bus:
            await bus.publish("a", b"1", retain=True)
            async with bus.subscribe("b", "c") as subscription:
                with pytest.raises(QueueFullError, match="retained already"):
                    await bus.publish("b", b"1", retain=True)
                await bus.publish("c", b"1")
                assert (await subscription.receive()).topic == "c"


async def test_what_is_retained_is_never_dropped_for_the_bound_of_the_subscription():
    async with connected() as bus:
        for i in range(5):
            await bus.publish(f"kept/{i}", b"1", retain=True)
        async with bus.subscribe("kept/+", bound=2) as subscription:
            assert [(await subscription.receive()).topic for _ in range(5)] == [f"kept/{i}" for i in range(5)]
            assert subscription.dropped == 0


class TestATakeover:
    async def test_who_was_displaced_comes_back_when_the_other_has_gone(self):
        async with connected() as bus:
            other = MemoryTopics(broker=bus.broker)
            async with other.connect("node"):
                assert bus.trouble == "taken over by another client with the id 'node'"
            assert (await bus.link(after=1)).number == 2
            assert bus.trouble is None

    async def test_who_was_displaced_and_has_left_stays_away(self):
        bus = MemoryTopics()
        other = MemoryTopics(broker=bus.broker)
        async with AsyncExitStack() as others:
            async with bus.connect("node"):
                await others.enter_async_context(other.connect("node"))
            assert bus.trouble is None
        with pytest.raises(NotConnectedError, match="nobody has connected this bus"):
            bus.send("a", b"")


async def test_a_bus_is_in_one_use_at_a_time():
    async with connected() as bus:
        with pytest.raises(RuntimeError, match="in use already, as 'node'"):
            async with bus.connect("other"):
                pass
