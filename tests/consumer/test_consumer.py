"""A consumer on a memory bus: its own presence, what it asks, and what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cbor2
import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.consumer import CommandError, Consumer, open_consumer
from rta.consumer.counts import Counts
from rta.errors import NotConnectedError, QueueFullError, UndeliverableError
from rta.ports import TopicMessage

from .fake_node import BASE, NODE, FakeNode, at, entry, seqs


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Stage:
    """A node, a consumer, and the broker between them."""

    def __init__(self, node: FakeNode, bus: MemoryTopics, consumer: Consumer, report: Counts) -> None:
        self.node, self.bus, self.consumer, self.report = node, bus, consumer, report

    def left_out(self, reason: str) -> float:
        return self.report.counts.get(f"rta_consumer_left_out_total{{reason={reason}}}", 0)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    bus, report = MemoryTopics(), Counts()
    async with FakeNode(bus.broker).running() as node:
        await node.online()
        async with open_consumer(bus, "tmc", clock=lambda: BASE, report=report) as consumer:
            await wait_all_tasks_blocked()
            yield Stage(node, bus, consumer, report)
        await wait_all_tasks_blocked()


def kept(bus: MemoryTopics, topic: str) -> Any:
    messages = bus.broker.kept([topic])
    return cbor2.loads(messages[0].payload) if messages else None


# ---- presence


async def test_it_says_that_it_is_there_and_that_it_leaves(autojump_clock):
    async with stage() as s:
        assert kept(s.bus, "tmc/presence") == "online"
    assert kept(s.bus, "tmc/presence") == "shutdown"


async def test_after_an_outage_it_is_there_again(autojump_clock):
    async with stage() as s:
        s.bus.cut()
        assert kept(s.bus, "tmc/presence") == "offline"
        s.bus.mend()
        await wait_all_tasks_blocked()
        assert kept(s.bus, "tmc/presence") == "online"


async def test_who_says_that_it_is_not_there_is_contradicted_now_and_then(autojump_clock):
    async with stage() as s:
        for _ in range(3):
            await s.node.bus.publish("tmc/presence", cbor2.dumps("offline"), retain=True)
            await wait_all_tasks_blocked()
        assert kept(s.bus, "tmc/presence") == "offline"
        await trio.sleep(10.1)
        assert kept(s.bus, "tmc/presence") == "online"


async def test_a_bus_without_a_connection_says_why(autojump_clock):
    async with stage() as s:
        await s.consumer.connected(1)
        s.bus.cut()
        with pytest.raises(NotConnectedError, match="cut"):
            await s.consumer.connected(1)


@pytest.mark.parametrize("name", ["", "a/+", "$x", "a b", "a//b"])
async def test_an_id_that_can_be_none_is_refused(name):
    with pytest.raises(ValueError, match="is not an id"):
        async with open_consumer(MemoryTopics(), name):
            pass


# ---- commands


async def test_a_command_gives_the_values_of_its_result(autojump_clock):
    async with stage() as s:
        assert await s.consumer.command(NODE, "sg.dim", {"level": 3}) == {"did": "sg.dim", "level": 3}
        await s.consumer.command(NODE, "sg.dim", {}, component="sg/1")
        assert s.node.of("command") == [{"values": {"level": 3}}, {"values": {}, "component": "sg/1"}]


async def test_a_command_that_is_refused_says_why_and_what_is_to_blame(autojump_clock):
    async with stage() as s:
        s.node._answer = answering(s.node, {"status": "error", "reason": "level: no", "values": {"field": "level"}})  # type: ignore[method-assign]
        with pytest.raises(CommandError, match="level: no") as e:
            await s.consumer.command(NODE, "sg.dim")
        assert e.value.field == "level"


async def test_an_answer_that_cannot_be_read_is_an_error(autojump_clock):
    async with stage() as s:
        s.node._answer = answering(s.node, [1])  # type: ignore[method-assign]
        with pytest.raises(CommandError, match="cannot be read"):
            await s.consumer.command(NODE, "sg.dim")


async def test_without_an_answer_it_is_unknown_whether_it_was_carried_out(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        with pytest.raises(NotConnectedError, match=r"no answer within 3 s.*unknown"):
            await s.consumer.command(NODE, "sg.dim", timeout=3)


async def test_a_connection_lost_while_waiting_leaves_it_unknown(autojump_clock):
    async with stage() as s, trio.open_nursery() as nursery:
        s.node.silent = True
        nursery.start_soon(cut_soon, s)
        with pytest.raises(NotConnectedError, match=r"lost.*unknown"):
            await s.consumer.command(NODE, "sg.dim")
        assert trio.current_time() < 5


async def test_a_command_that_the_bus_does_not_take_was_not_carried_out(autojump_clock):
    async with stage() as s:
        s.bus.publish = refuse  # type: ignore[method-assign]
        with pytest.raises(UndeliverableError) as e:
            await s.consumer.command(NODE, "sg.dim")
        assert "unknown" not in str(e.value)
        del s.bus.publish


async def refuse(*_: Any, **__: Any) -> None:
    raise UndeliverableError("too large")


async def test_without_a_connection_nothing_is_sent(autojump_clock):
    async with stage() as s:
        s.bus.cut()
        with pytest.raises(NotConnectedError, match="cut"):
            await s.consumer.command(NODE, "sg.dim")
        assert s.node.asked == []


async def test_answers_that_nobody_asked_for_are_left_out_and_counted(autojump_clock):
    async with stage() as s:
        for topic, correlation in [
            ("result/sg.dim", b"x"),
            ("result/sg.dim", None),
            ("history/car.engine", b""),
            ("result", None),
        ]:
            await s.node.bus.publish(f"tmc/{topic}", b"\xa0", correlation=correlation)
        await wait_all_tasks_blocked()
        assert s.left_out("answer") == 4


async def test_a_late_answer_is_not_taken_for_the_next(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        late: list[TopicMessage] = []
        s.node._answer = lambda message, value: late.append(message)  # type: ignore[method-assign]
        s.node.silent = False
        with pytest.raises(NotConnectedError):
            await s.consumer.command(NODE, "sg.dim", timeout=1)
        s.node._answer = lambda message, value: [
            FakeNode._answer(s.node, m, {"n": i}) for i, m in enumerate([*late, message])
        ]  # type: ignore[method-assign, assignment]
        assert await s.consumer.command(NODE, "sg.dim", timeout=1) == {"n": 1}
        assert s.left_out("answer") == 1


def answering(node: FakeNode, value: Any) -> Any:
    return lambda message, _: FakeNode._answer(node, message, value)


async def cut_soon(s: Stage) -> None:
    await trio.sleep(1)
    s.bus.cut()


# ---- fetch


async def test_a_fetch_brings_pages_until_it_is_complete(autojump_clock):
    async with stage() as s:
        s.node.history = [entry(n) for n in range(1, 8)]
        async with s.consumer.fetch(NODE, "car.engine", "live", at(2), at(7)) as fetch:
            pages = [seqs(page.entries) async for page in fetch]
        assert pages == [[2, 3], [4, 5], [6]]


async def test_several_fetches_of_one_stream_at_once_are_told_apart(autojump_clock):
    async with stage() as s:
        s.node.history = [entry(n) for n in range(1, 8)]
        got: dict[int, list[int | None]] = {}

        async def fetch(first: int) -> None:
            async with s.consumer.fetch(NODE, "car.engine", "live", at(first)) as fetch:
                got[first] = [seq async for page in fetch for seq in seqs(page.entries)]

        async with trio.open_nursery() as nursery:
            for first in (1, 4, 6):
                nursery.start_soon(fetch, first)
        assert got == {1: [1, 2, 3, 4, 5, 6, 7], 4: [4, 5, 6, 7], 6: [6, 7]}


async def test_a_fetch_without_an_answer_fails(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        async with s.consumer.fetch(NODE, "car.engine", timeout=2) as fetch:
            with pytest.raises(NotConnectedError, match="within 2 s"):
                await anext(fetch)


async def test_a_fetch_whose_connection_is_lost_fails_at_once(autojump_clock):
    async with stage() as s, trio.open_nursery() as nursery:
        s.node.silent = True
        nursery.start_soon(cut_soon, s)
        async with s.consumer.fetch(NODE, "car.engine") as fetch:
            with pytest.raises(NotConnectedError, match="lost"):
                await anext(fetch)
        assert trio.current_time() < 5


async def test_what_comes_of_a_fetch_that_was_left_is_left_out(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        async with s.consumer.fetch(NODE, "car.engine", "live") as fetch:
            message = TopicMessage("", b"", False, fetch._expected.topic, fetch._expected.correlation)
        s.node._answer(message, {"entries": []})
        await wait_all_tasks_blocked()
        assert s.left_out("answer") == 1


async def test_a_reader_that_is_too_slow_is_told(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        async with s.consumer.fetch(NODE, "car.engine", "live") as fetch:
            message = TopicMessage("", b"", False, fetch._expected.topic, fetch._expected.correlation)
            page = {"entries": [{"ts": "x" * 60_000}]}
            for _ in range(700):
                s.node._answer(message, page)
                await trio.sleep(0.001)
            with pytest.raises(QueueFullError, match="too slow"):
                await anext(fetch)


async def test_a_page_that_cannot_be_read_is_left_out(autojump_clock):
    async with stage() as s:
        s.node.silent = True
        async with s.consumer.fetch(NODE, "car.engine", "live") as fetch:
            for payload in (b"\xff", b"", cbor2.dumps({"entries": 3, "complete": True})):
                await s.node.bus.publish(fetch._expected.topic, payload, correlation=fetch._expected.correlation)
            pages = [page async for page in fetch]
        assert [(p.entries, p.complete) for p in pages] == [((), False), ((), True)]


# ---- starts


async def test_a_stream_that_was_stopped_is_started_renewed_and_stopped_in_the_end(autojump_clock):
    async with stage() as s:
        await s.node.state("stopped")
        await s.consumer.start(NODE, "car.engine", "live")
        await wait_all_tasks_blocked()
        start = {"action": "start", "timeout": 60.0, "consumer": "tmc"}
        assert s.node.asked == [("throttle/car.engine/live", start)]
        await trio.sleep(95)
        assert s.node.of("throttle") == [start] * 4
    assert s.node.of("throttle")[4:] == [{"action": "stop"}]


async def test_a_stream_that_runs_already_is_renewed_and_left_running(autojump_clock):
    async with stage() as s:
        await s.node.state("running")
        await s.consumer.start(NODE, "car.engine", "live", timeout=600)
        await wait_all_tasks_blocked()
        await trio.sleep(310)
    assert [asked["action"] for asked in s.node.of("throttle")] == ["start", "start"]


async def test_a_stream_of_which_nothing_is_known_is_ours(autojump_clock):
    async with stage() as s:
        await s.consumer.start(NODE, "car.engine")
        await wait_all_tasks_blocked()
    assert [t for t, _ in s.node.asked] == ["throttle/car.engine"] * 2
    assert s.node.of("throttle")[1] == {"action": "stop"}


async def test_a_stop_ends_the_renewing(autojump_clock):
    async with stage() as s:
        await s.consumer.start(NODE, "car.engine", "live")
        await wait_all_tasks_blocked()
        await s.consumer.stop(NODE, "car.engine", "live")
        await wait_all_tasks_blocked()
        await trio.sleep(300)
    assert [asked["action"] for asked in s.node.of("throttle")] == ["start", "stop"]


async def test_it_is_asked_again_when_the_node_comes_back_and_after_our_own_outage(autojump_clock):
    async with stage() as s:
        await s.consumer.start(NODE, "car.engine", "live")
        await wait_all_tasks_blocked()
        await s.node.say("presence", "offline", retain=True)
        await s.node.online()
        await trio.sleep(1)
        assert len(s.node.of("throttle")) == 2
        s.bus.cut()
        await trio.sleep(5)
        s.bus.mend()
        await trio.sleep(1)
        assert len(s.node.of("throttle")) == 3


async def test_a_start_without_a_connection_is_sent_when_there_is_one(autojump_clock):
    async with stage() as s:
        s.bus.cut()
        await s.consumer.start(NODE, "car.engine", "live")
        await wait_all_tasks_blocked()
        assert s.node.asked == []
        s.bus.mend()
        await trio.sleep(2)
        assert len(s.node.of("throttle")) == 1


async def test_it_stops_what_it_has_started_also_when_its_block_fails(autojump_clock):
    bus = MemoryTopics()
    async with FakeNode(bus.broker).running() as node:
        with pytest.raises(KeyError):  # noqa: PT012
            async with open_consumer(bus, "tmc") as consumer:
                await consumer.start(NODE, "car.engine", "live")
                raise KeyError
        await wait_all_tasks_blocked()
        assert [asked["action"] for asked in node.of("throttle")] == ["start", "stop"]


async def test_leaving_takes_a_bounded_time_whatever_the_bus_does(autojump_clock):
    bus = MemoryTopics()
    async with open_consumer(bus, "tmc"):
        bus.publish = forever  # type: ignore[method-assign]
    assert trio.current_time() == pytest.approx(2)


async def forever(*_: Any, **__: Any) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize("args", [("a/+", "car.engine"), (NODE, "car"), (NODE, "car.engine", "a/b"), (NODE, "a.b/c")])
async def test_what_can_be_no_stream_is_refused(autojump_clock, args):
    async with stage() as s:
        with pytest.raises(ValueError, match=r"expected|is not"):
            await s.consumer.start(*args)


async def test_a_timeout_is_a_time(autojump_clock):
    async with stage() as s:
        for timeout in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="timeout"):
                await s.consumer.start(NODE, "car.engine", timeout=timeout)
