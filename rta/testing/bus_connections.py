"""Contract of a bus: connections, their loss, and what happens to wills and subscriptions then."""

from __future__ import annotations

from contextlib import suppress

import trio
from trio.testing import wait_all_tasks_blocked

from rta.errors import NotConnectedError
from rta.ports import Link, TopicMessage, Will
from rta.testing.bus_under_test import END, BusUnderTest
from rta.testing.patience import until, within

__all__ = ["ConnectionChecks"]

WILL = Will("kit/presence", b"offline")


class ConnectionChecks(BusUnderTest):
    """`connect`, `link`, `trouble`, wills, takeovers."""

    async def test_the_first_connection_has_the_number_one(self) -> None:
        async with self.make_bus() as bus, self.connected(bus, "kit-1") as link:
            assert link.number == 1
            assert not link.lost.is_set()
            assert bus.trouble is None

    async def test_link_gives_the_connection_there_is(self) -> None:
        async with self.open_bus() as bus:
            assert await self.linked(bus) is await self.linked(bus)

    async def test_link_waits_for_a_connection(self) -> None:
        async with self.make_bus() as bus:
            got: list[Link] = []

            async def wait() -> None:
                got.append(await bus.link())

            with within(self.patience, "a connection"):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(wait)
                    await wait_all_tasks_blocked()
                    assert got == []
                    async with bus.connect("kit-1"):
                        await until(lambda: got != [], self.patience, "a connection")
            assert got[0].number == 1

    async def test_nobody_asked_is_no_trouble(self) -> None:
        async with self.make_bus() as bus:
            assert bus.trouble is None
            async with self.connected(bus, "kit-1"):
                pass
            assert bus.trouble is None

    async def test_leaving_ends_the_connection(self) -> None:
        async with self.make_bus() as bus:
            async with self.connected(bus, "kit-1") as link:
                pass
            assert link.lost.is_set()

    async def test_a_bus_can_be_connected_again_and_its_connections_are_counted_on(self) -> None:
        async with self.make_bus() as bus:
            async with self.connected(bus, "kit-1"):
                pass
            async with bus.connect("kit-3"):
                assert (await self.linked(bus, 1)).number == 2
                async with bus.subscribe("a") as subscription:
                    await bus.publish("a", b"again")
                    assert await self.receive(subscription) == [TopicMessage("a", b"again")]

    async def test_without_a_connection_nothing_can_be_sent(self) -> None:
        async with self.make_bus() as bus:
            for _ in range(2):
                try:
                    bus.send("a", b"x", done=lambda error: None)
                except NotConnectedError:
                    refused = True
                else:
                    refused = False
                assert refused, "a bus that is not connected took a message"
                async with self.connected(bus, "kit-1"):
                    pass

    async def test_a_connection_that_breaks_is_made_again(self) -> None:
        async with self.open_bus() as bus:
            link = await self.linked(bus)
            await self.sever(bus)
            await self.lost(link)
            after = await self.linked(bus, link.number)
            assert after.number > link.number
            assert not after.lost.is_set()
            async with bus.subscribe("a") as subscription:
                await bus.publish("a", b"again", qos=1)
                assert await self.receive(subscription) == [TopicMessage("a", b"again")]

    async def test_during_an_outage_there_is_trouble(self) -> None:
        async with self.open_bus() as bus:
            outage = self.outage(bus)
            if outage is None:
                return
            link = await self.linked(bus)
            async with outage:
                await self.lost(link)
                assert bus.trouble
            await self.linked(bus, link.number)
            assert bus.trouble is None

    # ---- subscriptions

    async def test_a_subscription_outlives_its_connection(self) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other, bus.subscribe("a", "b/#") as subscription:
            await self.severed(bus)
            await other.publish("b/c", b"after")
            assert await self.receive(subscription) == [TopicMessage("b/c", b"after")]

    async def test_a_new_connection_brings_the_retained_messages_anew(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", END) as subscription:
            await bus.publish("a", b"kept", retain=True)
            assert await self.receive(subscription) == [TopicMessage("a", b"kept")]
            await self.severed(bus)
            assert await self.up_to_end(bus, subscription) == [TopicMessage("a", b"kept", retained=True)]

    async def test_every_subscription_gets_them_anew(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"kept", retain=True, qos=1)
            async with bus.subscribe("a", END) as one, bus.subscribe("a", END) as two:
                for subscription in (one, two):
                    await self.receive(subscription)
                await self.severed(bus)
                await bus.publish(END, b"")
                kept = TopicMessage("a", b"kept", retained=True)
                assert await self.receive(one, 2) == [kept, TopicMessage(END, b"")]
                assert await self.receive(two, 2) == [kept, TopicMessage(END, b"")]

    async def test_who_subscribed_before_there_was_a_connection_receives_once_there_is(self) -> None:
        async with self.make_bus() as bus, self.open_again(bus) as other:
            await other.publish("a", b"kept", retain=True, qos=1)
            async with bus.subscribe("a", END) as subscription, self.connected(bus, "kit-1"):
                await bus.publish("a", b"live")
                assert await self.receive(subscription, 2) == [
                    TopicMessage("a", b"kept", retained=True),
                    TopicMessage("a", b"live"),
                ]

    async def test_who_has_left_is_not_subscribed_again(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a", END) as stays:
            async with bus.subscribe("#", bound=1) as left:
                pass
            await self.severed(bus)
            for payload in (b"one", b"two"):
                await bus.publish("a", payload)
            assert [m.payload for m in await self.up_to_end(bus, stays)] == [b"one", b"two"]
            assert left.dropped == 0

    # ---- wills

    async def test_a_connection_that_breaks_leaves_its_will(self) -> None:
        async with (
            self.make_bus() as bus,
            self.open_again(bus) as other,
            other.subscribe(WILL.topic) as subscription,
            self.connected(bus, "kit-1", WILL),
        ):
            await self.severed(bus)
            assert await self.receive(subscription) == [TopicMessage(WILL.topic, WILL.payload)]

    async def test_a_will_is_retained(self) -> None:
        async with (
            self.make_bus() as bus,
            self.open_again(bus) as other,
            other.subscribe(WILL.topic) as present,
            self.connected(bus, "kit-1", WILL),
        ):
            await self.severed(bus)
            await self.receive(present)
            async with other.subscribe(WILL.topic) as later:
                assert await self.receive(later) == [TopicMessage(WILL.topic, WILL.payload, retained=True)]

    async def test_every_connection_has_the_will(self) -> None:
        async with (
            self.make_bus() as bus,
            self.open_again(bus) as other,
            other.subscribe(WILL.topic) as subscription,
            self.connected(bus, "kit-1", WILL),
        ):
            for _ in range(3):
                await self.severed(bus)
            assert [m.payload for m in await self.receive(subscription, 3)] == [WILL.payload] * 3

    async def test_a_connection_that_is_closed_leaves_no_will(self) -> None:
        async with (
            self.make_bus() as bus,
            self.open_again(bus) as other,
            other.subscribe(WILL.topic, END) as subscription,
        ):
            async with self.connected(bus, "kit-1", WILL):
                await bus.publish(WILL.topic, b"shutdown", qos=1)
            async with self.connected(bus, "kit-1"):  # whatever the first one left is known by now
                assert [m.payload for m in await self.up_to_end(bus, subscription)] == [b"shutdown"]

    async def test_a_connection_that_is_left_by_an_error_leaves_its_will(self) -> None:
        async with (
            self.make_bus() as bus,
            self.open_again(bus) as other,
            other.subscribe(WILL.topic) as subscription,
        ):
            with suppress(ArithmeticError):
                async with self.connected(bus, "kit-1", WILL):
                    raise ArithmeticError
            assert await self.receive(subscription) == [TopicMessage(WILL.topic, WILL.payload)]

    # ---- takeover

    async def test_another_with_the_same_id_takes_over(self) -> None:
        async with (
            self.make_bus() as bus,
            self.make_again(bus) as other,
            self.connected(bus, "kit-1") as link,
            self.connected(other, "kit-1"),
        ):
            await self.lost(link)
            await until(lambda: "taken over" in (bus.trouble or ""), self.patience, "a takeover being spoken of")
            await self.linked(other)
            async with other.subscribe("a") as subscription:
                await other.publish("a", b"mine", qos=1)
                assert await self.receive(subscription) == [TopicMessage("a", b"mine")]

    async def test_others_are_left_alone_by_a_takeover(self) -> None:
        async with (
            self.open_bus("kit-0") as bystander,
            self.make_again(bystander) as bus,
            self.make_again(bystander) as other,
            self.connected(bus, "kit-1") as link,
            self.connected(other, "kit-1"),
        ):
            await self.lost(link)
            assert not (await self.linked(bystander)).lost.is_set()
