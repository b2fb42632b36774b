"""Watching: the picture of nodes, and what a watch tells of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cbor2
import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.consumer import (
    AlarmChanged,
    GapFound,
    GapHealed,
    HistoryReceived,
    PresenceChanged,
    ReplayReceived,
    StatusReceived,
    StreamChanged,
    Watch,
    open_consumer,
)
from rta.consumer import watch as watch_module
from rta.consumer.counts import Counts
from rta.errors import UndeliverableError

from .fake_node import BASE, NODE, FakeNode, at, entry, seqs

LIVE = ("car.engine", "live")
WHO = (NODE, *LIVE)


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Stage:
    def __init__(self, node: FakeNode, bus: MemoryTopics, watch: Watch, report: Counts) -> None:
        self.node, self.bus, self.watch, self.report = node, bus, watch, report

    async def events(self) -> list[Any]:
        """Those that are waiting."""
        await wait_all_tasks_blocked()
        found = []
        while True:
            try:
                found.append(self.watch._receive.receive_nowait())
            except trio.WouldBlock:
                return found

    @property
    def stream(self) -> Any:
        return self.watch.nodes[NODE].streams[LIVE]


@asynccontextmanager
async def watching(*patterns: str, prepare: Any = None, **options: Any) -> AsyncIterator[Stage]:
    bus, report = MemoryTopics(), Counts()
    async with FakeNode(bus.broker).running() as node:
        await node.online()
        if prepare is not None:
            await prepare(node)
        async with open_consumer(bus, "tmc", clock=lambda: BASE, report=report) as consumer:
            await consumer.connected(1)
            async with consumer.watch(*(patterns or (NODE,)), **options) as watch:
                await wait_all_tasks_blocked()
                yield Stage(node, bus, watch, report)


async def test_what_was_retained_is_told_first(autojump_clock):
    async def prepare(node: FakeNode) -> None:
        await node.state("running")
        await node.status(entry(7), retain=True)
        await node.say("alarm/car.hot", {"entries": [{"ts": entry(1)["ts"], "values": {"t": 9}}], "full": True}, True)

    async with watching(prepare=prepare) as s:
        events = await s.events()
        assert {type(e) for e in events} == {PresenceChanged, StreamChanged, StatusReceived, AlarmChanged}
        assert all(e.retained for e in events if not isinstance(e, AlarmChanged))
        node = s.watch.nodes[NODE]
        assert (node.presence, node.presence_at, node.presence_retained) == ("online", BASE, True)
        assert (s.stream.state, s.stream.values, s.stream.seq) == ("running", {"rpm": 7}, 7)
        assert node.alarms["car.hot", None].values == {"t": 9}


async def test_live_entries_follow_and_their_values_are_merged(autojump_clock):
    async with watching() as s:
        await s.node.status(entry(1, rpm=1, group={"sg/1": 1, "sg/2": 2}))
        await s.node.status(entry(2, group={"sg/2": None}), entry(3, rpm=5))
        assert [seqs(e.entries) for e in await s.events() if isinstance(e, StatusReceived)] == [[1], [2, 3]]
        assert s.stream.values == {"rpm": 5, "group": {"sg/1": 1, "sg/2": None}}
        assert s.stream.value_at == {("rpm",): at(3), ("group", "sg/1"): at(1), ("group", "sg/2"): at(2)}


async def test_a_node_that_goes_away_keeps_what_is_known_of_it(autojump_clock):
    async with watching() as s:
        await s.node.status(entry(1))
        await s.node.say("presence", "offline", retain=True)
        assert [e.presence for e in await s.events() if isinstance(e, PresenceChanged)] == ["online", "offline"]
        assert not s.watch.nodes[NODE].online
        assert s.stream.values == {"rpm": 1}


async def test_a_pattern_is_of_nodes_with_as_many_levels(autojump_clock):
    async with watching("dk/cph/+") as s:
        for node in ("dk/cph/a", "dk/cph/b", "dk/aar/a", "dk/cph", "dk/cph/a/b"):
            await s.node.bus.publish(f"{node}/presence", b"\x66online", retain=True)
        await s.node.bus.publish("dk/cph/a/b/status/x/presence", b"\x66online")
        await s.events()
        assert sorted(s.watch.nodes) == ["dk/cph/a", "dk/cph/b", NODE]


async def test_a_node_of_two_patterns_is_told_of_once(autojump_clock):
    async with watching("dk/cph/+", NODE, "+/+/+") as s:
        await s.node.status(entry(1))
        assert len([e for e in await s.events() if isinstance(e, StatusReceived)]) == 1
        assert s.stream.doubles == 0


@pytest.mark.parametrize("pattern", ["", "#", "dk/#", "dk/c+h", "$sys/+", "a b", "dk//x"])
async def test_a_pattern_that_is_none_is_refused(autojump_clock, pattern):
    async with open_consumer(MemoryTopics(), "tmc") as consumer:
        with pytest.raises(ValueError, match="expected the id of a node"):
            async with consumer.watch(pattern):
                pass


class Refusing(MemoryTopics):
    """Takes no subscription to alarms."""

    def subscribe(self, *filters: str, bound: int = 1024) -> Any:
        if any("alarm" in f for f in filters):
            raise UndeliverableError("not allowed")
        return super().subscribe(*filters, bound=bound)


async def test_a_bus_that_refuses_is_told_of(autojump_clock):
    async with open_consumer(Refusing(), "tmc") as consumer:
        with pytest.raises(UndeliverableError, match="not allowed"):
            async with consumer.watch(NODE):
                pass


async def test_after_a_flood_the_picture_is_fetched_anew(autojump_clock, monkeypatch):
    monkeypatch.setattr(watch_module, "_WAITING", 5)
    async with watching() as s:
        for i in range(20):
            payload = cbor2.dumps({"state": "running"})
            s.node.bus.send(f"{NODE}/channel/car.engine/s{i}", payload, retain=True)
        await trio.sleep(2)
        assert len(s.watch.nodes[NODE].streams) == 20
        assert s.report.counts["rta_consumer_left_out_total{reason=flood}"] == 15


# ---- gaps


async def test_a_gap_that_is_replayed_is_healed(autojump_clock):
    async with watching() as s:
        await s.node.status(entry(1))
        await s.node.status(entry(5), retain=True)
        await s.node.say("replay/car.engine/live", {"entries": [entry(2), entry(3)]})
        await s.node.say("replay/car.engine/live", {"entries": [entry(4)], "done": True})
        events = await s.events()
        assert [e for e in events if isinstance(e, GapFound)] == [GapFound(*WHO, 1, 5, at(1), at(5))]
        assert [(seqs(e.entries), e.done) for e in events if isinstance(e, ReplayReceived)] == [
            ([2, 3], False),
            ([4], True),
        ]
        assert events[-1] == GapHealed(*WHO, 1, 5, at(1), at(5), 0)
        assert s.stream.values == {"rpm": 5}
        await trio.sleep(60)
        assert s.node.of("fetch") == []


async def test_a_replay_of_what_has_come_is_told_at_its_end_only(autojump_clock):
    async with watching() as s:
        await s.node.status(entry(1), entry(2), entry(3))
        await s.events()
        await s.node.say("replay/car.engine/live", {"entries": [entry(1), entry(2)]})
        await s.node.say("replay/car.engine/live", {"entries": [entry(3)], "done": True})
        assert await s.events() == [ReplayReceived(*WHO, (), done=True, beginning=False, doubles=1)]


async def test_a_gap_that_is_not_replayed_is_fetched(autojump_clock):
    async with watching() as s:
        s.node.history = [entry(n) for n in range(1, 9)]
        await s.node.status(entry(1))
        await s.node.status(entry(6))
        await trio.sleep(4)
        events = await s.events()
        assert s.node.of("fetch") == [{"from": entry(1)["ts"], "to": entry(6.001)["ts"]}]
        assert [seqs(e.entries) for e in events if isinstance(e, HistoryReceived)] == [[2], [3, 4], [5]]
        assert events[-1] == GapHealed(*WHO, 1, 6, at(1), at(6), 0)
        assert (s.stream.gaps, s.stream.lost, s.stream.entries) == ([], 0, 6)


async def test_what_a_node_has_not_kept_is_missing_for_good(autojump_clock):
    async with watching() as s:
        s.node.history = [entry(n) for n in (4, 5, 6)]
        await s.node.status(entry(1))
        await s.node.status(entry(6))
        await trio.sleep(4)
        assert (await s.events())[-1] == GapHealed(*WHO, 1, 6, at(1), at(6), 2)
        assert s.stream.lost == 2


async def test_a_stream_without_history_is_not_asked_again_and_again(autojump_clock):
    async with watching() as s:
        for n in (1, 3, 5, 7):
            await s.node.status(entry(n))
            await trio.sleep(5)
        assert len(s.node.of("fetch")) == 1
        assert s.stream.lost == 3
        assert s.stream.gaps == []


async def test_a_node_that_does_not_answer_is_asked_a_few_times(autojump_clock):
    async with watching() as s:
        s.node.silent = True
        await s.node.status(entry(1))
        await s.node.status(entry(6))
        await trio.sleep(1000)
        assert len(s.node.of("fetch")) == 3
        assert (await s.events())[-1] == GapHealed(*WHO, 1, 6, at(1), at(6), 4)


async def test_a_node_that_is_away_is_waited_for(autojump_clock):
    async with watching() as s:
        s.node.history = [entry(n) for n in range(1, 7)]
        await s.node.status(entry(1))
        await s.node.status(entry(6))
        await s.node.say("presence", "offline", retain=True)
        await trio.sleep(3600)
        assert s.node.of("fetch") == []
        await s.node.online()
        await trio.sleep(10)
        assert (await s.events())[-1] == GapHealed(*WHO, 1, 6, at(1), at(6), 0)


async def test_our_own_outage_is_a_gap_too(autojump_clock):
    async with watching() as s:
        s.node.history = [entry(n) for n in range(1, 7)]
        await s.node.status(entry(1), retain=True)
        s.bus.cut()
        for n in range(2, 6):
            await s.node.status(entry(n))
        await s.node.status(entry(6), retain=True)
        s.bus.mend()
        await trio.sleep(5)
        events = await s.events()
        assert [e for e in events if isinstance(e, GapFound)] == [GapFound(*WHO, 1, 6, at(1), at(6))]
        told = [n for e in events if isinstance(e, StatusReceived | HistoryReceived) for n in seqs(e.entries)]
        assert sorted(told) == [1, 2, 3, 4, 5, 6]


async def test_a_node_is_asked_for_one_gap_at_a_time(autojump_clock):
    async with watching() as s:
        s.node.silent = True
        for i in range(9):
            for n in (1, 5):
                await s.node.status(entry(n), stream=f"car.engine/s{i}")
        await trio.sleep(10)
        assert len(s.node.of("fetch")) == 1


async def test_without_healing_a_gap_stays_open(autojump_clock):
    async with watching(heal=False) as s:
        await s.node.status(entry(1))
        await s.node.status(entry(6))
        await trio.sleep(100)
        assert s.node.asked == []
        assert [g.missing for g in s.stream.gaps] == [4]


# ---- bounds


async def test_events_that_nobody_fetches_are_dropped_and_the_picture_is_right(autojump_clock):
    async with watching(bound=3) as s:
        for n in range(1, 11):
            await s.node.status(entry(n))
        assert s.stream.seq == 10
        assert s.watch.dropped == 8
        assert len(await s.events()) == 3


async def test_a_million_attributes_are_not_kept(autojump_clock):
    async with watching() as s:
        for n in range(1, 21):
            await s.node.status(entry(n, **{f"a{n}-{i}": i for i in range(1000)}))
        assert len(s.stream.value_at) == 10_000
        assert s.report.counts["rta_consumer_left_out_total{reason=bound}"] == 10_000


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("status/car.engine/live", b"\xff"),
        ("status/car.engine/live", b"\xa0"),
        ("status/car.engine/live", b"\x00" * 70_000),
        ("channel/car.engine/live", {"state": 5}),
        ("alarm/car.hot", {"entries": 5}),
        ("presence", {"x": 1}),
    ],
)
@pytest.mark.parametrize("retained", [True, False])
async def test_what_is_malformed_is_counted_and_changes_nothing(autojump_clock, topic, payload, retained):
    async def prepare(node: FakeNode) -> None:
        await node.say(topic, payload, retain=True)
        if topic != "presence":
            await node.online()

    async with watching(prepare=prepare if retained else None) as s:
        if not retained:
            await s.node.say(topic, payload)
        await s.node.status(entry(1), stream="car.other")
        assert sum(n for name, n in s.report.counts.items() if name.startswith("rta_malformed_total")) == 1
        assert list(s.watch.nodes[NODE].streams) == [("car.other", "")]


@pytest.mark.parametrize(
    "topic", ["status", "status/car", "status/a.b/c/d", "status/a b.c", "result/a.b", "x", "alarm/a.b/c"]
)
async def test_other_topics_are_left_out(autojump_clock, topic):
    async with watching("+/+/+") as s:
        await s.node.say(topic, {"entries": [entry(1)]})
        assert s.watch.nodes[NODE].streams == {}


async def test_a_watch_that_has_ended_says_so(autojump_clock):
    async with open_consumer(MemoryTopics(), "tmc") as consumer:
        async with consumer.watch(NODE) as watch:
            pass
        with pytest.raises(trio.ClosedResourceError):
            await watch.receive()
        assert [event async for event in watch] == []
