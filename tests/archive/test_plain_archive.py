"""The twin gives back what was appended, up to its flush point and not behind it."""

from __future__ import annotations

import pytest

from rta.errors import FlushPointError
from rta.ports import ALL_CHANNELS, DataKind, DataRange, Entry, FlushPoint, Portion, Position
from rta.wire import ChunkParser, SampleType, data_item, encode_timestamped, json_item, make_burst
from rta.wire.values import ChannelId

from .plain_archive import PlainArchive

JSON = '{"identity":"a","state":"open","timestamp":"2026-01-01T00:00:00Z","identifier":"A"}'


def entry(number: int) -> Entry:
    data = encode_timestamped(ChannelId(7), [number * 1000], [float(number)], SampleType.F64)
    items = [data_item(data)] if number else [json_item(JSON)]
    return Entry(Position(number, 0), 3, make_burst(items))


def portion(*numbers: int) -> Portion:
    return Portion("s", [entry(n) for n in numbers], {3: ("a", Position(0, 0))}, Position(numbers[-1], 0))


async def samples(archive: PlainArchive, upto: FlushPoint | None = None) -> int:
    count = 0
    async with archive.read("a", DataRange(DataKind.TIMESTAMPED, upto=upto)) as reader:
        parser = ChunkParser(DataKind.TIMESTAMPED)
        while chunks := parser.feed(await reader.next()):
            count += sum(chunk.end // 1000 - chunk.start // 1000 + 1 for chunk in chunks)
    return count


async def test_a_read_goes_up_to_a_flush_point() -> None:
    archive = PlainArchive()
    await archive.append(portion(0, 1, 2))
    found = await archive.find("a")
    assert found is not None
    point = found.flush_point
    assert point == FlushPoint("s", 3, Position(2, 0))
    await archive.append(portion(2, 3))
    assert await samples(archive) == 3
    assert await samples(archive, point) == 2
    assert FlushPoint.parse(str(point)) == point
    archive.forget_entries("a", Position(3, 0))
    with pytest.raises(FlushPointError):
        await samples(archive, point)
    assert (await archive.read_entries(point, Position(9, 0), 1 << 20)).lost


async def test_entries_behind_a_point_come_up_to_the_flush_point() -> None:
    archive = PlainArchive()
    await archive.append(portion(0, 1, 2, 3))
    batch = await archive.read_entries(FlushPoint("s", 3, Position(1, 0)), Position(9, 0), 1 << 20)
    assert [e.position.ms for e in batch.entries] == [2, 3]
    assert batch.position == Position(3, 0)


async def test_an_overview_is_of_the_samples() -> None:
    archive = PlainArchive()
    await archive.append(portion(0, 1, 2, 3, 4))
    [found] = await archive.overview("a", ALL_CHANNELS, None, None, 2)
    assert list(found.counts) == [2, 2]
    assert list(found.means) == [1.5, 3.5]
