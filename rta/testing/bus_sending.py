"""Contract of a bus: what goes with a message, and what its sender is told."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from rta.errors import NotConnectedError, QueueFullError, TransportError
from rta.ports import Qos, TopicMessage
from rta.testing.bus_under_test import END, BusUnderTest
from rta.testing.patience import until, within

__all__ = ["SendChecks"]

QOS: tuple[Qos, ...] = (0, 1)
both = pytest.mark.parametrize("qos", QOS)


class SendChecks(BusUnderTest):
    """`send`: `done`, QoS, Response Topic, correlation."""

    @both
    async def test_what_is_sent_arrives(self, qos: Qos) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other, other.subscribe("a") as subscription:
            bus.send("a", b"hello", qos=qos)
            assert await self.receive(subscription) == [TopicMessage("a", b"hello")]

    @both
    async def test_what_is_sent_at_once_arrives_in_order(self, qos: Qos) -> None:
        async with self.open_bus() as bus, bus.subscribe("#") as subscription:
            for i in range(500):
                bus.send(f"topic/{i % 7}", b"%d" % i, qos=qos)
            got = await self.receive(subscription, 500)
            assert [(m.topic, m.payload) for m in got] == [(f"topic/{i % 7}", b"%d" % i) for i in range(500)]

    @both
    async def test_the_sender_is_told_once_that_it_was_sent(self, qos: Qos) -> None:
        async with self.open_bus() as bus:
            told: list[TransportError | None] = []
            for _ in range(100):
                bus.send("a", b"x", qos=qos, done=told.append)
            await until(lambda: len(told) >= 100, self.patience, "100 messages sent")
            await bus.publish("b", b"", qos=qos)
            assert told == [None] * 100

    @both
    async def test_the_sender_is_not_told_while_it_sends(self, qos: Qos) -> None:
        async with self.open_bus() as bus:
            told: list[TransportError | None] = []
            bus.send("a", b"x", qos=qos, done=told.append)
            assert told == []
            await until(lambda: told != [], self.patience, "a message sent")

    @both
    async def test_the_sender_is_told_in_the_order_of_sending(self, qos: Qos) -> None:
        async with self.open_bus() as bus:
            told: list[int] = []
            for i in range(200):
                bus.send("a", b"x", qos=qos, done=lambda error, i=i: told.append(i))  # type: ignore[misc]
            await until(lambda: len(told) >= 200, self.patience, "200 messages sent")
            assert told == list(range(200))

    @both
    async def test_who_is_told_may_send(self, qos: Qos) -> None:
        async with self.open_bus() as bus, bus.subscribe("#") as subscription:
            bus.send("a", b"first", qos=qos, done=lambda error: bus.send("b", b"second", qos=qos))
            assert [m.payload for m in await self.receive(subscription, 2)] == [b"first", b"second"]

    async def test_what_was_acknowledged_has_been_retained(self) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other:
            await bus.publish("a", b"kept", retain=True, qos=1)
            async with other.subscribe("a") as subscription:
                assert await self.receive(subscription) == [TopicMessage("a", b"kept", retained=True)]

    @both
    async def test_of_every_message_the_fate_is_told_when_the_connection_breaks(self, qos: Qos) -> None:
        async with self.open_bus() as bus:
            link = await self.linked(bus)
            told: list[list[TransportError | None]] = []

            def send_some() -> None:
                for _ in range(20):
                    fate: list[TransportError | None] = []
                    with suppress(NotConnectedError, QueueFullError):
                        bus.send("a", bytes(100), qos=qos, done=fate.append)
                        told.append(fate)

            send_some()
            with within(self.patience, "the loss of the connection"):
                await self.sever(bus)
                while not link.lost.is_set():
                    send_some()
                    await trio.lowlevel.checkpoint()
            await self.linked(bus, link.number)
            await bus.publish("b", b"", qos=qos)
            await until(lambda: all(told), self.patience, "the fate of every message")
            assert all(len(fate) == 1 for fate in told)

    async def test_what_was_lost_with_the_connection_is_not_sent_on_the_next(self) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other, other.subscribe("#", bound=4096) as watcher:
            fates: list[tuple[int, TransportError | None]] = []
            for i in range(300):
                bus.send("a", b"%d" % i, qos=1, done=lambda error, i=i: fates.append((i, error)))  # type: ignore[misc]
            await self.severed(bus)
            await until(lambda: len(fates) >= 300, self.patience, "the fate of every message")
            assert sorted(i for i, _ in fates) == list(range(300))
            await bus.publish(END, b"", qos=1)
            got: list[int] = []
            with within(self.patience, "the last message"):
                while (message := await watcher.receive()).topic != END:
                    got.append(int(message.payload))
            assert got == sorted(set(got)), "something was sent twice, or in another order"
            assert set(got) >= {i for i, error in fates if error is None}, "something was acknowledged, but is lost"

    @both
    async def test_where_the_answer_is_to_go_arrives(self, qos: Qos) -> None:
        async with self.open_bus() as bus, self.open_again(bus) as other, other.subscribe("a") as subscription:
            await bus.publish("a", b"?", qos=qos, response_topic="ä/result", correlation=bytes(range(256)))
            assert await self.receive(subscription) == [
                TopicMessage("a", b"?", response_topic="ä/result", correlation=bytes(range(256)))
            ]

    async def test_each_of_them_may_be_left_out(self) -> None:
        async with self.open_bus() as bus, bus.subscribe("a") as subscription:
            await bus.publish("a", b"1", response_topic="r")
            await bus.publish("a", b"2", correlation=b"")
            await bus.publish("a", b"3")
            assert await self.receive(subscription, 3) == [
                TopicMessage("a", b"1", response_topic="r"),
                TopicMessage("a", b"2", correlation=b""),
                TopicMessage("a", b"3"),
            ]

    async def test_they_are_retained_too(self) -> None:
        async with self.open_bus() as bus:
            await bus.publish("a", b"?", retain=True, qos=1, response_topic="r", correlation=b"c")
            async with bus.subscribe("a") as subscription:
                assert await self.receive(subscription) == [TopicMessage("a", b"?", True, "r", b"c")]

    @pytest.mark.parametrize("topic", ["", "r/+", "#", "r\0"])
    async def test_an_answer_can_only_go_to_a_topic(self, topic: str) -> None:
        async with self.open_bus() as bus:
            with pytest.raises(ValueError):  # noqa: PT011 - the words are the bus's own
                bus.send("a", b"?", response_topic=topic)

    @both
    async def test_what_is_no_topic_cannot_be_sent_to(self, qos: Qos) -> None:
        async with self.open_bus() as bus:
            for topic in ("", "a/+", "#"):
                with pytest.raises(ValueError):  # noqa: PT011 - the words are the bus's own
                    bus.send(topic, b"x", qos=qos)
