"""A node may publish what it likes, and whoever takes it may be slow: memory stays bounded, and the rest goes on."""

from __future__ import annotations

import trio
from remote_node import Node, entry, listening
from rta_transports.memory import MemoryBroker, MemoryTopics
from told import Told

from rta.ports import SourceUpdate

LONG = "x" * 60_000


async def test_where_nobody_takes_it_we_stop_listening_and_lose_nothing_of_a_short_stop(autojump_clock):
    broker = MemoryBroker()
    bus, told = MemoryTopics(broker=broker), Told()
    async with Node(broker).connected() as node, listening(bus) as (source, _), trio.open_nursery() as nursery:
        send, receive = trio.open_memory_channel[SourceUpdate](0)
        nursery.start_soon(source.run, send)
        node.presence("online")
        await trio.sleep(1)
        for i in range(200):
            node.status(entry(i, i + 1, mode=f"{i} {LONG}"))
            await trio.sleep(0.001)
        await trio.sleep(10)
        assert source.waiting <= 17 << 20
        while True:
            with trio.move_on_after(5) as patience:
                told.take(await receive.receive())
            if patience.cancelled_caught:
                break
        (events,) = told.events.values()
        assert [int(text.split()[0]) for *_, text in events] == list(range(200))
        nursery.cancel_scope.cancel()


async def test_channels_over_the_bound_are_counted_and_the_first_ones_go_on(autojump_clock):
    broker = MemoryBroker()
    bus, told = MemoryTopics(broker=broker), Told()
    async with (
        Node(broker).connected() as node,
        listening(bus, max_channels=10) as (source, metrics),
        trio.open_nursery() as nursery,
    ):
        send, receive = trio.open_memory_channel[SourceUpdate](1000)
        nursery.start_soon(source.run, send)
        node.presence("online")
        await trio.sleep(1)
        for i in range(20):
            node.status(entry(i, i + 1, rpm=i, **{f"a{i}_{j}": j for j in range(100)}))
        await trio.sleep(30)
        while receive.statistics().current_buffer_used:
            told.take(receive.receive_nowait())
        (samples,) = told.samples.values()
        assert len(samples) == 10
        assert [v for _, v in samples["rpm:car.engine.live"]] == list(range(20))
        assert metrics.registry.get_sample_value("rta_malformed_total", {"kind": "channels"}) == 20 * 100 - 9
        nursery.cancel_scope.cancel()
