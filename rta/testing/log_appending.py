"""Contract of a log: positions, arrival times, and what an append does to the session's record."""

from __future__ import annotations

from itertools import pairwise

import trio

from rta.ports import START, BurstLog, SessionRecord
from rta.testing.bursts import MOMENT, event_burst, json_burst, numbered_burst, range_burst, session_json
from rta.testing.log_under_test import LogUnderTest, numbers
from rta.testing.patience import until
from rta.wire import Burst, TimeRange

__all__ = ["AppendChecks"]


class AppendChecks(LogUnderTest):
    """`append`, `head`, `now`."""

    async def record_after(self, log: BurstLog, *bursts: Burst) -> SessionRecord:
        """The record of a new session once these have been appended."""
        session = await log.open_session("a", "s")
        for burst in bursts:
            await log.append(session, burst)
        found = await log.find("a")
        assert found is not None
        return found

    async def test_positions_of_a_stream_only_grow(self) -> None:
        async with self.open_log() as log:
            sessions = [await log.open_session(i, "s") for i in ("a", "b")]
            positions = [START]
            for i in range(40):
                positions.append(await log.append(sessions[i % 2], numbered_burst(i)))
            assert all(a < b for a, b in pairwise(positions))

    async def test_append_gives_the_position_that_readers_see(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(5))
            assert [e.position for e in await self.everything(log, "s")] == positions

    async def test_appends_at_the_same_time_are_each_kept_once(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            where = {}

            async def write(by: BurstLog, identity: str, first: int) -> None:
                session = await by.open_session(identity, "s")
                for i in range(first, first + 20):
                    where[await by.append(session, numbered_burst(i))] = i

            async with trio.open_nursery() as nursery:
                nursery.start_soon(write, log, "a", 0)
                nursery.start_soon(write, log, "b", 20)
                nursery.start_soon(write, other, "c", 40)
            entries = await self.everything(log, "s")
            assert dict(zip([e.position for e in entries], numbers(entries), strict=True)) == where
            assert len(where) == 60

    async def test_a_position_tells_the_arrival_by_the_log_s_clock(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            before = await log.now()
            position = await log.append(session, numbered_burst(1))
            assert before <= position.ms <= await log.now()

    async def test_the_log_s_clock_moves_on(self) -> None:
        async with self.open_log() as log:
            before = await log.now()
            await self.pass_time(log, self.gap_ms)
            assert await log.now() >= before + self.gap_ms

    async def test_the_head_of_a_stream_without_entries_is_the_start(self) -> None:
        async with self.open_log() as log:
            await log.open_session("a", "s")
            assert [await log.head("s"), await log.head("unknown")] == [START, START]

    async def test_the_head_is_the_last_entry_of_its_own_stream(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            (here, there) = [await log.open_session(i, i) for i in ("here", "there")]
            positions = await self.append_numbers(log, here, range(3))
            await self.append_numbers(log, there, range(3))
            assert await other.head("here") == positions[-1]

    async def test_session_json_becomes_the_record_s_byte_for_byte(self) -> None:
        text = '{ "Identity":"a",\n"STATE": 2, "timestamp":"2021-05-04T11:50:55.1234567Z", "x": "\\u0000é🚗"}'
        async with self.open_log() as log:
            assert (await self.record_after(log, json_burst(text))).json == text

    async def test_the_latest_session_json_is_the_record_s(self) -> None:
        first, second, third = (session_json("a", group=str(i)) for i in range(3))
        async with self.open_log() as log:
            assert (await self.record_after(log, json_burst(first), json_burst(second, third))).json == third

    async def test_empty_session_json_is_session_json(self) -> None:
        async with self.open_log() as log:
            assert (await self.record_after(log, json_burst(session_json("a")), json_burst(""))).json == ""

    async def test_bursts_without_session_json_leave_the_record_s(self) -> None:
        text = session_json("a")
        async with self.open_log() as log:
            found = await self.record_after(log, json_burst(text), numbered_burst(1), range_burst(1, 2), event_burst())
            assert found.json == text

    async def test_a_time_range_becomes_the_record_s_to_the_nanosecond(self) -> None:
        async with self.open_log() as log:
            found = await self.record_after(log, range_burst(MOMENT, MOMENT + 1))
            assert found.time_range == TimeRange(MOMENT, MOMENT + 1)

    async def test_time_ranges_expand_and_never_shrink(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            steps = [
                ((0, 9), (0, 9)),
                ((3, 4), (0, 9)),
                ((9, 10), (0, 10)),
                ((-1, 0), (-1, 10)),
                ((50, 60), (-1, 60)),
            ]
            for (start, end), union in steps:
                await log.append(session, range_burst(MOMENT + start, MOMENT + end))
                found = await log.find("a")
                assert found is not None
                assert found.time_range == TimeRange(MOMENT + union[0], MOMENT + union[1])

    async def test_time_ranges_may_be_anywhere(self) -> None:
        first, last = -(1 << 63), (1 << 63) - 1
        async with self.open_log() as log:
            found = await self.record_after(log, range_burst(-5, -3), range_burst(first, first), range_burst(7, last))
            assert found.time_range == TimeRange(first, last)

    async def test_bursts_without_a_time_range_leave_the_record_s(self) -> None:
        async with self.open_log() as log:
            bursts = [range_burst(1, 2), numbered_burst(1), event_burst(), json_burst(session_json("a"))]
            assert (await self.record_after(log, *bursts)).time_range == TimeRange(1, 2)

    async def test_json_and_range_are_those_of_the_session_they_came_with(self) -> None:
        async with self.open_log() as log:
            a = await log.open_session("a", "s")
            await log.open_session("b", "s")
            await log.append(a, json_burst(session_json("a")))
            await log.append(a, range_burst(1, 2))
            other = await log.find("b")
            assert other is not None
            assert (other.json, other.time_range) == (None, None)

    async def test_every_append_is_an_update_of_the_session(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            for burst in (numbered_burst(1), event_burst(), json_burst(session_json("a")), range_burst(1, 2)):
                await self.pass_time(log, self.gap_ms)
                before = await log.now()
                await log.append(session, burst)
                found = await log.find("a")
                assert found is not None
                assert before <= found.last_updated <= await log.now()

    async def test_the_record_is_never_ahead_of_the_entries(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            written = False
            ahead = []

            async def watch() -> None:
                while not written:
                    found = await other.find("a")
                    entries = await self.everything(other, "s")
                    known = found.time_range.end if found and found.time_range else 0
                    ahead.append(known - len(entries))
                    await trio.sleep(0.0005)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                for i in range(1, 21):
                    await log.append(session, range_burst(0, i))
                    seen = len(ahead)
                    await until(lambda seen=seen: len(ahead) > seen, self.patience, "the other reader")  # type: ignore[misc]
                written = True
            assert max(ahead) <= 0
