"""Contract of an archive: overviews say what the samples are, exactly at their limits."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rta.ports import ALL_CHANNELS, Archive, ChannelOverview, ChannelRanges
from rta.testing.archive_under_test import ArchiveUnderTest, portion
from rta.testing.bursts import MOMENT, json_burst, session_json
from rta.wire import Burst, ChannelId, data_item, encode_periodic, encode_timestamped, make_burst

__all__ = ["ArchiveOverviewChecks"]

_STEP = 10_000_000  # ns between samples
_COUNT = 500  # samples of a burst


def _value(number: int) -> float:
    return math.sin(number / 100) * 1000 + number % 7


def _burst(channel: int, first: int) -> Burst:
    numbers = range(first, first + _COUNT)
    times = [MOMENT + i * _STEP for i in numbers]
    return make_burst([data_item(encode_timestamped(ChannelId(channel), times, list(map(_value, numbers))))])


class ArchiveOverviewChecks(ArchiveUnderTest):
    """`overview`."""

    async def check(
        self,
        archive: Archive,
        samples: dict[int, list[int]],
        start: int | None,
        end: int | None,
        points: int,
        channels: ChannelRanges = ALL_CHANNELS,
    ) -> None:
        """`samples`: the numbers of those on each channel."""
        found = await archive.overview("a", channels, start, end, points)
        assert len({one.channel for one in found}) == len(found)
        for one in found:
            times = sorted(MOMENT + i * _STEP for i in samples[one.channel])
            first, last = start if start is not None else times[0], end if end is not None else times[-1]
            assert len(one.starts) <= max(points, 2) + 1
            assert len({end - start for start, end in zip(one.starts, one.ends, strict=True)}) <= 2
            covered = 0
            rows = zip(one.starts, one.ends, one.counts, one.minima, one.maxima, one.means, strict=True)
            for low, high, count, minimum, maximum, mean in rows:
                inside = [_value((time - MOMENT) // _STEP) for time in times if low <= time < high]
                assert (count, minimum, maximum) == (len(inside), min(inside), max(inside))
                assert math.isclose(mean, math.fsum(inside) / count, rel_tol=1e-9, abs_tol=1e-6)
                covered += count
            assert covered >= sum(first <= time <= last for time in times)

    async def test_an_overview_is_of_the_samples(self) -> None:
        samples: dict[int, list[int]] = {1: [], 2: []}
        async with self.open_archive() as archive:
            for i, block in enumerate([0, 3, 1, 2, 5, 4, 9, 7]):
                for channel in samples:
                    first = block * _COUNT
                    await archive.append(portion([(2 * i + channel, _burst(channel, first))]))
                    samples[channel] += range(first, first + _COUNT)
                await self.upkeep(archive, 70 * i)
            await archive.append(portion([(99, json_burst(session_json("a", "closed")))]))
            for seconds in (1000, 10_000, 20_000):
                for points in (1, 2, 7, 100, 5000):
                    await self.check(archive, samples, None, None, points)
                await self.check(archive, samples, MOMENT + 333 * _STEP, MOMENT + 2222 * _STEP, 50)
                await self.check(archive, samples, MOMENT + 333 * _STEP, None, 10, ((2, 2),))
                await self.upkeep(archive, seconds)

    async def test_channels_that_are_not_wanted_or_not_there_have_none(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, _burst(1, 0)), (2, _burst(5, 0))]))
            assert [one.channel for one in await archive.overview("a", ((2, 9),), None, None, 10)] == [5]
            assert list(await archive.overview("a", ((6, 9),), None, None, 10)) == []
            assert list(await archive.overview("unknown", ALL_CHANNELS, None, None, 10)) == []

    async def test_what_is_no_number_is_not_counted(self) -> None:
        values = [1.0, math.nan, 3.0, math.nan]
        burst = make_burst([data_item(encode_periodic(ChannelId(1), MOMENT, _STEP, values))])
        async with self.open_archive() as archive:
            await archive.append(portion([(1, burst)]))
            for seconds in (0, 100, 200):
                assert _total(await archive.overview("a", ALL_CHANNELS, None, None, 10)) == 2
                await self.upkeep(archive, seconds)


def _total(overviews: Iterable[ChannelOverview]) -> int:
    return sum(sum(one.counts) for one in overviews)
