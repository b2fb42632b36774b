"""What waits for one subscriber."""

from __future__ import annotations

import trio
import trio.testing

from rta.ports import SubscriptionQueue, TopicMessage


def put(queue, *payloads, retained=False):
    for payload in payloads:
        queue.put(TopicMessage("a", payload, retained))


async def received(queue, count):
    return [(await queue.receive()).payload for _ in range(count)]


async def test_receivers_share_what_comes():
    queue = SubscriptionQueue(10)
    got = []

    async def receive_one():
        got.extend(await received(queue, 1))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(receive_one)
        await trio.testing.wait_all_tasks_blocked()
        put(queue, b"0", b"1", b"2")
    assert sorted(got) == [b"0", b"1", b"2"]


async def test_over_the_bound_the_newest_is_dropped_and_what_is_retained_does_not_count():
    queue = SubscriptionQueue(2, retained_bound=1)
    put(queue, b"kept", b"kept too", retained=True)
    put(queue, b"0", b"1", b"2")
    assert queue.dropped == 2
    assert await received(queue, 3) == [b"kept", b"0", b"1"]


async def test_retained_messages_that_nobody_has_received_are_superseded():
    queue = SubscriptionQueue(2, retained_bound=1)
    put(queue, b"old", retained=True)
    put(queue, b"0")
    queue.begin_anew()
    put(queue, b"new", retained=True)
    assert await received(queue, 2) == [b"0", b"new"]
