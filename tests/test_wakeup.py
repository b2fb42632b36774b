"""Waking a task that waits for something to do."""

import pytest
import trio
import trio.testing

from rta.wakeup import Wakeup


async def returns_at_once(wakeup: Wakeup) -> bool:
    with trio.move_on_after(0) as scope:
        await wakeup.wait()
    return not scope.cancelled_caught


async def test_a_set_that_nobody_waits_for_is_kept():
    wakeup = Wakeup()
    wakeup.set()
    with trio.testing.assert_checkpoints():
        await wakeup.wait()


async def test_any_number_of_sets_are_one(autojump_clock: trio.testing.MockClock):
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    await wakeup.wait()
    with trio.move_on_after(1) as scope:
        await wakeup.wait()
    assert scope.cancelled_caught


async def test_a_cancelled_wait_takes_nothing_away(autojump_clock: trio.testing.MockClock):
    wakeup = Wakeup()
    with trio.CancelScope() as scope:
        wakeup.set()
        scope.cancel()
        await wakeup.wait()
    assert scope.cancelled_caught
    await wakeup.wait()


@pytest.mark.parametrize("waiting", [1, 2, 5])
async def test_all_who_wait_are_woken(waiting: int):
    wakeup, woken = Wakeup(), []

    async def wait() -> None:
        await wakeup.wait()
        woken.append(1)

    async with trio.open_nursery() as nursery:
        for _ in range(waiting):
            nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        wakeup.set()
    assert len(woken) == waiting


async def test_a_set_between_waking_and_running_on_is_not_lost_to_those_who_were_first():
    wakeup, turns = Wakeup(), []

    async def work() -> None:
        for _ in range(2):
            await wakeup.wait()
            turns.append(len(turns))
            if len(turns) == 1:
                wakeup.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await trio.testing.wait_all_tasks_blocked()
        wakeup.set()
    assert turns == [0, 1]


async def test_what_is_cleared_wakes_nobody(autojump_clock: trio.testing.MockClock):
    wakeup = Wakeup()
    wakeup.set()
    wakeup.clear()
    with trio.move_on_after(1) as scope:
        await wakeup.wait()
    assert scope.cancelled_caught


async def test_who_has_been_woken_is_not_held_back_by_a_clear():
    wakeup = Wakeup()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wakeup.wait)
        await trio.testing.wait_all_tasks_blocked()
        wakeup.set()
        wakeup.clear()
