"""What a reader of Redis has put for a follower is sent on before Redis is asked for more; nobody waits for nothing."""

from __future__ import annotations

import trio
from rta_transports.redis.tail import ReadEntries, RedisTail
from trio.testing import wait_all_tasks_blocked

from rta.ports import START, Batch, Entry, Position
from rta.wire import make_burst


async def complete(stream: str, entry: object) -> Entry:
    assert isinstance(entry, Entry)
    return entry


def entry(number: int) -> ReadEntries:
    position = Position(number, 0)
    return ReadEntries([Entry(position, 1, make_burst([]))], position)


async def test_a_follower_that_waits_has_its_step_before_the_next_reading() -> None:
    tail, order = RedisTail("s", START, complete), []

    async def follow() -> None:
        await tail.next()
        order.append("sent")
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await wait_all_tasks_blocked()
        tail.put(entry(1), 1)
        with trio.fail_after(50):
            await tail.taken()
        order.append("asked")
        nursery.cancel_scope.cancel()
    assert order == ["sent", "asked"]


async def test_a_follower_that_has_taken_all_and_waits_again_is_not_waited_for() -> None:
    tail, batches = RedisTail("s", START, complete), list[Batch]()

    async def follow() -> None:
        while True:
            batches.append(await tail.next())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await wait_all_tasks_blocked()
        for number in (1, 2):
            tail.put(entry(number), 1)
            await wait_all_tasks_blocked()
            with trio.fail_after(50):
                await tail.taken()
        nursery.cancel_scope.cancel()
    assert [batch.position for batch in batches] == [Position(1, 0), Position(2, 0)]


async def test_a_follower_that_is_busy_is_not_waited_for() -> None:
    tail = RedisTail("s", START, complete)
    tail.put(entry(1), 1)
    with trio.fail_after(50):
        await tail.taken()


async def test_a_follower_that_is_cancelled_meanwhile_lets_the_reader_go_on() -> None:
    tail = RedisTail("s", START, complete)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tail.next)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        tail.put(entry(1), 1)
        with trio.CancelScope(shield=True), trio.fail_after(50):
            await tail.taken()
