"""Brokers that are killed, paused and restarted, cables that are cut: real ones."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise

import pytest
import trio
from buses import PATIENCE, bus_to, connected, linked
from cable import cable_to
from pretender import CONNACK, pretender
from real_servers import Mosquitto, held_port

from rta.errors import TransportError
from rta.ports import TopicMessage, Will
from rta.testing.patience import until, within


async def receive(subscription):
    with within(PATIENCE, "a message"):
        return await subscription.receive()


def open_files():
    return len(os.listdir("/proc/self/fd"))


async def lost(link):
    with within(PATIENCE, "the loss of the connection"):
        await link.lost.wait()


async def works(bus, topic="works"):
    async with bus.subscribe(topic) as subscription:
        with within(PATIENCE, "an acknowledgement"):
            await bus.publish(topic, b"x", qos=1)
        assert (await receive(subscription)).payload == b"x"


async def test_a_broker_that_was_killed_is_found_again(own_mosquitto):
    async with connected(own_mosquitto.port, "node") as bus, bus.subscribe("a") as subscription:
        link = await linked(bus)
        own_mosquitto.kill()
        await lost(link)
        await until(lambda: "refused" in (bus.trouble or ""), PATIENCE, "a try to connect again")
        assert bus.trouble == f"127.0.0.1:{own_mosquitto.port}: Connection refused"
        own_mosquitto.start()
        await linked(bus, link.number)
        assert bus.trouble is None
        await bus.publish("a", b"again", qos=1)
        assert (await receive(subscription)).payload == b"again"


async def test_messages_without_an_acknowledgement_are_told_so_when_the_broker_is_killed(own_mosquitto):
    async with connected(own_mosquitto.port, "node") as bus:
        own_mosquitto.pause()
        fates = []
        for _ in range(100):
            bus.send("a", b"x", qos=1, done=fates.append)
        own_mosquitto.kill()
        await until(lambda: len(fates) == 100, PATIENCE, "the fate of every message")
        assert all(isinstance(fate, TransportError) for fate in fates)


async def test_a_broker_that_falls_silent_is_given_up_after_twice_the_keep_alive(own_mosquitto):
    async with connected(own_mosquitto.port, "node", keep_alive=1, connect_timeout=1) as bus:
        link = await linked(bus)
        own_mosquitto.pause()
        await lost(link)
        assert bus.trouble == f"127.0.0.1:{own_mosquitto.port}: nothing heard from the broker for 2 s"
        await until(lambda: "no answer within 1 s" in (bus.trouble or ""), PATIENCE, "a try to connect again")
        own_mosquitto.resume()
        await linked(bus, link.number)
        await works(bus)


async def test_a_connection_on_which_nothing_is_said_is_kept_alive():
    asked = []

    async def behave(guest):
        await guest.packet()
        await guest.say(CONNACK)
        async for _ in guest.packets(0xC0):
            asked.append(True)
            await guest.say(b"\xd0\x00")

    async with pretender(behave) as port, connected(port, "node", keep_alive=1) as bus:
        link = await linked(bus)
        await until(lambda: len(asked) == 2, PATIENCE, "the broker being asked twice")
        assert not link.lost.is_set()


async def test_a_broker_that_was_restarted_without_what_it_retained_can_be_told_anew(own_mosquitto):
    async with connected(own_mosquitto.port, "node") as bus:
        await bus.publish("state", b"running", retain=True, qos=1)
        link = await linked(bus)
        own_mosquitto.restart()
        await linked(bus, link.number)
        async with bus.subscribe("#") as subscription:
            await bus.publish("state", b"stopped", retain=True, qos=1)
            assert await receive(subscription) == TopicMessage("state", b"stopped")


@pytest.mark.processes
async def test_a_broker_that_keeps_what_it_retained_brings_it_again():
    with Mosquitto("persistence true") as broker:
        async with connected(broker.port, "node") as bus, bus.subscribe("state") as subscription:
            await bus.publish("state", b"running", retain=True, qos=1)
            await receive(subscription)
            link = await linked(bus)
            broker.restart()
            await linked(bus, link.number)
            assert await receive(subscription) == TopicMessage("state", b"running", retained=True)


async def test_what_was_published_while_the_connection_was_cut_is_delivered_afterwards(own_mosquitto):
    async with (
        cable_to(own_mosquitto.port) as cable,
        connected(cable.port, "node") as bus,
        connected(own_mosquitto.port, "other") as other,
        bus.subscribe("throttle/+", "#") as subscription,
    ):
        link = await linked(bus)
        cable.down = True
        cable.cut()
        await lost(link)
        for i in range(100):
            await other.publish(f"throttle/{i}", b"start", qos=1)
        cable.down = False
        got = [(await receive(subscription)).topic for _ in range(100)]
        assert got == [f"throttle/{i}" for i in range(100)]
        await works(bus)


@pytest.mark.parametrize("after", [1, 5, 100, 1000, 4097])
async def test_a_cable_that_is_cut_in_the_middle_of_a_packet_spoils_nothing(own_mosquitto, after):
    async with (
        cable_to(own_mosquitto.port) as cable,
        connected(cable.port, "node", Will("presence", b"offline")) as bus,
        connected(own_mosquitto.port, "other") as other,
        other.subscribe("a", "presence") as subscription,
    ):
        link = await linked(bus)
        cable.uplink_left = after
        fates = []
        for i in range(40):
            bus.send("a", b"%02d" % i * 500, qos=1, done=fates.append)
        await lost(link)
        await linked(bus, link.number)
        assert len(fates) == 40
        await bus.publish("a", b"whole", qos=1)
        got = []
        while (message := await receive(subscription)).payload != b"whole":
            got.append(message)
        assert [m.payload for m in got if m.topic == "a"] == [b"%02d" % i * 500 for i in range(len(got) - 1)]
        assert [m.payload for m in got if m.topic == "presence"] == [b"offline"]
        assert len(got) - 1 < 40


async def test_a_broker_that_is_not_there_is_waited_for():
    with held_port() as port:
        async with bus_to(port) as bus, bus.connect("node"):
            assert bus.trouble == f"127.0.0.1:{port}: not connected yet"
            await until(lambda: "refused" in (bus.trouble or ""), PATIENCE, "a try")


async def test_a_host_that_is_not_known_is_trouble():
    async with bus_to(1883, host="broker.invalid") as bus, bus.connect("node"):
        await until(
            lambda: "broker.invalid:1883: " in (bus.trouble or "") and "yet" not in bus.trouble, PATIENCE, "a try"
        )


async def test_a_broker_that_takes_us_over_in_so_many_words_is_left_alone(autojump_clock):
    guests = []

    async def behave(guest):
        guests.append(trio.current_time())
        await guest.packet()
        await guest.say(CONNACK)
        await guest.say(b"\xe0\x02\x8e\x00")

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await bus.link()
        await trio.sleep(59)
        assert bus.trouble == f"127.0.0.1:{port}: taken over by another client with the id 'node'; back in 60 s"
        await bus.link(1)
        assert guests[1] - guests[0] == pytest.approx(60, abs=1)


async def rival(port):
    """A client with our id that starts clean, and comes back as soon as it is thrown out."""
    while True:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x04node")
            with suppress(trio.BrokenResourceError):
                while await stream.receive_some():
                    pass


async def test_a_rival_that_starts_clean_is_made_way_for(own_mosquitto):
    async with (
        connected(own_mosquitto.port, "node", Will("node/presence", b"offline")) as bus,
        bus.subscribe("node/presence"),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(rival, own_mosquitto.port)
        await until(lambda: "taken over" in (bus.trouble or ""), PATIENCE, "a takeover being spoken of")
        assert bus.trouble == (
            f"127.0.0.1:{own_mosquitto.port}: the broker closes the connection again and again: probably taken over by "
            "another client with the id 'node'; back in 60 s"
        )
        nursery.cancel_scope.cancel()


async def test_a_broker_that_dies_again_and_again_is_no_rival(own_mosquitto):
    async with (
        connected(own_mosquitto.port, "node", Will("node/presence", b"offline")) as bus,
        bus.subscribe("node/presence"),
    ):
        for _ in range(6):
            await bus.publish("node/presence", b"online", retain=True, qos=1)
            link = await linked(bus)
            own_mosquitto.restart()
            await linked(bus, link.number)


async def test_a_broker_that_gives_a_reason_is_quoted(autojump_clock):
    async def behave(guest):
        await guest.packet()
        await guest.say(CONNACK)
        await guest.say(b"\xe0\x0a\x97\x08\x1f\x00\x05enough")

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        link = await bus.link()
        await link.lost.wait()
        await until(lambda: bus.trouble is not None, PATIENCE, "trouble")
        assert "the broker ended it: Quota exceeded: enoug" in bus.trouble


@pytest.mark.parametrize(
    "nonsense",
    [b"\xff\xff\xff\xff\xff\xff", b"\x00\x00", b"\x20\x00", b"\x40\x00", b"\x90\x01\x00", b"\x30\x02\xff\xff",
     b"\x30\x03\x00\x01\xff\x00", bytes(100)],
)  # fmt: skip
async def test_a_broker_that_talks_nonsense_is_left(nonsense, autojump_clock):
    guests = []

    async def behave(guest):
        guests.append(guest)
        await guest.packet()
        await guest.say(CONNACK)
        if len(guests) == 1:
            await guest.say(nonsense)
        async for _ in guest.packets(0):
            pass

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await until(lambda: len(guests) == 2, PATIENCE, "another try")
        assert not (await bus.link()).lost.is_set()


async def test_a_broker_that_never_answers_is_given_up(autojump_clock):
    guests = []

    async def behave(guest):
        guests.append(guest)
        await trio.sleep_forever()

    async with pretender(behave) as port, bus_to(port, connect_timeout=2.0) as bus, bus.connect("node"):
        while len(guests) < 2:
            await trio.sleep(0.1)
        assert bus.trouble == f"127.0.0.1:{port}: no answer within 2 s"


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02, 0.2])
async def test_connecting_that_is_cancelled_leaves_no_socket_behind(seconds, own_mosquitto):
    async def behave(guest):
        await trio.sleep_forever()

    with held_port() as nobody:
        async with pretender(behave) as silent:
            before = open_files()
            for port in (silent, own_mosquitto.port, nobody):
                with trio.move_on_after(seconds):
                    async with bus_to(port) as bus, bus.connect("node"):
                        await trio.sleep_forever()
            await until(lambda: open_files() <= before + 1, PATIENCE, "all sockets closed")


async def test_clean_start_is_asked_for_once(autojump_clock):
    flags = []

    async def behave(guest):
        connect = await guest.packet()
        flags.append(connect[9])
        await guest.say(CONNACK)

    async with pretender(behave) as port, bus_to(port) as bus, bus.connect("node"):
        await bus.link(2)
    assert [f & 0x02 for f in flags[:3]] == [0x02, 0, 0]


async def test_who_leaves_hands_over_what_it_has_sent(mosquitto):
    async with connected(mosquitto.port, "watcher") as other, other.subscribe("leaving/#", bound=5000) as subscription:
        async with connected(mosquitto.port, "leaver") as bus:
            for i in range(2000):
                bus.send(f"leaving/{i % 2}", b"%d" % i, qos=i % 2)
        got = sorted([int((await receive(subscription)).payload) for _ in range(2000)])
        assert got == list(range(2000))


async def test_a_broker_that_was_away_for_long_is_tried_again_within_the_longest_pause(autojump_clock):
    tries = []

    async def behave(guest):
        tries.append(trio.current_time())
        if len(tries) > 20:
            await guest.packet()
            await guest.say(CONNACK)
            await trio.sleep_forever()

    async with pretender(behave) as port, bus_to(port, max_pause=5.0) as bus, bus.connect("node"):
        await bus.link()
    pauses = [b - a for a, b in pairwise(tries)]
    assert max(pauses) <= 5.0
    assert pauses[0] <= 0.1
