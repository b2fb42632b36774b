"""Contract of an archive: what chunks are read."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rta.ports import ALL_CHANNELS, ArchiveLimits, Chunk, DataKind, DataRange
from rta.testing.archive_samples import samples_in, samples_of
from rta.testing.archive_under_test import ArchiveUnderTest, at, portion, sample_numbers
from rta.testing.bursts import MOMENT, burst_of_every_kind, json_burst, numbered_burst, session_json
from rta.wire import (
    Burst,
    ChannelId,
    ChunkParser,
    Event,
    SampleType,
    data_item,
    encode_periodic,
    encode_row,
    encode_timestamped,
    make_burst,
)

__all__ = ["ArchiveReadChecks"]

_STEP = 10_000_000  # ns between samples


def _burst(channel: int, first: int, count: int = 10) -> Burst:
    """Samples on a channel, one each step; each is the number of its step."""
    numbers = range(first, first + count)
    times = [MOMENT + i * _STEP for i in numbers]
    return make_burst([data_item(encode_timestamped(ChannelId(channel), times, list(map(float, numbers))))])


def _by_channel(chunks: list[Chunk]) -> dict[tuple[int, ...], list[Chunk]]:
    out: dict[tuple[int, ...], list[Chunk]] = {}
    for chunk in chunks:
        out.setdefault(chunk.channels, []).append(chunk)
    return out


class ArchiveReadChecks(ArchiveUnderTest):
    """`read`, of sessions that are open, cut, and closed."""

    @pytest.mark.parametrize("seconds", [0, 100, 100_000])
    async def test_samples_come_back_as_they_have_come(self, seconds: int) -> None:
        bursts = [json_burst(session_json("a", "closed")), burst_of_every_kind("a"), _burst(3, 0), _burst(4, 50)]
        async with self.open_archive() as archive:
            await archive.append(portion(list(enumerate(bursts))))
            await self.upkeep(archive)
            await self.upkeep(archive, seconds)
            await self.upkeep(archive, seconds)
            assert await self.all_samples(archive, "a") == self.expected(bursts)
            async with self.open_again(archive) as again:
                assert await self.all_samples(again, "a") == self.expected(bursts)

    async def test_channels_that_are_not_wanted_are_left_out(self) -> None:
        async with self.open_archive() as archive:
            bursts = [_burst(channel, 0) for channel in (0, 1, 5, 6, 9, (1 << 32) - 1)]
            await archive.append(portion(list(enumerate(bursts))))
            for _ in range(2):
                for ranges, expected in (
                    (ALL_CHANNELS, {0, 1, 5, 6, 9, (1 << 32) - 1}),
                    (((1, 5), (9, 9)), {1, 5, 9}),
                    (((2, 4),), set()),
                    (((10, (1 << 32) - 1),), {(1 << 32) - 1}),
                    ((), set()),
                ):
                    chunks = await self.chunks(archive, "a", channels=ranges)
                    assert {channel for chunk in chunks for channel in chunk.channels} == expected
                await self.upkeep(archive)
                await self.upkeep(archive, 100)

    async def test_kinds_are_apart(self) -> None:
        items = [
            data_item(encode_timestamped(ChannelId(1), [MOMENT], [1.0])),
            data_item(encode_periodic(ChannelId(1), MOMENT, _STEP, [2.0, 3.0])),
            data_item(encode_row([ChannelId(1)], MOMENT, [4.0], {ChannelId(1): SampleType.F64})),
            data_item(Event(event_definition_id=1, timestamp=MOMENT)),
        ]
        async with self.open_archive() as archive:
            await archive.append(portion([(1, make_burst(items))]))
            for kind, expected in zip(DataKind, (1, 2, 1, 1), strict=True):
                assert len(await self.samples(archive, "a", kind)) == expected
            assert await self.chunks(archive, "a", DataKind.EVENTS, channels=()) != []

    async def test_a_row_is_given_whole_if_one_of_its_channels_is_wanted(self) -> None:
        types = {ChannelId(i): SampleType.U8 for i in range(10)}
        rows = [(2, 5, 8), (2, 3), (9,)]
        items = [
            data_item(encode_row(list(map(ChannelId, row)), MOMENT + i, [1] * len(row), types))
            for i, row in enumerate(rows)
        ]
        async with self.open_archive() as archive:
            await archive.append(portion([(1, make_burst(items))]))
            for _ in range(2):
                for ranges, expected in (
                    (((5, 6),), {(2, 5, 8)}),
                    (((2, 2),), {(2, 5, 8), (2, 3)}),
                    (((3, 3), (9, 9)), {(2, 3), (9,)}),
                    (((4, 4),), set()),
                ):
                    chunks = await self.chunks(archive, "a", DataKind.ROW, ranges)
                    assert {chunk.channels for chunk in chunks} == expected
                await self.upkeep(archive)
                await self.upkeep(archive, 100)

    async def test_a_range_of_time_is_rounded_outwards_to_whole_chunks(self) -> None:
        async with self.open_archive() as archive:
            for i in range(20):
                await archive.append(portion([(i, _burst(1, 100 * i, 100))]))
                await self.upkeep(archive, 100 * i)
            whole = await self.chunks(archive, "a")
            ends = [None, MOMENT - 1, MOMENT, MOMENT + 777 * _STEP, MOMENT + 1999 * _STEP, MOMENT + 3000 * _STEP]
            for start in ends:
                for end in ends:
                    expected = [
                        chunk
                        for chunk in whole
                        if (start is None or chunk.end >= start) and (end is None or chunk.start <= end)
                    ]
                    assert await self.chunks(archive, "a", start=start, end=end) == expected

    async def test_chunks_of_a_channel_rise_with_the_time(self) -> None:
        order = [5, 3, 9, 0, 7, 1, 8, 2, 6, 4]
        async with self.open_archive() as archive:
            for i, number in enumerate(order):
                bursts = [(2 * i, _burst(1, 10 * number)), (2 * i + 1, _burst(2, 10 * number))]
                await archive.append(portion(bursts))
                await self.upkeep(archive, 100 * i)
            for chunks in _by_channel(await self.chunks(archive, "a")).values():
                assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)

    @pytest.mark.parametrize("seed", range(3))
    async def test_late_data_are_there_once_and_without_overlap_in_the_end(self, seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311
        numbers = list(range(40))
        rng.shuffle(numbers)
        bursts = [_burst(rng.randrange(3), 7 * number, rng.randrange(1, 30)) for number in numbers]
        async with self.open_archive() as archive:
            for i, burst in enumerate(bursts):
                await archive.append(portion([(i, burst)]))
                if rng.random() < 0.2:
                    await self.upkeep(archive, 70 * i)
            assert await self.all_samples(archive, "a") == self.expected(bursts)
            await archive.append(portion([(99, json_burst(session_json("a", "closed")))]))
            for seconds in (10_000, 20_000):
                await self.upkeep(archive, seconds)
            assert await self.all_samples(archive, "a") == self.expected(bursts)
            closed = await self.chunks(archive, "a")
            for chunks in _by_channel(closed).values():
                assert all(one.end <= other.start for one, other in pairwise(chunks))
            assert (await self.found(archive, "a")).sealed
            async with self.open_again(archive) as again:
                assert await self.chunks(again, "a") == closed

    async def test_data_that_come_after_the_end_are_taken_in_too(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a", "closed"))), (2, _burst(1, 10))]))
            for seconds in (0, 10_000, 20_000):
                await self.upkeep(archive, seconds)
            await archive.append(portion([(3, _burst(1, 0)), (4, _burst(2, 5))]))
            expected = self.expected([_burst(1, 10), _burst(1, 0), _burst(2, 5)])
            for seconds in (20_000, 30_000, 40_000):
                assert await self.all_samples(archive, "a") == expected
                await self.upkeep(archive, seconds)
            assert (await self.found(archive, "a")).sealed
            assert await self.all_samples(archive, "a") == expected

    async def test_a_reading_is_of_the_moment_when_it_began(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(i, numbered_burst(i)) for i in range(3)]))
            await self.upkeep(archive)
            await self.upkeep(archive, 100)
            await archive.append(portion([(3, numbered_burst(3))]))
            async with archive.read("a", DataRange(DataKind.TIMESTAMPED)) as reader:
                assert reader.flush_point == await self.flush_point(archive, "a")
                await archive.append(portion([(4, numbered_burst(4))]))
                await archive.append(portion([(5, json_burst(session_json("a", "closed")))]))
                for seconds in (200, 10_000, 20_000):
                    await self.upkeep(archive, seconds)
                chunks = await self.rest(reader, ChunkParser(DataKind.TIMESTAMPED))
                assert sample_numbers(chunks) == [0, 1, 2, 3]

    async def test_a_reading_ends_whole_though_the_session_is_deleted(self) -> None:
        bursts = [(i, _burst(i, 0, 2000)) for i in range(50)]
        async with self.open_archive() as archive:
            await archive.append(portion(bursts))
            await self.upkeep(archive, 100)
            await self.upkeep(archive, 200)
            async with archive.read("a", DataRange(DataKind.TIMESTAMPED)) as reader:
                parser = ChunkParser(DataKind.TIMESTAMPED)
                chunks = parser.feed(await reader.next())
                assert await archive.delete("a")
                await archive.upkeep(self.now, ArchiveLimits())
                chunks += await self.rest(reader, parser)
            expected = [s for _, burst in bursts for s in samples_in(burst, DataKind.TIMESTAMPED)]
            assert sorted(samples_of(chunks)) == sorted(expected)
            assert await archive.find("a") is None
            assert await self.chunks(archive, "a") == []

    async def test_several_readings_do_not_disturb_each_other(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(i, numbered_burst(i)) for i in range(5)]))
            wanted = DataRange(DataKind.TIMESTAMPED)
            async with archive.read("a", wanted) as one, archive.read("a", wanted) as other:
                for reader in (one, other):
                    chunks = await self.rest(reader, ChunkParser(wanted.kind))
                    assert sample_numbers(chunks) == [0, 1, 2, 3, 4]
                assert not await one.next()

    async def test_absurd_times_are_kept(self) -> None:
        times = [-(1 << 63), -1, 0, 1, MOMENT, (1 << 63) - 1]
        bursts = [make_burst([data_item(encode_timestamped(ChannelId(1), [time], [1.0]))]) for time in times]
        async with self.open_archive() as archive:
            for i, burst in enumerate(bursts):
                await archive.append(portion([(i, burst)]))
                await self.upkeep(archive, 100 * i)
            await archive.append(portion([(9, json_burst(session_json("a", "closed")))]))
            for seconds in (1000, 10_000, 20_000):
                assert [sample.time for sample in samples_of(await self.chunks(archive, "a"))] == times
                await self.upkeep(archive, seconds)
            found = await self.chunks(archive, "a", start=-1, end=1)
            assert {-1, 0, 1} <= {sample.time for sample in samples_of(found)}

    async def test_positions_at_the_end_of_their_range_are_kept(self) -> None:
        async with self.open_archive() as archive:
            last = at((1 << 64) - 1 - 1000)
            await archive.append(portion([((1 << 64) - 1 - 1000, numbered_burst(1))], session_id=(1 << 64) - 1))
            assert dict(await archive.flush_points()) == {"s": last}
            assert (await self.flush_point(archive, "a")).session_id == (1 << 64) - 1
