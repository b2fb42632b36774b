"""`rta streams --node` at a node that is not one of ours: in this process over a memory bus, and at a real broker."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import trio
from foreign_node import NODE, OFFLINE, RUNNING, ForeignNode
from program import PATIENCE
from rta_transports.memory import MemoryTopics
from structlog.testing import capture_logs
from trio.testing import MockClock

from rta.cli.node_streams import NodeStreams
from rta.consumer import open_bus, open_consumer
from rta.errors import RtaError


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[ForeignNode, NodeStreams]]:
    """A node, and what asks it, on one memory bus."""
    bus = MemoryTopics()
    node = ForeignNode(MemoryTopics(broker=bus.broker))
    async with node.serving(), open_consumer(bus, "tmc") as consumer:
        await consumer.connected(1)
        yield node, NodeStreams(consumer, bus, NODE)


async def test_it_is_listed_by_what_it_has_announced(autojump_clock: MockClock) -> None:
    async with asking() as (_, streams):
        began = trio.current_time()
        listed = await streams.list()
        assert trio.current_time() - began < 4
        assert [(s["code"], s["name"], s["state"], s["seq"]) for s in listed] == [
            ("tlc.groups", "live", "stopped", None),
            ("tlc.plan", "", "running", 1),
        ]
        [plan] = await streams.list("tlc.plan", "")
        assert (plan["values"], plan["newest"]) == ({"status": 1}, "2026-11-28T09:00:01.123Z")


async def test_what_it_has_not_announced_is_said_to_be_unknown(autojump_clock: MockClock) -> None:
    async with asking() as (node, streams):
        with pytest.raises(RtaError, match=r"has announced no stream 'tlc.groups/life'; .*tlc.groups/live"):
            await streams.list("tlc.groups", "life")
        elsewhere = NodeStreams(streams._consumer, streams._bus, "nobody")
        with pytest.raises(RtaError, match="nothing is heard of nobody"):
            await elsewhere.list()
        assert node.throttled() == []


async def test_a_start_goes_out_at_once_and_is_acknowledged_by_the_state(autojump_clock: MockClock) -> None:
    async with asking() as (node, streams):
        began = trio.current_time()
        started = await streams.start("tlc.groups", "live", 60.0)
        assert trio.current_time() - began < 4
        assert started["state"] == "running"
        assert node.running["tlc.groups/live"]
        assert dict(node.asked)["throttle/tlc.groups/live"] == b"\xa2\x66action\x65start\x67timeout\x18\x3c"
        assert (await streams.stop("tlc.groups", "live"))["state"] == "stopped"
        assert not node.running["tlc.groups/live"]


async def test_silence_is_success_where_the_stream_is_as_it_was_asked_to_be(autojump_clock: MockClock) -> None:
    async with asking() as (node, streams):
        assert (await streams.start("tlc.plan", ""))["state"] == "running"
        assert (await streams.stop("tlc.groups", "live"))["state"] == "stopped"
        assert len(node.throttled()) == 3  # of an unnamed stream with and without `default`


async def test_an_unnamed_stream_that_is_announced_as_default_can_be_stopped_and_started(
    autojump_clock: MockClock,
) -> None:
    async with asking() as (node, streams):
        assert (await streams.stop("tlc.plan", ""))["state"] == "stopped"
        assert not node.running["tlc.plan"]
        assert (await streams.start("tlc.plan", ""))["state"] == "running"
        assert node.running["tlc.plan"]


async def test_silence_is_no_success_where_the_node_is_away_or_has_no_such_stream(autojump_clock: MockClock) -> None:
    async with asking() as (node, streams):
        with pytest.raises(RtaError, match="has not said within 10 s that the stream is running"):
            await streams.start("tlc.nothing", "live")
        assert node.throttled() == ["throttle/tlc.nothing/live"]
        await node.bus.publish(f"{NODE}/presence", b"\x67offline", retain=True, qos=1)
        with pytest.raises(RtaError, match="says nothing: it is offline"):
            await streams.start("tlc.plan", "")


async def test_it_is_away_also_where_the_broker_tells_that_behind_the_state(autojump_clock: MockClock) -> None:
    bus = MemoryTopics()
    async with open_consumer(bus, "tmc") as consumer:
        await consumer.connected(1)
        await bus.publish(f"{NODE}/channel/tlc.plan/default", RUNNING, retain=True, qos=1)
        await bus.publish(f"{NODE}/presence", OFFLINE, retain=True, qos=1)
        with pytest.raises(RtaError, match="says nothing: it is offline"):
            await NodeStreams(consumer, bus, NODE).start("tlc.plan", "")


class DeafTopics(MemoryTopics):
    """Acknowledges no start and no stop."""

    async def publish(self, topic: str, payload: bytes, **options: Any) -> None:
        if "/throttle/" in topic:
            await trio.sleep_forever()
        await super().publish(topic, payload, **options)


async def test_a_start_that_the_broker_does_not_take_ends(autojump_clock: MockClock) -> None:
    bus = DeafTopics()
    async with open_consumer(bus, "tmc") as consumer:
        await consumer.connected(1)
        await bus.publish(f"{NODE}/channel/tlc.plan", RUNNING, retain=True, qos=1)
        with trio.fail_after(60), pytest.raises(RtaError, match="has not said within 10 s that the stream is running"):
            await NodeStreams(consumer, bus, NODE).start("tlc.plan", "")


async def test_a_node_that_comes_while_it_is_waited_for_is_asked_again(autojump_clock: MockClock) -> None:
    bus = MemoryTopics()
    node = ForeignNode(MemoryTopics(broker=bus.broker))

    async def come() -> None:
        await trio.sleep(3)
        async with node.serving():
            await trio.sleep_forever()

    async with open_consumer(bus, "tmc") as consumer, trio.open_nursery() as nursery:
        await consumer.connected(1)
        nursery.start_soon(come)
        assert (await NodeStreams(consumer, bus, NODE).start("tlc.groups", "live"))["state"] == "running"
        nursery.cancel_scope.cancel()


@contextmanager
def foreign_node(port: int) -> Iterator[ForeignNode]:
    """One that runs in a thread, connected to a broker."""
    up, ends, nodes, tokens = threading.Event(), trio.Event(), [], []

    async def main() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        async with open_bus(port=port) as bus:
            nodes.append(ForeignNode(bus))
            async with nodes[0].serving():
                up.set()
                await ends.wait()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    try:
        assert up.wait(PATIENCE)
        yield nodes[0]
    finally:
        trio.from_thread.run_sync(ends.set, trio_token=tokens[0])
        thread.join()


def test_all_of_it_from_the_command_line(command: Callable[..., Any], own_mosquitto: Any) -> None:
    def ask(*arguments: str) -> Any:
        return command("streams", "--node", NODE, "--broker", f"127.0.0.1:{own_mosquitto.port}", *arguments)

    with capture_logs(), foreign_node(own_mosquitto.port) as node:
        head, *rows = [line.split() for line in ask().out.splitlines()]
        assert head == ["status", "stream", "state", "seq", "newest"]
        assert rows[0] == ["tlc.groups", "live", "stopped"]
        assert rows[1][:3] == ["tlc.plan", "running", "1"]
        shown = ask("show", "tlc.plan").out
        assert "It runs. Its node does not say since when, why, and what ends it." in shown
        assert "status = 1" in shown
        started = ask("start", "tlc.groups/live", "--timeout", "10m")
        assert (started.status, node.running["tlc.groups/live"]) == (0, True)
        assert started.out.startswith("tlc.groups/live: It runs.")
        assert ask("stop", "tlc.groups/live").out == "tlc.groups/live: It is stopped. Its node does not say why.\n"
        assert not node.running["tlc.groups/live"]
        assert ask("stop", "tlc.plan").status == 0
        assert not node.running["tlc.plan"]
        refused = ask("edit", "tlc.groups/live", "--set", "prune.timeout=1h")
        assert (refused.status, "does not say what its settings are" in refused.err) == (1, True)
        assert "The node is" not in shown + ask().err


def test_a_list_of_what_a_node_had_announced_says_that_it_is_away(
    command: Callable[..., Any], own_mosquitto: Any
) -> None:
    async def go_away() -> None:
        async with open_bus(port=own_mosquitto.port) as bus, bus.connect(NODE, None):
            await bus.link()
            await bus.publish(f"{NODE}/presence", OFFLINE, retain=True, qos=1)

    with capture_logs():
        with foreign_node(own_mosquitto.port):
            pass
        trio.run(go_away)
    asked = ("streams", "--node", NODE, "--broker", f"127.0.0.1:{own_mosquitto.port}")
    listed = command(*asked)
    assert listed.err == "The node is offline: this is what it had announced before.\n"
    assert "tlc.plan" in listed.out
    assert "The node is offline" in command(*asked, "show", "tlc.plan").out
