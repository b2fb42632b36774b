"""What runs beside a block is there until the block has ended, whatever ends it."""

from __future__ import annotations

import pytest
import trio
from cancelling import cancel_at_every_step

from rta.background import in_background, started_in_background


class Service:
    """Notes what becomes of it."""

    def __init__(self, fails: BaseException | None = None):
        self.notes: list[str] = []
        self.fails = fails
        self.to_fail = trio.Event()

    async def run(self, *, task_status=trio.TASK_STATUS_IGNORED):
        self.notes.append("begins")
        task_status.started("served")
        try:
            await self.to_fail.wait()
            assert self.fails is not None
            raise self.fails
        except trio.Cancelled:
            self.notes.append("cancelled")
            raise


async def test_it_gives_what_it_is_started_with_and_ends_behind_the_block():
    service = Service()
    async with started_in_background(service.run) as value:
        service.notes.append(value)
    assert service.notes == ["begins", "served", "cancelled"]


async def test_it_serves_while_a_cancelled_block_comes_to_its_end():
    service = Service()
    with trio.CancelScope() as scope:
        async with started_in_background(service.run):
            scope.cancel()
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.testing.wait_all_tasks_blocked()
                service.notes.append("the block has ended")
    assert scope.cancelled_caught
    assert service.notes == ["begins", "the block has ended", "cancelled"]


async def test_it_hangs_nowhere():
    async def use():
        async with started_in_background(Service().run):
            await trio.lowlevel.checkpoint()

    assert await cancel_at_every_step(use) > 2


async def test_an_error_of_the_block_comes_as_it_is():
    cause, error = ValueError("why"), KeyError("what")
    with pytest.raises(KeyError) as caught:
        async with started_in_background(Service().run):
            raise error from cause
    assert caught.value is error
    assert error.__cause__ is cause


async def test_an_error_of_the_service_cancels_the_block_and_comes_as_it_is():
    service = Service(fails=KeyError("service"))
    with pytest.raises(KeyError, match="service"):  # noqa: PT012
        async with started_in_background(service.run):
            service.to_fail.set()
            await trio.sleep_forever()


async def test_errors_of_both_come_in_a_group():
    service = Service(fails=KeyError("service"))
    with pytest.RaisesGroup(KeyError, ValueError):
        async with started_in_background(service.run):
            service.to_fail.set()
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("block")


async def test_an_error_before_it_is_started_comes_as_it_is():
    async def serve(*, task_status):
        await trio.lowlevel.checkpoint()
        raise KeyError("too early")

    with pytest.raises(KeyError, match="too early"):
        async with started_in_background(serve):
            pytest.fail("there is nothing to use")


async def test_one_that_ends_without_having_started_is_a_mistake():
    async def serve(*, task_status):
        await trio.lowlevel.checkpoint()

    with pytest.raises(RuntimeError, match="ended before it was started"):
        async with started_in_background(serve):
            pytest.fail("there is nothing to use")


async def test_a_task_that_nobody_waits_for_may_end_before_the_block():
    ended = trio.Event()

    async def end():
        ended.set()

    async with in_background(end):
        await ended.wait()
        await trio.testing.wait_all_tasks_blocked()
