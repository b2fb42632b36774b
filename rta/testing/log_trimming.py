"""Contract of a log: what `trim` drops and keeps, and who is told that something is lost."""

from __future__ import annotations

from rta.ports import START, Trim
from rta.testing.bursts import json_burst, numbered_burst, session_json
from rta.testing.log_under_test import LogUnderTest, numbers

__all__ = ["TrimChecks"]

PLENTY = 64 << 20
HOUR_MS = 3_600_000


class TrimChecks(LogUnderTest):
    """`trim`, `Batch.lost`."""

    async def test_trimming_without_bounds_drops_nothing(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(5))
            assert await log.trim(Trim()) == 0
            assert numbers(await self.everything(log, "s")) == [0, 1, 2, 3, 4]
            assert await log.find("a") is not None

    async def test_what_is_within_the_bounds_stays(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(5))
            assert await log.trim(Trim(max_age_ms=HOUR_MS, max_entries=5, session_ttl_ms=HOUR_MS)) == 0
            assert numbers(await self.everything(log, "s")) == [0, 1, 2, 3, 4]

    async def test_the_newest_entries_are_kept(self) -> None:
        count = 10 + self.slack
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(count))
            await log.trim(Trim(max_entries=3))
            left = numbers(await self.everything(other, "s"))
            assert 3 <= len(left) <= 3 + self.slack
            assert left == list(range(count - len(left), count))

    async def test_trim_says_how_many_entries_went(self) -> None:
        async with self.open_log() as log:
            (a, b) = [await log.open_session(i, i) for i in ("a", "b")]
            count = 10 + self.slack
            await self.append_numbers(log, a, range(count))
            await self.append_numbers(log, b, range(count))
            gone = await log.trim(Trim(max_entries=3))
            left = [len(await self.everything(log, stream)) for stream in ("a", "b")]
            assert gone == 2 * count - sum(left)
            assert await log.trim(Trim(max_entries=count)) == 0

    async def test_the_entries_of_every_stream_are_bounded_on_their_own(self) -> None:
        async with self.open_log() as log:
            (quiet, busy) = [await log.open_session(i, i) for i in ("quiet", "busy")]
            await self.append_numbers(log, quiet, range(2))
            await self.append_numbers(log, busy, range(10 + self.slack))
            await log.trim(Trim(max_entries=3))
            assert numbers(await self.everything(log, "quiet")) == [0, 1]
            assert len(await self.everything(log, "busy")) <= 3 + self.slack

    async def test_entries_that_arrived_too_long_ago_are_dropped(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3 + self.slack))
            await self.pass_time(log, 2 * self.gap_ms)
            newer = await self.append_numbers(log, session, range(100, 103))
            await log.trim(Trim(max_age_ms=self.gap_ms))
            kept_from = await log.now() - self.gap_ms
            left = await self.everything(log, "s")
            assert len([i for i in numbers(left) if i < 100]) <= self.slack
            assert {p for p in newer if p.ms >= kept_from} <= {e.position for e in left}

    async def test_age_is_bounded_in_every_stream(self) -> None:
        async with self.open_log() as log:
            sessions = [await log.open_session(i, i) for i in ("a", "b")]
            for session in sessions:
                await self.append_numbers(log, session, range(2 + self.slack))
            await self.pass_time(log, 2 * self.gap_ms)
            gone = await log.trim(Trim(max_age_ms=self.gap_ms))
            left = [len(await self.everything(log, s.stream)) for s in sessions]
            assert max(left) <= self.slack
            assert gone == 2 * (2 + self.slack) - sum(left)

    async def test_what_is_over_either_bound_is_dropped(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(10 + self.slack))
            await log.trim(Trim(max_age_ms=HOUR_MS, max_entries=3))
            assert len(await self.everything(log, "s")) <= 3 + self.slack

    async def test_the_head_stays_where_it_was(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(3))
            await log.trim(Trim(max_entries=0))
            assert await log.head("s") == positions[-1]

    async def test_positions_go_on_from_where_they_were(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            positions = await self.append_numbers(log, session, range(3))
            await log.trim(Trim(max_entries=0))
            assert await log.append(session, numbered_burst(3)) > positions[-1]

    async def test_a_record_outlives_its_entries(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await log.append(session, json_burst(session_json("a")))
            before = await log.find("a")
            await self.displace(log, "s")
            assert await log.find("a") == before

    async def test_read_says_so_when_entries_behind_the_position_had_been_trimmed(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            (first, *_) = await self.append_numbers(log, session, range(3))
            await self.displace(log, "s")
            last = await log.append(session, numbered_burst(3))
            batch = await log.read("s", first, last, PLENTY)
            assert batch.lost
            assert numbers(batch.entries)[-1] == 3

    async def test_read_says_so_when_all_entries_had_been_trimmed(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            (first, *_) = await self.append_numbers(log, session, range(3))
            await self.displace(log, "s")
            batch = await log.read("s", first, await log.head("s"), PLENTY)
            assert batch.lost

    async def test_who_reads_from_the_start_is_told_that_it_is_not_all(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            await self.displace(log, "s")
            last = await log.append(session, numbered_burst(3))
            batch = await log.read("s", START, last, PLENTY)
            assert numbers(batch.entries)[-1] == 3
            assert batch.lost

    async def test_nothing_is_lost_for_who_had_read_what_was_trimmed(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            read = await log.head("s")
            await log.trim(Trim(max_entries=0))
            last = await log.append(session, numbered_burst(3))
            batch = await log.read("s", read, last, PLENTY)
            assert (numbers(batch.entries), batch.lost) == ([3], False)

    async def test_a_follower_that_was_overtaken_is_told_and_goes_on(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            async with self.follow(log, "s", START) as follower:
                await follower.reach(await log.append(session, numbered_burst(0)))
                await self.append_numbers(log, session, range(1, 4))
                await self.displace(log, "s")
                last = await log.append(session, numbered_burst(4))
                got = [n for n in numbers(await follower.reach(last)) if n >= 0]
                # A log that reads ahead may have had them all before they went.
                assert follower.lost or got == [0, 1, 2, 3, 4]
                assert (got[0], got[-1]) == (0, 4)

    async def test_a_follower_from_the_start_is_told_that_it_is_not_all(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            await self.displace(log, "s")
            last = await log.append(session, numbered_burst(3))
            async with self.follow(log, "s", START) as follower:
                assert numbers(await follower.reach(last))[-1] == 3
                assert follower.lost

    async def test_a_follower_at_the_head_loses_nothing_when_its_stream_is_emptied(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            async with self.follow(other, "s", START) as follower:
                for i in range(3):
                    await follower.reach(await log.append(session, numbered_burst(i)))
                    await log.trim(Trim(max_entries=0))
                assert numbers(follower.entries) == [0, 1, 2]
                assert not follower.lost

    async def test_a_session_without_updates_and_entries_is_forgotten(self) -> None:
        async with self.open_log() as log, self.open_again(log) as other:
            session = await log.open_session("a", "s")
            await self.append_numbers(log, session, range(3))
            await self.displace(log, "s")
            await self.pass_time(log, 2 * self.gap_ms)
            await log.trim(Trim(session_ttl_ms=self.gap_ms))
            assert await other.find("a") is None
            assert "a" not in [r.identity for r in await other.sessions()]

    async def test_a_session_is_kept_while_it_is_updated(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await log.append(session, numbered_burst(0))
            await self.displace(log, "s")
            await log.trim(Trim(session_ttl_ms=HOUR_MS))
            assert await log.find("a") is not None

    async def test_a_session_is_kept_while_it_has_entries(self) -> None:
        async with self.open_log() as log:
            session = await log.open_session("a", "s")
            await log.append(session, numbered_burst(0))
            await self.pass_time(log, 2 * self.gap_ms)
            await log.trim(Trim(session_ttl_ms=self.gap_ms))
            assert await log.find("a") is not None

    async def test_a_session_that_was_forgotten_can_be_opened_again(self) -> None:
        async with self.open_log() as log:
            old = await log.open_session("a", "s")
            await self.pass_time(log, 2 * self.gap_ms)
            await log.trim(Trim(session_ttl_ms=self.gap_ms))
            new = await log.open_session("a", "s")
            assert new.stream_session_id != old.stream_session_id
            await log.append(new, numbered_burst(1))
            assert numbers(await self.everything(log, "s", new.stream_position.before())) == [1]
