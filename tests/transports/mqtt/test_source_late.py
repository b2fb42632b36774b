"""Every entry once, in the session that is open, however late it comes and by whichever way."""

from __future__ import annotations

import pytest
import trio
from remote_node import BASE, NODE, Node, S, entry, hearing
from rta_transports.memory import MemoryBroker

from rta.rsmp.payload import encode
from rta.wire import SessionState


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def node(broker):
    async with Node(broker).connected() as connected:
        connected.presence("online")
        yield connected


async def test_live_retained_and_replayed_are_one_sample(autojump_clock, broker, node):
    one = entry(1, 1, rpm=800)
    node.status(one, retain=True)
    async with hearing(broker) as heard:
        node.status(one)
        node.replay(one, entry(2, 2, rpm=900), done=True)
        node.status(entry(2, 2, rpm=900))
        await trio.sleep(1)
        assert sorted(heard.samples) == [(1, 800), (2, 900)]


async def test_a_cut_of_our_own_shorter_than_the_grace_leaves_the_session_open(autojump_clock, broker, node):
    async with hearing(broker, grace=60, heal=False) as heard:
        node.status(entry(1, 1, rpm=1))
        await trio.sleep(1)
        heard.bus.cut()
        await trio.sleep(50)
        heard.bus.mend()
        await trio.sleep(1)
        node.replay(entry(2, 2, rpm=2), done=True)
        node.status(entry(52, 3, rpm=3))
        await trio.sleep(1)
        assert len(heard.told.sessions) == 1
        assert sorted(heard.samples) == [(1, 1), (2, 2), (52, 3)]
        assert heard.errors == []


async def test_a_longer_cut_is_an_error_and_what_comes_then_is_in_a_new_session(autojump_clock, broker, node):
    async with hearing(broker, grace=60, heal=False) as heard:
        node.status(entry(1, 1, rpm=1))
        await trio.sleep(1)
        heard.bus.cut()
        await trio.sleep(70)
        assert heard.errors == ["the connection is cut"]
        heard.bus.mend()
        node.replay(entry(2, 2, rpm=2), done=True)
        await trio.sleep(1)
        heard.run()
        await trio.sleep(1)
        assert len(heard.told.sessions) == 2
        assert heard.samples == [(2, 2)], "it was not missed between two runs"


async def test_entries_of_a_long_outage_of_the_node_are_late_samples_of_its_next_session(autojump_clock, broker, node):
    async with hearing(broker, grace=60, heal=False) as heard:
        node.status(entry(1, 1, rpm=1))
        await trio.sleep(1)
        node.bus.cut()
        await trio.sleep(100)
        (first,) = heard.told.sessions.values()
        assert first.state is SessionState.CLOSED
        node.bus.mend()
        node.presence("online")
        node.status(entry(100, 4, rpm=4))
        node.replay(entry(30, 2, rpm=2), entry(60, 3, rpm=3), done=True)
        await trio.sleep(1)
        assert sorted(heard.samples) == [(30, 2), (60, 3), (100, 4)]
        node.presence("shutdown")
        await trio.sleep(1)
        span = list(heard.told.sessions.values())[-1].span
        assert (span.start, span.end) == (BASE + 30 * S, BASE + 100 * S)


async def test_what_is_missing_is_fetched_once(autojump_clock, broker, node):
    async with node.bus.subscribe(f"{NODE}/fetch/#") as fetches, hearing(broker) as heard:
        node.status(entry(1, 1, rpm=1))
        node.status(entry(4, 4, rpm=4))
        await node.answers(fetches, entry(1, 1, rpm=1), entry(2, 2, rpm=2), entry(3, 3, rpm=3))
        await trio.sleep(1)
        assert sorted(heard.samples) == [(1, 1), (2, 2), (3, 3), (4, 4)]


async def test_streams_are_started_at_each_node_that_comes(autojump_clock, broker, node):
    async with (
        node.bus.subscribe("dk/+/throttle/#") as throttle,
        Node(broker, "dk/tlc-2").connected() as other,
        hearing(broker, start=["car.engine/live", "car.fuel"]),
    ):
        other.presence("online")
        with trio.fail_after(10):
            topics = {(await throttle.receive()).topic for _ in range(4)}
    streams = ("car.engine/live", "car.fuel")
    assert topics == {f"{n}/throttle/{s}" for n in (NODE, "dk/tlc-2") for s in streams}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        encode(7),
        encode({"entries": 7}),
        encode({"entries": [7, {}, {"ts": "then", "values": {"rpm": 1}}]}),
        encode({"entries": [{"ts": "9999-12-31T23:59:59Z", "values": {"rpm": 1}, "seq": 1}]}),
    ],
)
async def test_what_cannot_be_read_disturbs_nothing(autojump_clock, broker, node, payload):
    async with hearing(broker, heal=False) as heard:
        for kind in ("status", "replay", "history", "alarm"):
            node.says(f"{kind}/car.engine/live", payload)
        node.status(entry(1, 1, rpm=1))
        await trio.sleep(1)
        assert heard.samples == [(1, 1)]
