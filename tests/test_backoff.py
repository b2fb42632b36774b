"""Pauses between tries: how long they are, whatever a busy machine does."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from rta.backoff import Backoff


async def pauses(backoff: Backoff, count: int) -> list[float]:
    """So many pauses, in seconds."""
    found = []
    for _ in range(count):
        began = trio.current_time()
        await backoff.pause()
        found.append(trio.current_time() - began)
    return found


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (1.0, 1.0)])
async def test_each_pause_is_twice_as_long_up_to_the_longest(
    autojump_clock: MockClock, chance: float, share: float
) -> None:
    backoff = Backoff(0.1, 1.0, lambda: chance)
    steps = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert await pauses(backoff, 6) == pytest.approx([share * step for step in steps])
    backoff.reset()
    assert await pauses(backoff, 1) == pytest.approx([share * 0.1])


async def test_without_other_bounds_a_pause_is_a_second_at_most(autojump_clock: MockClock) -> None:
    """So that a Redis that comes back is read again at once."""
    assert max(await pauses(Backoff(), 30)) <= 1.0
