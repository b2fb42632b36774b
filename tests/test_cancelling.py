"""The tool that cancels at every step finds what hangs, and lets pass what does not."""

from __future__ import annotations

import pytest
import trio
from cancelling import cancel_at_every_step


async def test_it_counts_what_it_has_cancelled():
    ended: list[int] = []

    async def three_steps():
        steps = 0
        try:
            while steps < 3:
                await trio.lowlevel.checkpoint()
                steps += 1
        finally:
            ended.append(steps)

    assert await cancel_at_every_step(three_steps) == 3
    assert ended == [0, 1, 2, 3]


async def test_it_also_cancels_while_only_another_task_goes_on():
    async def other():
        for _ in range(5):
            await trio.lowlevel.checkpoint()

    async def wait_for_it():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)

    assert await cancel_at_every_step(wait_for_it) > 5


async def test_what_hangs_is_found_with_the_place_and_ended():
    async def shielded_at_its_end():
        try:
            await trio.lowlevel.checkpoint()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep_forever()

    with pytest.raises(AssertionError, match=r"(?s)behind step 1, .*in shielded_at_its_end"):
        await cancel_at_every_step(shielded_at_its_end, patience=0.05)


async def test_a_service_that_shields_itself_before_it_is_started_is_found():
    async def serve(*, task_status):
        with trio.CancelScope(shield=True):
            task_status.started()
            await trio.sleep_forever()

    async def start():
        async with trio.open_nursery() as nursery:
            await nursery.start(serve)

    with pytest.raises(AssertionError, match="in serve"):
        await cancel_at_every_step(start, patience=0.5)


async def test_errors_of_the_attempt_are_not_hidden():
    async def fail():
        await trio.lowlevel.checkpoint()
        raise KeyError

    with pytest.raises(KeyError):
        await cancel_at_every_step(fail)
