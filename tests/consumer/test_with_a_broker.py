"""A consumer on a real broker that goes away and comes back."""

from __future__ import annotations

import cbor2
import pytest
import trio
from real_servers import Mosquitto

from rta.consumer import CommandError, GapHealed, HistoryReceived, StatusReceived, Watch, open_bus, open_consumer
from rta.errors import RtaError
from rta.ports import TopicBus, Will
from rta.rsmp.payload import encode
from rta.testing.patience import until, within

from .fake_node import entry, seqs

NODE = "dk/cph/real-1"
PATIENCE = 120.0


async def node(bus: TopicBus) -> None:
    """Answers commands with a refusal and fetches with entries 2 to 4; says how far it is on each connection."""
    async with (
        bus.subscribe(f"{NODE}/command/#", f"{NODE}/fetch/#", f"{NODE}/throttle/#") as subscription,
        bus.connect(NODE, Will(f"{NODE}/presence", encode("offline"))),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(announce, bus)
        while True:
            message = await subscription.receive()
            answer = {
                "command": {"status": "error", "reason": "not today"},
                "fetch": {"entries": [entry(n) for n in (2, 3, 4)], "complete": True},
                "throttle": {"state": "running"},
            }[message.topic.split("/")[3]]
            topic = message.response_topic or f"{NODE}/channel/car.engine/live"
            await bus.publish(topic, encode(answer), qos=1, correlation=message.correlation)


async def announce(bus: TopicBus) -> None:
    number = 0
    while True:
        number = (await bus.link(number)).number
        bus.send(f"{NODE}/presence", encode("online"), retain=True, qos=1)
        seq = 1 if number == 1 else 5
        bus.send(f"{NODE}/status/car.engine/live", encode({"entries": [entry(seq)]}), retain=True, qos=1)


async def collect(watch: Watch, found: list[object]) -> None:
    async for event in watch:
        found.append(event)


async def test_after_the_broker_was_away_the_gap_heals_and_starts_are_repeated(own_mosquitto: Mosquitto):
    port = own_mosquitto.port
    events: list[object] = []
    with within(PATIENCE, "all of it"):
        async with (
            open_bus(port=port, max_pause=0.2) as nodes_bus,
            open_bus(port=port, max_pause=0.2) as bus,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(node, nodes_bus)
            async with open_consumer(bus, "tmc") as consumer, consumer.watch("dk/cph/+") as watch:
                await consumer.connected(PATIENCE)
                nursery.start_soon(collect, watch, events)
                key = ("car.engine", "live")
                await until(lambda: NODE in watch.nodes and key in watch.nodes[NODE].streams, PATIENCE, "the status")
                stream = watch.nodes[NODE].streams[key]
                await consumer.start(NODE, *key)
                await until(lambda: stream.state == "running", PATIENCE, "the start")
                with pytest.raises(CommandError, match="not today"):
                    await consumer.command(NODE, "sg.dim")

                own_mosquitto.restart()
                await until(lambda: any(isinstance(e, GapHealed) for e in events), PATIENCE, "healing")
                entries = [e for e in events if isinstance(e, StatusReceived | HistoryReceived)]
                assert [n for e in entries for n in seqs(e.entries)] == [1, 5, 2, 3, 4]
                await until(lambda: stream.state == "running", PATIENCE, "the start after the outage")
                assert stream.lost == 0
                nursery.cancel_scope.cancel()


async def test_wrong_settings_are_told():
    with pytest.raises(RtaError, match="colour"):
        async with open_bus(colour="red"):
            pass
    with pytest.raises(RtaError, match="no transport"):
        async with open_bus("pigeon"):
            pass


async def test_a_consumer_that_is_cancelled_with_its_bus_stops_what_it_has_started(mosquitto: Mosquitto):
    throttle = f"{NODE}/throttle/car.engine/live"
    asked: list[bytes] = []
    with within(PATIENCE, "the start and the stop"):
        async with (
            open_bus(port=mosquitto.port) as others,
            others.subscribe(throttle) as subscription,
            others.connect("cancelled/other"),
        ):
            await others.link()
            with trio.CancelScope() as scope:
                async with open_bus(port=mosquitto.port) as bus, open_consumer(bus, "cancelled") as consumer:
                    await consumer.connected(PATIENCE)
                    await consumer.start(NODE, "car.engine", "live")
                    asked.append((await subscription.receive()).payload)
                    scope.cancel()
                    await trio.sleep_forever()
            asked.append((await subscription.receive()).payload)
    assert [cbor2.loads(payload)["action"] for payload in asked] == ["start", "stop"]
