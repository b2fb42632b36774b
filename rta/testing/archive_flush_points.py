"""Contract of an archive: reading up to a flush point, and entry by entry from there on, is everything once."""

from __future__ import annotations

import pytest

from rta.errors import FlushPointError
from rta.ports import Archive, DataKind, DataRange, FlushPoint, Hole, Position
from rta.testing.archive_under_test import ArchiveUnderTest, at, portion, sample_numbers
from rta.testing.bursts import json_burst, number_of, numbered_burst, session_json

__all__ = ["ArchiveFlushPointChecks"]

_PLENTY = 64 << 20


class ArchiveFlushPointChecks(ArchiveUnderTest):
    """`DataRange.upto` and `read_entries`."""

    async def entries_behind(self, archive: Archive, point: FlushPoint, max_bytes: int = _PLENTY) -> list[int]:
        """The numbers of the bursts behind a point, up to the flush point."""
        upto = (await self.flush_point(archive, "a")).position
        after, out = point, []
        while after.position < upto:
            batch = await archive.read_entries(after, upto, max_bytes)
            assert not batch.lost
            assert after.position < batch.position <= upto
            assert all(after.position < entry.position <= batch.position for entry in batch.entries)
            out += [number_of(entry.burst) for entry in batch.entries]
            after = after._replace(position=batch.position)
        return out

    @pytest.mark.parametrize("rounds", [False, True])
    async def test_chunks_up_to_a_point_and_entries_behind_it_are_everything_once(self, rounds: bool) -> None:
        points: list[FlushPoint] = []
        async with self.open_archive() as archive:
            for i in range(12):
                await archive.append(portion([(2 * i, numbered_burst(2 * i)), (2 * i + 1, numbered_burst(2 * i + 1))]))
                points.append(await self.flush_point(archive, "a"))
                if rounds and i % 3 == 2:
                    await self.upkeep(archive, 100 * i)
                    await self.upkeep(archive, 100 * i + 90)
            for upto in [*points, *(p._replace(position=p.position.before()) for p in points)]:
                last = max(i for i in range(-1, 24) if i < 0 or at(i) <= upto.position)
                chunks = await self.chunks(archive, "a", upto=upto)
                assert sample_numbers(chunks) == list(range(last + 1))
                assert await self.entries_behind(archive, upto) == list(range(last + 1, 24))

    async def test_a_reader_says_the_point_that_it_was_asked_for(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            point = await self.flush_point(archive, "a")
            await archive.append(portion([(2, numbered_burst(2))]))
            async with archive.read("a", DataRange(DataKind.TIMESTAMPED, upto=point)) as reader:
                assert reader.flush_point == point

    async def test_a_point_of_an_earlier_run_leaves_later_runs_out(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            point = await self.flush_point(archive, "a")
            await archive.append(portion([(3, numbered_burst(3))], session_id=8, start=at(2)))
            assert sample_numbers(await self.chunks(archive, "a", upto=point)) == [1]
            later = await self.flush_point(archive, "a")
            assert sample_numbers(await self.chunks(archive, "a", upto=later)) == [1, 3]

    async def test_the_point_of_a_closed_session_goes_on_being_good(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1)), (2, json_burst(session_json("a", "closed")))]))
            point = await self.flush_point(archive, "a")
            for seconds in (0, 10_000, 20_000):
                await self.upkeep(archive, seconds)
                assert sample_numbers(await self.chunks(archive, "a", upto=point)) == [1]

    @pytest.mark.parametrize(
        "point",
        [
            FlushPoint("s", 7, at(9)),
            FlushPoint("s", 8, at(1)),
            FlushPoint("t", 7, at(1)),
        ],
    )
    async def test_what_is_no_flush_point_of_the_session_is_refused(self, point: FlushPoint) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([(1, numbered_burst(2))], identity="b", stream="u"))
            with pytest.raises(FlushPointError):
                await self.chunks(archive, "a", upto=point)
            with pytest.raises(FlushPointError):
                await self.chunks(archive, "unknown", upto=point)

    async def test_entries_come_back_as_they_were(self) -> None:
        bursts = [json_burst(session_json("a")), numbered_burst(1)]
        async with self.open_archive() as archive:
            await archive.append(portion(list(enumerate(bursts, 1))))
            async with self.open_again(archive) as again:
                batch = await again.read_entries(FlushPoint("s", 7, at(0)), at(9), _PLENTY)
                assert [(e.position, e.session_id, e.burst.packed) for e in batch.entries] == [
                    (at(i), 7, burst.packed) for i, burst in enumerate(bursts, 1)
                ]
                assert batch.entries[0].burst.session_json == bursts[0].session_json

    async def test_a_batch_has_one_entry_even_if_it_is_bigger_than_max_bytes(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(i, numbered_burst(i)) for i in range(5)]))
            for size in (0, numbered_burst(1).raw_size, 2 * numbered_burst(1).raw_size):
                assert await self.entries_behind(archive, FlushPoint("s", 7, at(1)), size) == [2, 3, 4]

    async def test_entries_of_other_runs_are_left_out(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([(2, numbered_burst(2))], identity="b", session_id=8))
            await archive.append(portion([(3, numbered_burst(3))]))
            batch = await archive.read_entries(FlushPoint("s", 7, at(0)), at(9), _PLENTY)
            assert [number_of(entry.burst) for entry in batch.entries] == [1, 3]
            assert (batch.position, batch.lost) == (at(3), False)

    async def test_nothing_is_given_behind_the_flush_point(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))], upto=5))
            batch = await archive.read_entries(FlushPoint("s", 7, at(1)), Position(1 << 60, 0), _PLENTY)
            assert (batch.entries, batch.position, batch.lost) == ([], at(5), False)

    async def test_what_is_behind_a_hole_is_not_given(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([(6, numbered_burst(6))], hole=Hole(at(2), at(5), "trimmed")))
            point = FlushPoint("s", 7, at(0))
            for _ in range(3):
                batch = await archive.read_entries(point, at(9), _PLENTY)
                assert at(6) not in [entry.position for entry in batch.entries]
                if batch.lost:
                    break
                point = point._replace(position=batch.position)
            assert batch.lost
            behind = await archive.read_entries(FlushPoint("s", 7, at(5)), at(9), _PLENTY)
            assert ([number_of(e.burst) for e in behind.entries], behind.lost) == ([6], False)

    async def test_entries_of_an_unknown_run_are_lost(self) -> None:
        async with self.open_archive() as archive:
            assert (await archive.read_entries(FlushPoint("s", 7, at(1)), at(9), _PLENTY)).lost

    async def test_entries_can_be_had_from_where_the_session_says(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(i, numbered_burst(i)) for i in range(1, 6)], start=at(0)))
            (run,) = (await self.found(archive, "a")).runs
            assert run.held_from == at(0)
            assert await self.entries_behind(archive, FlushPoint("s", 7, run.held_from)) == [1, 2, 3, 4, 5]
