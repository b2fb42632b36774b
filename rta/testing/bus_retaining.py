"""Contract of a bus: messages that are kept for later subscribers."""

from __future__ import annotations

from rta.ports import TopicMessage
from rta.testing.bus_under_test import END, BusUnderTest
from rta.testing.patience import within

__all__ = ["RetainChecks"]


class RetainChecks(BusUnderTest):
    """`publish(..., retain=True)`."""

    async def test_a_later_subscriber_receives_what_was_retained(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"kept", retain=True)
            async with bus.subscribe("a") as subscription:
                assert await self.receive(subscription) == [TopicMessage("a", b"kept", retained=True)]

    async def test_every_later_subscriber_receives_it(self) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other:
            await bus.publish("a", b"kept", retain=True)
            for by in (bus, other, bus):
                async with by.subscribe("a") as subscription:
                    assert await self.receive(subscription) == [TopicMessage("a", b"kept", retained=True)]

    async def test_it_is_an_ordinary_message_to_those_present(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            await bus.publish("a", b"kept", retain=True)
            assert await self.receive(subscription) == [TopicMessage("a", b"kept", retained=False)]

    async def test_the_latest_one_of_a_topic_is_kept(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"first", retain=True)
            await bus.publish("a", b"second", retain=True)
            async with bus.subscribe("a", END) as subscription:
                assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"second"]

    async def test_a_message_that_is_not_to_be_retained_leaves_the_one_that_is(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"kept", retain=True)
            await bus.publish("a", b"passing")
            await bus.publish("a", b"")
            async with bus.subscribe("a", END) as subscription:
                assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"kept"]

    async def test_an_empty_payload_clears(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"kept", retain=True)
            await bus.publish("b", b"kept", retain=True)
            await bus.publish("a", b"", retain=True)
            async with bus.subscribe("a", "b", END) as subscription:
                assert [m.topic for m in await self.up_to_end(bus, subscription)] == ["b"]

    async def test_clearing_what_is_not_there_is_no_fault(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"", retain=True)
            async with bus.subscribe("a", END) as subscription:
                assert await self.up_to_end(bus, subscription) == []

    async def test_those_present_receive_the_empty_payload_that_clears(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"kept", retain=True)
            async with bus.subscribe("a") as subscription:
                await self.receive(subscription)
                await bus.publish("a", b"", retain=True)
                assert await self.receive(subscription) == [TopicMessage("a", b"", retained=False)]

    async def test_a_topic_that_was_cleared_can_retain_again(self) -> None:
        async with self.open_bus() as bus:
            for payload in (b"first", b"", b"second"):
                await bus.publish("a", payload, retain=True)
            async with bus.subscribe("a") as subscription:
                assert [m.payload for m in await self.receive(subscription)] == [b"second"]

    async def test_a_filter_with_wildcards_brings_all_that_fits(self) -> None:
        async with self.open_bus() as bus:
            for topic in ("a/1", "a/2", "a/2/x", "b/1"):
                await bus.publish(topic, topic.encode(), retain=True)
            async with bus.subscribe("a/#", END) as subscription:
                got = await self.up_to_end(bus, subscription)
                assert sorted(m.topic for m in got) == ["a/1", "a/2", "a/2/x"]
                assert all(m.retained and m.payload == m.topic.encode() for m in got)

    async def test_what_fits_several_filters_is_brought_once(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a/b", b"kept", retain=True)
            async with bus.subscribe("a/b", "a/+", "#", END) as subscription:
                assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"kept"]

    async def test_retained_messages_come_first(self) -> None:
        async with self.open_bus() as bus:
            for i in range(10):
                await bus.publish(f"kept/{i}", b"kept", retain=True)
            async with bus.subscribe("#") as subscription:
                await bus.publish("live", b"live")
                got = await self.receive(subscription, 11)
                assert [m.topic for m in got[10:]] == ["live"]
                assert [m.retained for m in got] == [True] * 10 + [False]

    async def test_retained_messages_over_the_bound_are_counted_or_received(self) -> None:
        async with self.open_bus() as bus:
            for i in range(5):
                await bus.publish(f"kept/{i}", b"kept", retain=True)
            async with bus.subscribe("kept/+", bound=2) as subscription:
                got = 0
                with within(self.patience, "retained messages, received or dropped"):
                    while got + subscription.dropped < 5:
                        await subscription.receive()
                        got += 1
                assert got >= 2

    async def test_many_topics_retain(self) -> None:
        topics = [f"node/{i}/status" for i in range(300)]
        async with self.open_bus() as bus:
            for topic in topics:
                await bus.publish(topic, topic.encode(), retain=True)
            async with bus.subscribe("node/+/status") as subscription:
                got = await self.receive(subscription, 300)
                assert sorted(m.topic for m in got) == sorted(topics)
