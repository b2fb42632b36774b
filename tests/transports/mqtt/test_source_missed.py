"""Events that a busy source had to leave out: who is there is known from the picture all the same."""

from __future__ import annotations

import trio
from remote_node import Node, entry, listening
from rta_transports.memory import MemoryBroker, MemoryTopics
from told import Told

from rta.ports import SourceUpdate
from rta.wire import SessionState

LONG = "x" * 60_000


async def test_nodes_that_come_and_go_while_nobody_takes_it_are_seen_later(autojump_clock):
    broker = MemoryBroker()
    bus, told = MemoryTopics(broker=broker), Told()
    throttled = list[str]()

    async def hear(*, task_status: trio.TaskStatus[None]) -> None:
        ear = MemoryTopics(broker=broker)
        async with ear.connect("ear"), ear.subscribe("+/+/throttle/#") as subscription:
            task_status.started()
            while True:
                throttled.append((await subscription.receive()).topic)

    async with (
        Node(broker).connected() as loud,
        Node(broker, "dk/comes").connected() as comes,
        Node(broker, "dk/goes").connected() as goes,
        listening(bus, heal=False, start=["car.engine/live"]) as (source, _),
        trio.open_nursery() as nursery,
    ):
        await nursery.start(hear)
        send, receive = trio.open_memory_channel[SourceUpdate](0)
        nursery.start_soon(source.run, send)
        loud.presence("online")
        goes.presence("online")
        with trio.move_on_after(5):
            while True:
                told.take(await receive.receive())
        assert len(told.sessions) == 2
        for i in range(200):
            loud.status(entry(i, i + 1, mode=f"{i} {LONG}"))
            await trio.sleep(0.001)
        for i in range(200, 4800):
            loud.status(entry(i, i + 1, rpm=i))
            if not i % 100:
                await trio.sleep(0.001)
        comes.presence("online")
        goes.presence("shutdown")
        await trio.sleep(1)
        while True:
            with trio.move_on_after(20) as patience:
                told.take(await receive.receive())
            if patience.cancelled_caught:
                break
        states = {session.identifier: session.state for session in told.sessions.values()}
        assert states == {
            "dk/tlc-1": SessionState.OPEN,
            "dk/comes": SessionState.OPEN,
            "dk/goes": SessionState.CLOSED,
        }
        assert "dk/comes/throttle/car.engine/live" in throttled
        nursery.cancel_scope.cancel()
