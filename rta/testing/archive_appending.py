"""Contract of an archive: what is there when `append` has returned."""

from __future__ import annotations

from rta.ports import START, Hole, Portion
from rta.testing.archive_under_test import ArchiveUnderTest, at, portion, sample_numbers
from rta.testing.bursts import (
    MOMENT,
    burst_of_every_kind,
    json_burst,
    numbered_burst,
    range_burst,
    session_json,
)
from rta.wire import TimeRange

__all__ = ["ArchiveAppendChecks"]


class ArchiveAppendChecks(ArchiveUnderTest):
    """`append`, `flush_points`, `describe`, and what `find` then says."""

    async def test_an_empty_archive_has_nothing(self) -> None:
        async with self.open_archive() as archive:
            assert dict(await archive.flush_points()) == {}
            assert await archive.find("a") is None
            assert await self.chunks(archive, "a") == []

    async def test_what_was_appended_is_there(self) -> None:
        bursts = [(1, json_burst(session_json("a"))), (2, burst_of_every_kind("a")), (3, numbered_burst(5))]
        async with self.open_archive() as archive:
            await archive.append(portion(bursts))
            assert dict(await archive.flush_points()) == {"s": at(3)}
            found = await self.found(archive, "a")
            assert (found.identity, found.json, found.sealed) == ("a", session_json("a"), False)
            (run,) = found.runs
            assert (run.stream, run.session_id, run.start, run.upto, run.holes) == ("s", 7, START, at(3), ())
            assert await self.all_samples(archive, "a") == self.expected(burst for _, burst in bursts)

    async def test_it_is_there_after_an_end_without_a_farewell(self) -> None:
        bursts = [(1, json_burst(session_json("a"))), (2, burst_of_every_kind("a"))]
        async with self.open_archive() as archive:
            await archive.append(portion(bursts))
            before = await self.found(archive, "a")
            async with self.open_again(archive) as again:
                assert dict(await again.flush_points()) == {"s": at(2)}
                after = await self.found(again, "a")
                assert (after.json, after.runs) == (before.json, before.runs)
                assert await self.all_samples(again, "a") == self.expected(burst for _, burst in bursts)

    async def test_the_same_portion_again_is_there_once(self) -> None:
        first, second = portion([(i, numbered_burst(i)) for i in range(3)]), portion([(3, numbered_burst(3))])
        async with self.open_archive() as archive:
            for one in (first, first, second, first, second, second):
                await archive.append(one)
            assert sample_numbers(await self.chunks(archive, "a")) == [0, 1, 2, 3]
            async with self.open_again(archive) as again:
                await again.append(second)
                assert sample_numbers(await self.chunks(again, "a")) == [0, 1, 2, 3]
                assert dict(await again.flush_points()) == {"s": at(3)}

    async def test_of_a_portion_that_overlaps_what_is_new_is_added(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(i, numbered_burst(i)) for i in range(3)]))
            await self.upkeep(archive)
            await self.upkeep(archive, 100)
            await archive.append(portion([(i, numbered_burst(i)) for i in range(5)]))
            assert sample_numbers(await self.chunks(archive, "a")) == [0, 1, 2, 3, 4]

    async def test_a_portion_without_entries_moves_the_flush_point(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([], upto=9))
            assert dict(await archive.flush_points()) == {"s": at(9)}
            assert (await self.flush_point(archive, "a")).position == at(9)

    async def test_streams_are_apart(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(5, numbered_burst(5))]))
            await archive.append(portion([(1, numbered_burst(1))], stream="t", identity="b"))
            assert dict(await archive.flush_points()) == {"s": at(5), "t": at(1)}
            assert sample_numbers(await self.chunks(archive, "a")) == [5]
            assert sample_numbers(await self.chunks(archive, "b")) == [1]

    async def test_sessions_of_one_portion_are_told_apart(self) -> None:
        one, other = portion([(1, numbered_burst(1))]), portion([(2, numbered_burst(2))], identity="b", session_id=8)
        both = Portion("s", [*one.entries, *other.entries], {**one.runs, **other.runs}, at(2))
        async with self.open_archive() as archive:
            await archive.append(both)
            assert sample_numbers(await self.chunks(archive, "a")) == [1]
            assert sample_numbers(await self.chunks(archive, "b")) == [2]

    async def test_a_session_may_have_several_runs(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([(3, numbered_burst(3))], session_id=8, start=at(2)))
            await archive.append(portion([(1, numbered_burst(4))], stream="t", session_id=7))
            assert sample_numbers(await self.chunks(archive, "a")) == [1, 3, 4]
            found = await self.found(archive, "a")
            assert [(run.stream, run.session_id) for run in found.runs] == [("s", 7), ("s", 8), ("t", 7)]

    async def test_an_id_that_is_used_again_is_another_run(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.append(portion([(4, numbered_burst(4))], identity="b", start=at(3)))
            await archive.append(portion([(6, numbered_burst(6))], identity="b", start=at(5)))
            assert sample_numbers(await self.chunks(archive, "a")) == [1]
            assert sample_numbers(await self.chunks(archive, "b")) == [4, 6]
            assert (await self.flush_point(archive, "a")).position == at(3)
            assert [(run.start, run.upto) for run in (await self.found(archive, "b")).runs] == [
                (at(3), at(5)),
                (at(5), at(6)),
            ]

    async def test_a_stream_that_begins_anew_loses_nothing(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(5, numbered_burst(5)), (6, numbered_burst(6))]))
            await archive.append(portion([(1, numbered_burst(1))], session_id=1, start=at(0)))
            assert dict(await archive.flush_points()) == {"s": at(1)}
            await archive.append(portion([(7, numbered_burst(7))], session_id=1, start=at(0)))
            assert sample_numbers(await self.chunks(archive, "a")) == [1, 5, 6, 7]

    async def test_holes_are_recorded_once(self) -> None:
        holes = [Hole(at(1), at(4), "trimmed"), Hole(at(6), at(8), "skipped")]
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            for _ in range(2):
                await archive.append(portion([(5, numbered_burst(5))], hole=holes[0]))
            await archive.append(portion([], hole=holes[1], upto=8))
            async with self.open_again(archive) as again:
                (run,) = (await self.found(again, "a")).runs
                assert run.holes == tuple(holes)

    async def test_the_last_json_is_the_session_s(self) -> None:
        texts = [session_json("a", group=str(i)) for i in range(4)]
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(texts[0], texts[1])), (2, json_burst(texts[2]))]))
            assert (await self.found(archive, "a")).json == texts[2]
            await archive.append(portion([(3, numbered_burst(1))]))
            assert (await self.found(archive, "a")).json == texts[2]
            await archive.describe("a", texts[3])
            assert (await self.found(archive, "a")).json == texts[3]
            async with self.open_again(archive) as again:
                assert (await self.found(again, "a")).json == texts[3]

    async def test_the_span_covers_data_and_time_ranges(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a")))]))
            assert (await self.found(archive, "a")).span is None
            await archive.append(portion([(2, numbered_burst(1))]))
            assert (await self.found(archive, "a")).span == TimeRange(MOMENT, MOMENT)
            await archive.append(portion([(3, range_burst(MOMENT - 5, MOMENT - 1))]))
            await archive.append(portion([(4, range_burst(MOMENT + 2, MOMENT + 9))]))
            assert (await self.found(archive, "a")).span == TimeRange(MOMENT - 5, MOMENT + 9)

    async def test_the_version_changes_with_the_session(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a")))]))
            versions = [(await self.found(archive, "a")).version]
            assert (await self.found(archive, "a")).version == versions[0]
            await archive.append(portion([(2, numbered_burst(1))]))
            versions.append((await self.found(archive, "a")).version)
            await archive.describe("a", session_json("a", group="b"))
            versions.append((await self.found(archive, "a")).version)
            assert len(set(versions)) == len(versions)

    async def test_identities_may_hold_anything(self) -> None:
        names = ["../../a", "a/b", ".", "a\0b", "%2e", "a" * 3000, "ä\n", "\ud800", "", "A", "a"]
        async with self.open_archive() as archive:
            for i, name in enumerate(names):
                await archive.append(portion([(i, numbered_burst(i))], identity=name, session_id=i))
            for seconds in (0, 100):
                await self.upkeep(archive, seconds)
                for i, name in enumerate(names):
                    assert (await self.found(archive, name)).identity == name
                    assert sample_numbers(await self.chunks(archive, name)) == [i]
