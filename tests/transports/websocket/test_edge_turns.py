"""Few go on in one turn of the event loop."""

from __future__ import annotations

from collections import Counter

import pytest
import trio
import trio.testing
from rta_transports.websocket.turns import Turns


@pytest.mark.parametrize("at_once", [1, 4])
async def test_few_go_on_in_one_turn_and_nobody_is_left_out(at_once: int) -> None:
    turns, found, now = Turns(at_once), Counter[int](), 0

    async def visit() -> None:
        for _ in range(3):
            await turns.next()
            found[now] += 1

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(visit)
        while found.total() < 60:
            await trio.lowlevel.checkpoint()
            now += 1
    assert max(found.values()) <= at_once


async def test_who_is_cancelled_takes_no_turn_away() -> None:
    turns = Turns(1)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(turns.next)
        await trio.testing.wait_all_tasks_blocked(0)
        nursery.cancel_scope.cancel()
    with trio.testing.assert_checkpoints():
        await turns.next()
