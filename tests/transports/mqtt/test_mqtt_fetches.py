"""Fetches over a real broker: the history is kept by a process, and the cable is cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import cbor2
import pytest
import trio
from buses import PATIENCE, bus_to, connected, linked
from cable import cable_to

from rta.actors.fetch_server import FetchServer
from rta.actors.history_file import open_history
from rta.history.store import HistoryStore
from rta.hot_counters import HotCounters
from rta.latest import Latest
from rta.metrics import Metrics
from rta.ports import TopicBus, TopicMessage, TopicSubscription
from rta.rsmp.topics import NodeTopics, TopicKind
from rta.testing.patience import within
from rta.wire.values import Ns

LIVE = ("car.engine", "live")
ENTRIES = 20_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.db"
    store = HistoryStore(path)
    for begin in range(0, ENTRIES, 1000):
        store.commit(
            [
                (LIVE, i + 1, Ns(i * 1_000_000_000), i + 1, cbor2.dumps({"rpm": i, "on": True}))
                for i in range(begin, begin + 1000)
            ]
        )
    store.close()
    return path


@asynccontextmanager
async def answering(bus: TopicBus, node: str, path: Path) -> AsyncIterator[Metrics]:
    """A desk that hears of fetches and of connections, as a node tells it."""
    metrics = Metrics(HotCounters(), dict)
    topics = NodeTopics(node)
    connection = Latest(0)

    async def settle() -> None:
        await trio.lowlevel.checkpoint()

    async def follow() -> None:
        number = 0
        while True:
            link = await bus.link(number)
            number = link.number
            connection.show(number)
            await link.lost.wait()
            connection.show(0)

    async def hear(subscription: TopicSubscription) -> None:
        while True:
            message = await subscription.receive()
            address = topics.parse(message.topic)
            assert address is not None
            desk.handle(message, address, trio.current_time())

    async with (
        open_history(path) as keeper,
        bus.subscribe(topics.all(TopicKind.FETCH)) as subscription,
        trio.open_nursery() as nursery,
    ):
        desk = FetchServer(
            topics, bus, lambda *key: key == LIVE, partial(keeper.ask, False), settle, connection, metrics
        )
        await nursery.start(desk.run)
        nursery.start_soon(follow)
        nursery.start_soon(hear, subscription)
        yield metrics
        nursery.cancel_scope.cancel()


async def fetch(bus: TopicBus, node: str, consumer: str, correlation: bytes) -> None:
    topic, reply = f"{node}/fetch/car.engine/live", f"{consumer}/history/car.engine/live"
    await bus.publish(topic, cbor2.dumps({}), qos=1, response_topic=reply, correlation=correlation)


async def answers(subscription: TopicSubscription, count: int) -> dict[bytes | None, list[int]]:
    """Numbers of the entries of so many answers, in the order of arrival; none arrives after its answer is complete."""
    got: dict[bytes | None, list[int]] = {}
    complete: set[bytes | None] = set()
    while len(complete) < count:
        message: TopicMessage = await subscription.receive()
        said = cbor2.loads(message.payload)
        got.setdefault(message.correlation, []).extend(e["values"]["rpm"] for e in said["entries"])
        if said["complete"]:
            complete.add(message.correlation)
    return got


async def test_several_fetches_are_answered_in_full(mosquitto, path):
    async with (
        connected(mosquitto.port, "fetch/node") as node,
        connected(mosquitto.port, "fetch/tmc") as tmc,
        answering(node, "fetch/node", path),
        tmc.subscribe("fetch/tmc/history/#", bound=10_000) as subscription,
    ):
        for i in range(3):
            await fetch(tmc, "fetch/node", "fetch/tmc", b"%d" % i)
        with within(PATIENCE, "the answers"):
            got = await answers(subscription, 3)
        assert got == {b"%d" % i: list(range(ENTRIES)) for i in range(3)}


async def test_a_cable_that_is_cut_in_the_middle_costs_nothing(mosquitto, path):
    async with (
        cable_to(mosquitto.port) as cable,
        bus_to(cable.port) as node,
        node.connect("fetch/cut"),
        connected(mosquitto.port, "fetch/tmc2") as tmc,
        tmc.subscribe("fetch/tmc2/history/#", bound=10_000) as subscription,
    ):
        link = await linked(node)
        async with answering(node, "fetch/cut", path) as metrics:
            cable.uplink_left = 300_000
            await fetch(tmc, "fetch/cut", "fetch/tmc2", b"1")
            with within(PATIENCE, "the cut"):
                await link.lost.wait()
            with within(PATIENCE, "the answer"):
                got = await answers(subscription, 1)
            assert metrics.registry.get_sample_value("rta_fetches_total", {"outcome": "undelivered"}) is None
    assert list(dict.fromkeys(got[b"1"])) == list(range(ENTRIES))
