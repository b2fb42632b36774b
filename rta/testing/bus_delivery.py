"""Contract of a bus: who receives what, in which order, and what happens at the bound."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from rta.errors import NotConnectedError
from rta.ports import TopicMessage
from rta.testing.bus_under_test import END, BusUnderTest
from rta.testing.patience import until, within

__all__ = ["DeliveryChecks"]


class DeliveryChecks(BusUnderTest):
    """`publish`, `subscribe`, `receive`, `dropped`."""

    async def test_a_subscriber_receives_what_is_published(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a/b") as subscription:
            await bus.publish("a/b", b"hello")
            assert await self.receive(subscription) == [TopicMessage("a/b", b"hello", retained=False)]

    async def test_a_subscriber_receives_what_others_publish(self) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other, bus.subscribe("a") as subscription:
            await other.publish("a", b"hello")
            assert await self.receive(subscription) == [TopicMessage("a", b"hello")]

    async def test_all_present_subscribers_receive_it(self) -> None:
        async with (
            self.open_bus() as bus,
            self.open_again(bus) as other,
            bus.subscribe("a") as one,
            bus.subscribe("+") as two,
            other.subscribe("a") as three,
        ):
            await bus.publish("a", b"hello")
            for subscription in (one, two, three):
                assert await self.receive(subscription) == [TopicMessage("a", b"hello")]

    async def test_what_was_published_before_is_not_received(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"before")
            async with bus.subscribe("a", END) as subscription:
                await bus.publish("a", b"after")
                assert await self.up_to_end(bus, subscription) == [TopicMessage("a", b"after")]

    async def test_publishing_without_subscribers_is_no_fault(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"unheard")

    async def test_messages_arrive_in_the_order_of_publication(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("#") as subscription:
            sent = [TopicMessage(f"topic/{i % 7}", b"%d" % i) for i in range(200)]
            for message in sent:
                await bus.publish(message.topic, message.payload)
            assert await self.receive(subscription, 200) == sent

    async def test_a_message_that_fits_several_filters_arrives_once(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a/b", "a/+", "a/#", "#", END) as subscription:
            await bus.publish("a/b", b"one")
            await bus.publish("a/b", b"two")
            assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"one", b"two"]

    async def test_several_filters_are_one_subscription_in_order(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", "b/+") as subscription:
            for topic in ("b/1", "a", "b/2", "c", "a"):
                await bus.publish(topic, topic.encode())
            assert [m.topic for m in await self.receive(subscription, 4)] == ["b/1", "a", "b/2", "a"]

    async def test_payloads_are_any_bytes(self) -> None:
        payloads = [b"", b"\0", bytes(range(256)), b"\xff" * 1000, "sïgnal 🚦".encode()]
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            for payload in payloads:
                await bus.publish("a", payload)
            assert [m.payload for m in await self.receive(subscription, len(payloads))] == payloads

    async def test_payloads_may_be_large(self) -> None:
        payload = bytes(range(256)) * (self.max_payload // 256)
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            await bus.publish("a", payload)
            (message,) = await self.receive(subscription)
            assert message.payload == payload

    async def test_receive_waits_for_the_next_message(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            got: list[TopicMessage] = []

            async def take_one() -> None:
                got.append(await subscription.receive())

            with within(self.patience, "a message that has been published"):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(take_one)
                    await wait_all_tasks_blocked()
                    assert got == []
                    await bus.publish("a", b"now")
            assert [m.payload for m in got] == [b"now"]

    async def test_a_receive_that_is_cancelled_loses_nothing(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            got: list[TopicMessage] = []

            async def receive() -> None:
                while True:
                    got.append(await subscription.receive())

            for i in range(30):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(receive)
                    for _ in range(i % 5):
                        await trio.lowlevel.checkpoint()
                    await bus.publish("a", b"%d" % i)
                    for _ in range(i // 5):
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()
            got += await self.receive(subscription, 30 - len(got))
            assert [m.payload for m in got] == [b"%d" % i for i in range(30)]

    async def test_nothing_is_dropped_within_the_bound(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", bound=20) as subscription:
            for i in range(20):
                await bus.publish("a", b"%d" % i)
            assert [m.payload for m in await self.receive(subscription, 20)] == [b"%d" % i for i in range(20)]
            assert subscription.dropped == 0

    async def test_over_the_bound_the_newest_are_dropped_and_counted(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", bound=3) as subscription:
            for i in range(5):
                await bus.publish("a", b"%d" % i)
            await until(lambda: subscription.dropped >= 2, self.patience, "two messages dropped")
            assert [m.payload for m in await self.receive(subscription, 3)] == [b"0", b"1", b"2"]
            assert subscription.dropped == 2

    async def test_a_subscriber_that_has_caught_up_receives_again(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", bound=1) as subscription:
            await bus.publish("a", b"kept")
            await bus.publish("a", b"dropped")
            await until(lambda: subscription.dropped == 1, self.patience, "a message dropped")
            await self.receive(subscription)
            await bus.publish("a", b"later")
            assert [m.payload for m in await self.receive(subscription)] == [b"later"]

    async def test_a_subscriber_that_has_fallen_behind_holds_up_nobody(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", bound=1), bus.subscribe("a") as other:
            with within(self.patience, "publishing to a subscriber that does not receive"):
                for i in range(100):
                    await bus.publish("a", b"%d" % i)
            assert [m.payload for m in await self.receive(other, 100)] == [b"%d" % i for i in range(100)]
            assert other.dropped == 0

    async def test_who_has_left_receives_no_more(self) -> None:
        async with self.open_bus() as bus:
            async with bus.subscribe("a", bound=1) as left:
                pass
            async with bus.subscribe("a", END) as present:
                await bus.publish("a", b"one")
                await bus.publish("a", b"two")
                assert len(await self.up_to_end(bus, present)) == 2
                assert left.dropped == 0

    async def test_who_leaves_takes_nothing_from_those_with_the_same_filter(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a/#") as stays:
            async with bus.subscribe("a/#"), bus.subscribe("a/b"):
                pass
            await bus.publish("a/b", b"still")
            assert [m.payload for m in await self.receive(stays)] == [b"still"]

    async def test_who_comes_back_receives_what_is_published_then(self) -> None:
        async with self.open_bus() as bus:
            async with bus.subscribe("a"):
                pass
            await bus.publish("a", b"in between")
            async with bus.subscribe("a", END) as subscription:
                await bus.publish("a", b"again")
                assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"again"]

    async def test_publishing_fails_for_want_of_a_connection_during_an_outage_and_works_afterwards(self) -> None:
        async with self.open_bus() as bus:
            outage = self.outage(bus)
            if outage is None:
                return
            async with outage:
                try:
                    await bus.publish("a", b"during")
                except NotConnectedError:
                    failed = True
                else:
                    failed = False
            assert failed, "publishing during the outage did not raise NotConnectedError"
            with within(self.patience, "the end of the outage"):
                while failed:
                    try:
                        await bus.publish("a", b"after", retain=True)
                    except NotConnectedError:
                        await trio.sleep(0.01)
                    else:
                        failed = False
            async with bus.subscribe("a") as subscription:
                assert await self.receive(subscription) == [TopicMessage("a", b"after", retained=True)]
