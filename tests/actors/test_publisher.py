"""What becomes of messages that cannot be sent: a bus of which the test says what it takes."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import cbor2
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.actors.node_messages import OwesFull
from rta.actors.publisher import Publisher, PublisherOutlets
from rta.actors.publisher_messages import CommandResult, LinkDown, LinkUp, PublisherMessage
from rta.errors import NotConnectedError, QueueFullError, UndeliverableError
from rta.hot_counters import HotCounters
from rta.inbox import Inbox
from rta.metrics import Metrics
from rta.node.events import NodeEvent, Turn
from rta.node.node import Node
from rta.node.node_stream import Initiator, Now
from rta.rsmp.message import PLAIN
from rta.rsmp.topics import NodeTopics
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.stream.sample import Sample
from rta.wire.values import Ns

CAR = StatusDefinition("car.engine", attributes={"rpm": AttributeDefinition("rpm")})
TMC = Initiator("topic", "tmc")


class Bus:
    """Takes so many messages, and says what became of them when the test wants it to."""

    def __init__(self) -> None:
        self.room = 1000
        self.largest = 1 << 20
        self.sent: list[tuple[str, Any]] = []
        self.waiting: list[Any] = []

    def send(self, topic, payload, *, retain=False, qos=0, response_topic=None, correlation=None, done=None):
        if len(payload) > self.largest:
            raise UndeliverableError("too large")
        if self.room <= 0:
            raise QueueFullError("the queue is full")
        self.room -= 1
        self.sent.append((topic, cbor2.loads(payload) if payload else None))
        if done is not None:
            self.waiting.append(done)

    def settle(self, error=None):
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(error)


class Desk:
    """A node with one stream, connected."""

    def __init__(self) -> None:
        self.bus, self.counters = Bus(), HotCounters()
        self.metrics = Metrics(self.counters, dict)
        self.node = Node(UTC)
        self.inbox: Inbox[PublisherMessage] = Inbox(16)
        self.owed: Inbox[OwesFull] = Inbox(16)
        self.connection = 0
        out = PublisherOutlets(self.bus, self.owed, Inbox(16), self.metrics, self.counters)  # type: ignore[arg-type]
        self.publisher = Publisher(self.inbox, NodeTopics("n"), out)
        self.node.add_status(CAR)
        self.stream = self.node.add(StreamDefinition("car.engine", "live", attributes={"rpm": Trigger.CHANGE}, qos=1))

    def now(self) -> Now:
        return Now(Ns(10**18 + round(trio.current_time() * 1e9)), trio.current_time())

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.publisher.run)
            while True:
                for owed in await self.owed.receive():
                    out = self.node.refresh(owed.key, owed.connection, self.now())
                    await self.inbox.send(Turn(tuple(out)))

    async def tell(self, message: PublisherMessage) -> None:
        await self.inbox.send(message)
        await wait_all_tasks_blocked()

    async def emit(self, out: list[NodeEvent]) -> None:
        await self.tell(Turn(tuple(out)))

    async def connect(self) -> None:
        self.connection += 1
        await self.tell(LinkUp(self.connection))

    async def disconnect(self) -> None:
        await self.tell(LinkDown(self.connection))

    async def stop(self) -> None:
        await self.emit(self.node.stop(self.stream, TMC, self.now()))

    async def start(self) -> None:
        await self.emit(self.node.start(self.stream, TMC, self.now()))

    async def settle(self, error: Any = None) -> None:
        self.bus.settle(error)
        await wait_all_tasks_blocked()

    async def sample(self, value: float) -> None:
        await trio.sleep(0.01)
        await self.emit(self.node.feed("car.engine", [Sample(self.now().wall, "rpm", PLAIN, value)], self.now()))
        await trio.sleep(0.01)
        await self.emit(self.node.advance(self.now()))

    def statuses(self) -> list[Any]:
        return [p["entries"][0]["values"]["rpm"] for t, p in self.bus.sent if t == "n/status/car.engine/live"]


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@pytest.fixture
async def desk(autojump_clock, nursery):
    desk = Desk()
    nursery.start_soon(desk.run)
    await desk.start()
    await desk.connect()
    await desk.settle()
    await trio.sleep(0.1)
    return desk


async def test_an_announcement_is_presence_then_state_then_a_full_update(autojump_clock, desk):
    assert [t for t, _ in desk.bus.sent] == ["n/presence", "n/channel/car.engine/live", "n/status/car.engine/live"]


async def test_a_first_update_that_comes_behind_the_connection_is_not_asked_for_again(autojump_clock, nursery):
    desk = Desk()
    nursery.start_soon(desk.run)
    state, *updates = desk.node.start(desk.stream, TMC, desk.now())
    await desk.emit([state])
    await desk.connect()
    await desk.settle()
    await desk.emit(updates)  # the history has let them through
    await trio.sleep(1)
    assert desk.statuses() == [None]
    await desk.disconnect()
    await desk.connect()
    await desk.settle()
    await trio.sleep(1)
    assert desk.statuses() == [None, None]


async def test_after_a_full_queue_comes_a_full_update_and_nothing_old(autojump_clock, desk):
    await desk.sample(1.0)
    desk.bus.room = 0
    for value in (2.0, 3.0, 4.0):
        await desk.sample(value)
    assert desk.statuses() == [None, 1.0]
    desk.bus.room = 10
    await trio.sleep(0.1)
    assert desk.statuses() == [None, 1.0, 4.0]
    await desk.sample(5.0)
    assert desk.statuses() == [None, 1.0, 4.0, 5.0]
    (*_, (_, last)) = desk.bus.sent
    assert last["entries"][0]["seq"] == desk.counters.stream_events + desk.counters.stream_unsent


async def test_states_wait_for_room_the_latest_of_each_topic(autojump_clock, desk):
    desk.bus.room = 0
    await desk.start()
    await desk.stop()
    del desk.bus.sent[:]
    desk.bus.room = 10
    await trio.sleep(0.1)
    assert desk.bus.sent == [
        ("n/status/car.engine/live", None),
        ("n/channel/car.engine/live", {"state": "stopped"}),
    ]


async def test_a_clear_that_waits_does_not_wipe_what_comes_after(autojump_clock, desk):
    desk.bus.room = 0
    await desk.stop()
    desk.bus.room = 10
    await desk.start()
    await trio.sleep(0.1)
    assert desk.bus.sent[-1][0] == "n/status/car.engine/live"
    assert desk.bus.sent[-1][1] is not None
    assert ("n/status/car.engine/live", None) not in desk.bus.sent


async def test_what_is_too_large_is_not_tried_again(autojump_clock, desk):
    desk.bus.largest = 10
    await desk.tell(CommandResult("tmc/result/x", b"x" * 11, None))
    await desk.sample(1.0)
    await trio.sleep(5)
    assert desk.bus.room == 1000 - 3
    assert desk.metrics.registry.get_sample_value("rta_stream_refused_total") == 2


async def test_updates_wait_until_the_states_have_been_acknowledged(autojump_clock, desk):
    await desk.disconnect()
    await desk.connect()
    del desk.bus.sent[:]
    await trio.sleep(5)
    assert desk.bus.sent == []
    await desk.settle()
    await trio.sleep(0.1)
    assert [t for t, _ in desk.bus.sent] == ["n/status/car.engine/live"]


async def test_what_was_lost_with_a_connection_is_no_refusal(autojump_clock, desk):
    await desk.sample(1.0)
    await desk.settle(NotConnectedError("the connection is lost"))
    assert desk.metrics.registry.get_sample_value("rta_stream_refused_total") == 0


async def test_what_the_broker_refuses_is_counted(autojump_clock, desk):
    await desk.sample(1.0)
    await desk.sample(2.0)
    await desk.settle(UndeliverableError("not authorized"))
    assert desk.metrics.registry.get_sample_value("rta_stream_refused_total") == 3  # with the first full update


class TestResults:
    async def test_one_that_is_acknowledged_is_done_with(self, autojump_clock, desk):
        await desk.tell(CommandResult("tmc/result/x", b"\x01", b"c"))
        await desk.settle()
        await desk.disconnect()
        await desk.connect()
        assert [t for t, _ in desk.bus.sent].count("tmc/result/x") == 1

    async def test_one_that_is_refused_is_done_with(self, autojump_clock, desk):
        await desk.tell(CommandResult("tmc/result/x", b"\x01", b"c"))
        await desk.settle(UndeliverableError("not authorized"))
        await desk.disconnect()
        await desk.connect()
        assert [t for t, _ in desk.bus.sent].count("tmc/result/x") == 1

    async def test_one_without_an_acknowledgement_is_sent_again_so_often(self, autojump_clock, desk):
        await desk.tell(CommandResult("tmc/result/x", b"\x01", b"c"))
        for _ in range(6):
            await desk.disconnect()
            await desk.connect()
        assert [t for t, _ in desk.bus.sent].count("tmc/result/x") == 3
        assert desk.metrics.registry.get_sample_value("rta_results_dropped_total") == 1

    async def test_over_the_bound_the_oldest_goes(self, autojump_clock, desk):
        await desk.disconnect()
        for i in range(300):
            await desk.tell(CommandResult("tmc/result/x", cbor2.dumps(i), None))
        await desk.connect()
        await trio.sleep(0.1)
        got = [p for t, p in desk.bus.sent if t == "tmc/result/x"]
        assert got == list(range(44, 300))
