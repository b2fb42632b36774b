"""What a source tells of the nodes that it follows. Source: docs/remote.md, "Over HTTP"."""

from __future__ import annotations

import pytest
import trio
from remote_node import BASE, NODE, Node, S, entry, hearing
from rta_transports.memory import MemoryBroker

from rta.ports import FollowedNode, FollowedStream, NodeFollower, OpenGap


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def node(broker):
    async with Node(broker).connected() as connected:
        connected.presence("online")
        yield connected


def only(heard) -> FollowedNode:
    (found,) = heard.source.followed()
    return found


def stream(heard) -> FollowedStream:
    (found,) = only(heard).streams
    return found


async def test_a_node_is_told_with_its_presence_and_session(autojump_clock, broker, node):
    async with hearing(broker, heal=False) as heard:
        assert isinstance(heard.source, NodeFollower)
        await trio.sleep(1)
        first = only(heard)
        assert (first.id, first.presence, first.retained, first.heals) == (NODE, "online", True, False)
        assert [first.session] == list(heard.told.sessions)
        assert first.since is not None
        assert first.since >= BASE
        node.presence("shutdown")
        await trio.sleep(1)
        assert (only(heard).presence, only(heard).session, only(heard).retained) == ("shutdown", None, False)
        node.presence("asleep")
        await trio.sleep(1)
        assert only(heard).presence == "offline"


async def test_a_node_that_is_named_and_has_said_nothing_is_unknown(autojump_clock, broker):
    async with hearing(broker, nodes=["dk/+", "dk/silent"]) as heard:
        assert only(heard) == FollowedNode("dk/silent", "unknown", None, False, None, True, ())


async def test_without_a_connection_nobody_knows_who_is_there(autojump_clock, broker, node):
    async with hearing(broker) as heard:
        heard.bus.cut()
        await trio.sleep(1)
        assert (only(heard).presence, only(heard).since) == ("unknown", None)
        heard.bus.mend()
        await trio.sleep(1)
        assert only(heard).presence == "online"


async def test_a_stream_is_told_with_its_newest_entry(autojump_clock, broker, node):
    async with hearing(broker) as heard:
        node.says("channel/car.engine/live", {"state": "running"}, retain=True)
        node.status(entry(1, 1, rpm=1), entry(2, 2, rpm=2))
        node.status(entry(2, 2, rpm=2))
        await trio.sleep(1)
        found = stream(heard)
        assert (found.code, found.name, found.state) == ("car.engine", "live", "running")
        assert (found.ts, found.seq, found.entries) == (BASE + 2 * S, 2, 2)
        assert (found.gaps, found.healed, found.given_up, found.lost) == ((), 0, 0, 0)


async def test_a_gap_is_open_then_filled(autojump_clock, broker, node):
    async with hearing(broker, heal=False) as heard:
        node.status(entry(1, 1, rpm=1), entry(5, 5, rpm=5))
        await trio.sleep(1)
        assert stream(heard).gaps == (OpenGap(1, 5, BASE + S, BASE + 5 * S, 3),)
        node.replay(entry(2, 2, rpm=2), entry(3, 3, rpm=3))
        await trio.sleep(1)
        assert [gap.missing for gap in stream(heard).gaps] == [1]
        assert stream(heard).replaying
        node.replay(entry(4, 4, rpm=4), done=True)
        await trio.sleep(1)
        found = stream(heard)
        assert (found.gaps, found.healed, found.given_up, found.lost) == ((), 1, 0, 0)
        assert not found.replaying


async def test_a_gap_whose_entries_nobody_has_is_given_up(autojump_clock, broker, node):
    async with hearing(broker, heal=True) as heard, node.bus.subscribe(f"{NODE}/fetch/#") as fetches:
        node.status(entry(1, 1, rpm=1), entry(5, 5, rpm=5))
        await node.answers(fetches, entry(1, 1, rpm=1), entry(2, 2, rpm=2), entry(5, 5, rpm=5))
        await trio.sleep(1)
        found = stream(heard)
        assert (found.gaps, found.healed, found.given_up, found.lost) == ((), 0, 1, 2)
