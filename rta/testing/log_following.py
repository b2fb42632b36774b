"""Contract of a log: what a follower gets, from wherever it starts and however it is interrupted."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from rta.errors import NotConnectedError
from rta.ports import START, Batch, BurstLog, SessionRecord, Tail
from rta.testing.bursts import large_burst, numbered_burst
from rta.testing.log_under_test import LogUnderTest, numbers
from rta.testing.patience import until, within

__all__ = ["FollowChecks"]


class FollowChecks(LogUnderTest):
    """`follow` and `Tail.next`."""

    async def test_following_from_the_start_gives_everything_there_is(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(5))
            async with self.follow(log, "s", START) as follower:
                assert numbers(await follower.reach(positions[-1])) == [0, 1, 2, 3, 4]

    async def test_following_from_the_middle_gives_what_is_behind_it(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(5))
            async with self.follow(log, "s", positions[2]) as follower:
                assert numbers(await follower.reach(positions[-1])) == [3, 4]

    async def test_following_from_the_head_gives_only_what_comes(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(5))
            async with self.follow(other, "s", await other.head("s")) as follower:
                positions = await self.append_numbers(log, session, [5, 6])
                assert numbers(await follower.reach(positions[-1])) == [5, 6]

    async def test_following_goes_over_from_what_there_is_to_what_comes(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            async with self.follow(log, "s", START) as follower:
                for i in range(3, 10):
                    position = await log.append(session, numbered_burst(i))
                    await follower.reach(position)
                assert numbers(follower.entries) == list(range(10))

    async def test_a_stream_can_be_followed_before_it_has_entries(self) -> None:
        async with (
            self.open_log() as log,
            self.open_again(log) as other,
            self.follow(other, "s", START) as follower,
        ):
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(3))
            assert numbers(await follower.reach(positions[-1])) == [0, 1, 2]

    async def test_next_waits_until_something_is_appended(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            batches: list[Batch] = []

            async def take_one() -> None:
                batches.append(await follower.next())

            async with self.follow(other, "s", START) as follower:
                with within(self.patience, "an entry that has been appended"):
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(take_one)
                        await wait_all_tasks_blocked()
                        assert batches == []
                        await log.append(session, numbered_burst(1))
                assert numbers(batches[0].entries) == [1]

    async def test_a_follower_has_only_its_own_stream(self) -> None:
        async with self.open_log() as log:
            (here, there) = [await log.open_session(i, i) for i in ("here", "there")]
            async with self.follow(log, "here", START) as follower:
                await self.append_numbers(log, there, range(100, 103))
                await self.append_numbers(log, here, range(2))
                await self.append_numbers(log, there, range(103, 106))
                position = await log.append(here, numbered_burst(2))
                assert numbers(await follower.reach(position)) == [0, 1, 2]

    async def test_a_follower_can_tell_sessions_apart(self) -> None:
        async with self.open_log() as log:
            sessions = [await log.open_session(i, "s") for i in ("a", "b")]
            async with self.follow(log, "s", START) as follower:
                for i in range(6):
                    position = await log.append(sessions[i % 2], numbered_burst(i))
                entries = await follower.reach(position)
                assert [e.session_id for e in entries] == [s.stream_session_id for s in sessions] * 3

    async def test_every_follower_gets_everything(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            (middle, *_) = await self.append_numbers(log, session, range(2))
            async with (
                self.follow(log, "s", START) as one,
                self.follow(log, "s", START) as two,
                self.follow(other, "s", middle) as three,
            ):
                last = (await self.append_numbers(log, session, range(2, 20)))[-1]
                async with trio.open_nursery() as nursery:
                    for follower in (one, two, three):
                        nursery.start_soon(follower.reach, last)
                assert [numbers(f.entries) for f in (one, two, three)] == [
                    list(range(20)),
                    list(range(20)),
                    list(range(1, 20)),
                ]

    async def test_a_follower_that_does_not_read_holds_up_nobody(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            async with self.follow(log, "s", START) as idle, self.follow(log, "s", START) as busy:
                with within(self.patience, "appending beside a follower that does not read"):
                    positions = await self.append_numbers(log, session, range(300))
                assert numbers(await busy.reach(positions[-1])) == list(range(300))
                assert numbers(await idle.reach(positions[-1])) == list(range(300))

    async def test_a_follower_that_leaves_disturbs_nobody(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            async with self.follow(log, "s", START) as stays:
                async with self.follow(log, "s", START) as leaves:
                    await leaves.reach(await log.append(session, numbered_burst(0)))
                position = await log.append(session, numbered_burst(1))
                assert numbers(await stays.reach(position)) == [0, 1]

    async def test_a_follower_gets_bursts_as_large_as_the_limit(self) -> None:
        burst = large_burst(self.limits.burst)
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            async with self.follow(log, "s", START) as follower:
                for _ in range(3):
                    position = await log.append(session, burst)
                assert [e.burst.packed for e in await follower.reach(position)] == [burst.packed] * 3

    async def test_a_next_cancelled_while_it_waits_loses_nothing(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            async with self.follow(other, "s", START) as follower:
                for i in range(3):
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(follower.next)
                        await wait_all_tasks_blocked()
                        nursery.cancel_scope.cancel()
                    await follower.reach(await log.append(session, numbered_burst(i)))
                assert numbers(follower.entries) == [0, 1, 2]

    async def test_a_next_cancelled_at_any_moment_loses_nothing(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            async with self.follow(other, "s", START) as follower:
                # Who comes first in a turn of Trio's loop is chance: each moment often enough to hit it for certain.
                for i in range(300):
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(follower.next)
                        await _checkpoints(i % 6)
                        position = await log.append(session, numbered_burst(i))
                        await _checkpoints(i // 6 % 10)
                        nursery.cancel_scope.cancel()
                assert numbers(await follower.reach(position)) == list(range(300))

    async def test_reading_up_to_the_head_and_following_from_there_gives_everything_once(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            written: list[int] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, log, session, written)
                for started in range(4):
                    due = 10 * started
                    await until(lambda due=due: len(written) >= due, self.patience, "the writer")  # type: ignore[misc]
                    head = await other.head("s")
                    behind = await other.read("s", START, head, 64 << 20)
                    async with self.follow(other, "s", head) as follower:
                        with within(self.patience, "the rest"):
                            while len(behind.entries) + len(follower.entries) < 60:
                                await follower.next()
                        assert numbers(behind.entries + follower.entries) == list(range(60))

    async def test_a_follower_goes_on_from_the_same_place_after_an_outage(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            async with log.follow(session.stream, START) as tail:
                outage = self.outage(log)
                if outage is None:
                    return
                await log.append(session, numbered_burst(0))
                got = numbers((await tail.next()).entries)
                await log.append(session, numbered_burst(1))
                async with outage, trio.open_nursery() as nursery:
                    nursery.start_soon(_fail_or_wait, tail, got)
                    await wait_all_tasks_blocked(0.01)
                    nursery.cancel_scope.cancel()
                await log.append(session, numbered_burst(2))
                with within(self.patience, "entries behind an outage"):
                    while len(got) < 3:
                        try:
                            got += numbers((await tail.next()).entries)
                        except NotConnectedError:
                            await trio.sleep(0.01)
                assert got == [0, 1, 2]

    async def test_an_append_that_an_outage_made_fail_can_be_tried_again(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            outage = self.outage(log)
            if outage is None:
                return
            async with outage:
                try:
                    await log.append(session, numbered_burst(1))
                except NotConnectedError:
                    failed = True
                else:
                    failed = False
            assert failed, "an append during the outage did not raise NotConnectedError"
            with within(self.patience, "the end of the outage"):
                while failed:
                    try:
                        await log.append(session, numbered_burst(1))
                    except NotConnectedError:
                        await trio.sleep(0.01)
                    else:
                        failed = False
            assert numbers(await self.everything(log, "s")) == [1]


async def _checkpoints(count: int) -> None:
    for _ in range(count):
        await trio.lowlevel.checkpoint()


async def _write(log: BurstLog, session: SessionRecord, written: list[int]) -> None:
    for i in range(60):
        await log.append(session, numbered_burst(i))
        written.append(i)


async def _fail_or_wait(tail: Tail, got: list[int]) -> None:
    """A log that reads ahead may have something left to give."""
    try:
        while True:
            got += numbers((await tail.next()).entries)
    except NotConnectedError:
        return
