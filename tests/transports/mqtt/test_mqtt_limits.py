"""What the broker takes is what it gets."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from buses import PATIENCE, bus_to, connected
from pretender import pretender
from real_servers import Mosquitto

from rta.errors import QueueFullError, UndeliverableError
from rta.ports import TopicMessage
from rta.testing.patience import until, within

pytestmark = pytest.mark.processes

RECEIVE_MAXIMUM = b"\x20\x06\x00\x00\x03\x21\x00\x07"


async def test_no_more_than_the_receive_maximum_is_unacknowledged():
    most = 0

    async def behave(guest):
        nonlocal most
        await guest.packet()
        await guest.say(RECEIVE_MAXIMUM)
        unanswered = []
        while (packet := await guest.packet()) is not None:
            if packet[0] & 0xF0 == 0x30:
                unanswered.append(packet[5:7])
                most = max(most, len(unanswered) + guest.waiting)
                if len(unanswered) == 7:
                    await guest.say(b"".join(b"\x40\x02" + mid for mid in unanswered))
                    unanswered.clear()

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await bus.link()
        fates = []
        for _ in range(70):
            bus.send("a", b"x", qos=1, done=fates.append)
        await until(lambda: len(fates) == 70, PATIENCE, "70 messages acknowledged")
        assert fates == [None] * 70
    assert most == 7


@pytest.mark.parametrize("at_once", [1, 3, 1000])
async def test_whatever_mosquitto_lets_be_in_flight_everything_arrives(at_once):
    with Mosquitto(f"max_inflight_messages {at_once}", "max_queued_messages 10000") as broker:
        async with connected(broker.port, "node") as bus, bus.subscribe("a", bound=5000) as subscription:
            fates = []
            for i in range(2000):
                bus.send("a", b"%d" % i, qos=1, done=fates.append)
            with within(PATIENCE, "2000 messages"):
                got = [int((await subscription.receive()).payload) for _ in range(2000)]
            await until(lambda: len(fates) == 2000, PATIENCE, "2000 messages acknowledged")
            assert got == list(range(2000))
            assert fates == [None] * 2000


async def test_what_is_larger_than_mosquitto_takes_is_refused_here_and_the_connection_stays():
    with Mosquitto("max_packet_size 1000") as broker:
        async with connected(broker.port, "node") as bus, bus.subscribe("a") as subscription:
            link = await bus.link()
            with pytest.raises(UndeliverableError, match=r"of 1111 bytes on 'a' is too large; 1000 are allowed"):
                bus.send("a", bytes(1100))
            await bus.publish("a", bytes(980), qos=1)
            with within(PATIENCE, "a message"):
                assert await subscription.receive() == TopicMessage("a", bytes(980))
            assert await bus.link() is link


async def test_what_is_larger_than_we_take_is_left_out_by_the_broker(mosquitto):
    async with (
        connected(mosquitto.port, "small", max_received=1024) as bus,
        connected(mosquitto.port, "large") as other,
        bus.subscribe("limits/large") as subscription,
    ):
        await other.publish("limits/large", bytes(5000), qos=1)
        await other.publish("limits/large", b"small", qos=1)
        with within(PATIENCE, "a message"):
            assert (await subscription.receive()).payload == b"small"


async def test_where_there_is_no_room_sending_is_refused_and_publishing_waits(own_mosquitto):
    async with connected(own_mosquitto.port, "node", queue_messages=100) as bus:
        own_mosquitto.pause()
        fates = []
        for _ in range(100):
            bus.send("a", b"x", qos=1, done=fates.append)
        with pytest.raises(QueueFullError, match="there is no room"):
            bus.send("a", b"x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: bus.publish("a", b"late", qos=1))
            await trio.testing.wait_all_tasks_blocked()
            own_mosquitto.resume()
        assert fates == [None] * 100


async def test_a_subscription_the_broker_refuses_is_an_error_and_others_go_on(autojump_clock):
    async def behave(guest):
        await guest.packet()
        await guest.say(b"\x20\x03\x00\x00\x00")
        async for packet in guest.packets(0x80):
            refused = b"secret" in packet
            await guest.say(b"\x90\x04" + packet[2:4] + b"\x00" + (b"\x87" if refused else b"\x01"))

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await bus.link()
        with pytest.raises(UndeliverableError, match="the broker refused the subscription to 'secret': Not authorized"):
            async with bus.subscribe("open", "secret"):
                pass
        async with bus.subscribe("open"):
            assert bus.trouble is None


@pytest.mark.parametrize(("code", "words"), [(b"\x87", "Not authorized"), (b"\xfe", "reason code 0xFE")])
async def test_a_message_the_broker_refuses_has_failed_for_its_reason(code, words, autojump_clock):
    async def behave(guest):
        await guest.packet()
        await guest.say(b"\x20\x03\x00\x00\x00")
        async for packet in guest.packets(0x30):
            await guest.say(b"\x40\x03" + packet[5:7] + code)

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await bus.link()
        with pytest.raises(UndeliverableError, match=f"the broker refused the message: {words}"):
            await bus.publish("a", b"x", qos=1)
        assert bus.trouble is None
