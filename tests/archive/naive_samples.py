"""Samples one by one, as slowly as one likes: what any items hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rta.archive import ChannelTypes
from rta.wire import Chunk, Data, DataKind, Event, PeriodicData, RowData, TimestampedData, read_chunk

Key = tuple[DataKind, tuple[int, ...]]
Sample = tuple[int, Any]
"""Its time, and its bytes, or what the row or event is."""


def wrapped(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def width(types: ChannelTypes, channel: int, size: int, count: int) -> int:
    if channel in types:
        return types[channel][0].dtype().itemsize
    each = size // count
    return each if each and (size % count == 0 or each in (1, 2, 4, 8)) else 8


def samples(item: Data, types: ChannelTypes) -> list[Sample]:
    match item:
        case RowData():
            return [(item.timestamp, item.buffer)] if item.channel_ids else []
        case Event():
            return [(item.timestamp, item.SerializeToString(deterministic=True))]
        case TimestampedData():
            count, at, times = len(item.timestamp_deltas), item.start_timestamp, []
            for delta in item.timestamp_deltas:
                at = wrapped(at + delta * item.timestamp_deltas_scale)
                times.append(at)
        case PeriodicData():
            count = max(0, item.samples)
            few = range(min(count, len(item.buffer)))
            times = [wrapped(item.start_timestamp + i * item.interval) for i in few]
    if not count:
        return []
    each = width(types, item.channel_id, len(item.buffer), count)
    buffers = [item.buffer[i : i + each] for i in range(0, len(item.buffer) // each * each, each)]
    return list(zip(times, buffers, strict=False))


def key(item: Data) -> Key:
    match item:
        case RowData():
            return DataKind.ROW, tuple(item.channel_ids)
        case Event():
            return DataKind.EVENTS, ()
        case TimestampedData():
            return DataKind.TIMESTAMPED, (item.channel_id,)
        case PeriodicData():
            return DataKind.PERIODIC, (item.channel_id,)


def by_key(items: Iterable[Data], types: ChannelTypes) -> dict[Key, list[Sample]]:
    """All samples, by time; those of one time in order of arrival."""
    out: dict[Key, list[Sample]] = {}
    for item in items:
        for sample in samples(item, types):
            out.setdefault(key(item), []).append(sample)
    for found in out.values():
        found.sort(key=lambda sample: sample[0])
    return out


def is_told(item: Data, types: ChannelTypes) -> bool:
    """Whether anybody can know how many samples it has."""
    if isinstance(item, RowData | Event) or item.channel_id in types:
        return True
    count = len(item.timestamp_deltas) if isinstance(item, TimestampedData) else max(0, item.samples)
    size = len(item.buffer)
    return not count or not size or (size >= count and size % count == 0)


def check_samples(chunks: Iterable[Chunk], items: Iterable[Data], types: ChannelTypes) -> None:
    """`chunks`, in order of arrival, hold what is in `items`.

    Where nobody can know how many samples an item has, the order of those of one time is not known either.
    """
    items = list(items)
    got, expected = by_key((item for chunk in chunks for item in read_chunk(chunk)), types), by_key(items, types)
    for loose in {key(item) for item in items if not is_told(item, types)}:
        for found in (got.get(loose, []), expected.get(loose, [])):
            found.sort()
    assert got == expected


def check_chunk(chunk: Chunk, types: ChannelTypes) -> None:
    """What every chunk has to keep to."""
    items = read_chunk(chunk)
    assert items
    assert {key(item) for item in items} == {(chunk.kind, chunk.channels)}
    if not all(is_told(item, types) for item in items):
        assert len(items) == 1
        return
    times = []
    for item in items:
        found = samples(item, types)
        assert 1 <= len(found) <= 10_000
        times += [at for at, _ in found]
        if isinstance(item, TimestampedData) and item.channel_id in types:
            assert len(item.timestamp_deltas) == len(found)
    assert times == sorted(times)
    assert (chunk.start, chunk.end) == (times[0], times[-1])
    # A result that would become too many short ones may be longer, and is then alone.
    assert chunk.end - chunk.start <= 100 * 10**9 or len(items) == 1
    assert len(items) == 1 or chunk.raw_size <= 64 << 10


def check_apart(chunks: list[Chunk], types: ChannelTypes) -> None:
    """Those of one channel rise with the time and do not overlap."""
    last: dict[Key, int] = {}
    for chunk in chunks:
        if all(is_told(item, types) for item in read_chunk(chunk)):
            assert last.get((chunk.kind, chunk.channels), chunk.start) <= chunk.start
            last[chunk.kind, chunk.channels] = chunk.end
