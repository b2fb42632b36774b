"""How long one client may keep us waiting."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from rta_transports.websocket.patience import Patience


@pytest.fixture
def autojump(autojump_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    return autojump_clock


async def wait(patience: Patience, seconds: float, count: int = 0) -> bool:
    """Whether there was patience for a wait, which brought so many bytes."""
    with patience.limit() as scope:
        await trio.sleep(seconds)
        patience.add(count)
    return not scope.cancelled_caught


async def test_there_is_a_while_that_costs_nothing(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=100, once=60)
    assert await wait(patience, 9)
    assert not await wait(patience, 2)


async def test_what_trickles_does_not_keep_it_up(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=100, once=60)
    began, waits = trio.current_time(), 0
    while await wait(patience, 2, 1):
        waits += 1
    assert waits == 5
    assert trio.current_time() - began < 11


async def test_what_comes_in_time_keeps_it_up(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=100, once=60)
    for _ in range(1000):
        assert await wait(patience, 5, 500)


async def test_a_single_wait_is_bounded_whatever_has_come_before(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=1, once=60)
    assert await wait(patience, 1, 1_000_000)
    assert await wait(patience, 59)
    assert not await wait(patience, 61)


async def test_all_waits_together_are_bounded(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=1, once=60, in_all=100)
    patience.add(1000)
    assert [await wait(patience, 30) for _ in range(4)] == [True, True, True, False]


async def test_time_between_waits_is_not_the_clients(autojump: trio.testing.MockClock) -> None:
    patience = Patience(grace=10, rate=1, once=60)
    await trio.sleep(1000)
    assert await wait(patience, 9)
