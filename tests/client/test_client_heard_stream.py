"""A connection on which nothing is heard any more is given up; one on which something is heard is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from trio.testing import MockClock, memory_stream_pair

from rta.client.heard_stream import HeardStream


class Scene:
    """A stream whose reader reads all the time, what it has asked for, and the other end."""

    def __init__(self) -> None:
        ours, self.other = memory_stream_pair()
        self.stream = HeardStream(ours, 30.0)
        self.pinged_at: list[float] = []
        self.began = trio.current_time()
        self.ended_at: float | None = None

    @property
    def now(self) -> float:
        return trio.current_time() - self.began

    async def ping(self) -> None:
        self.pinged_at.append(self.now)
        await trio.sleep_forever()

    async def read(self) -> None:
        with suppress(trio.ClosedResourceError):
            while True:
                await self.stream.receive_some()
        self.ended_at = self.now


@asynccontextmanager
async def playing() -> AsyncIterator[Scene]:
    scene = Scene()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.read)
        nursery.start_soon(scene.stream.give_up_when_silent, scene.ping)
        yield scene
        nursery.cancel_scope.cancel()


async def test_a_silent_one_is_asked_once_and_then_given_up(autojump_clock: MockClock) -> None:
    async with playing() as scene:
        await trio.sleep(100)
    assert (scene.pinged_at, scene.ended_at, scene.stream.given_up) == ([15], 30, True)


async def test_time_counts_from_the_last_byte(autojump_clock: MockClock) -> None:
    async with playing() as scene:
        for _ in range(100):
            await trio.sleep(14)
            await scene.other.send_all(b".")
        assert scene.pinged_at == []
        await trio.sleep(100)
    assert (scene.pinged_at, scene.ended_at) == ([1415], 1430)


async def test_whoever_answers_is_there(autojump_clock: MockClock) -> None:
    async with playing() as scene:
        for _ in range(100):
            await trio.sleep(29)
            await scene.other.send_all(b".")
        assert (len(scene.pinged_at), scene.stream.given_up) == (100, False)


async def test_a_reader_that_is_busy_does_not_hear_and_is_not_taken_for_silence(autojump_clock: MockClock) -> None:
    scene = Scene()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.stream.give_up_when_silent, scene.ping)
        await trio.sleep(1000)
        assert (scene.pinged_at, scene.stream.given_up) == ([], False)
        nursery.start_soon(scene.read)
        await trio.sleep(29)
        assert not scene.stream.given_up
        await trio.sleep(2)
        assert scene.stream.given_up


async def test_who_was_stopped_meanwhile_asks_before_it_gives_up(mock_clock: MockClock) -> None:
    async with playing() as scene:
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(500)
        await trio.testing.wait_all_tasks_blocked()
        assert (len(scene.pinged_at), scene.stream.given_up) == (1, False)
        mock_clock.jump(15)
        await trio.testing.wait_all_tasks_blocked()
        assert scene.stream.given_up
