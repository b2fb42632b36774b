"""From list messages to the results in them, and to arrays of samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rta.archive.results import LENGTHS, Results
from rta.archive.series import ChannelTypes, Series, width_of
from rta.archive.shape import SAMPLES, SCALE, Block, ResultShape
from rta.wire import DataKind
from rta.wire._pb import data_pb2, scan_pb2
from rta.wire.chunks import reading
from rta.wire.varints import unpack_varints

__all__ = ["read_results", "read_series"]

Int64 = npt.NDArray[np.int64]


def read_results(kind: DataKind, raw: bytes) -> Results:
    """What is in a list message of rows or events.

    :raises MalformedError: kind `protobuf`.
    """
    with reading(kind):
        found = (
            data_pb2.RowDataList.FromString(raw).row_data
            if kind is DataKind.ROW
            else data_pb2.EventsList.FromString(raw).events
        )
        messages = scan_pb2.Items.FromString(raw).data
    times = np.array([item.timestamp for item in found], np.int64)
    return Results([LENGTHS[len(message)] + message for message in messages], times, times)


def read_series(kind: DataKind, channel: int, raw: bytes, types: ChannelTypes) -> Series:
    """The samples in a list message of ours, of timestamped or periodic data.

    :raises MalformedError: kind `protobuf`.
    """
    alike = ResultShape.of_list(kind, raw)
    if alike is not None:
        series = _read_alike(kind, *alike, types)
        if series is not None:
            return series
    return _read_periodic(channel, raw, types) if kind is DataKind.PERIODIC else _read_timestamped(channel, raw, types)


def _read_alike(kind: DataKind, shape: ResultShape, block: Block, types: ChannelTypes) -> Series | None:
    """Of results that differ in values only. None: they hold another number of samples than they say."""
    starts, steps = shape.starts(block), shape.total(SCALE, block)
    if kind is DataKind.TIMESTAMPED:
        count = shape.count
    else:
        counts = shape.total(SAMPLES, block)
        count = int(counts[0]) if (counts == counts[0]).all() else 0
    if not count or not shape.size:
        return None
    width, certain = width_of(types, shape.channels[0], shape.size, count)
    if not certain or width * count != shape.size:
        return None
    units = np.cumsum(shape.deltas(block), axis=1) if kind is DataKind.TIMESTAMPED else np.arange(count)
    times = (starts[:, None] + steps[:, None] * units).ravel()
    samples = np.frombuffer(shape.buffers(block), np.uint8).reshape(-1, width)
    return Series(times, samples, width, None if kind is DataKind.TIMESTAMPED else np.repeat(steps, count))


def _read_timestamped(channel: int, raw: bytes, types: ChannelTypes) -> Series:
    with reading(DataKind.TIMESTAMPED):
        found = scan_pb2.PackedTimestampedList.FromString(raw).timestamped_data
    deltas, counts = unpack_varints([t.timestamp_deltas for t in found])
    starts = np.array([t.start_timestamp for t in found], np.int64)
    scales = np.array([t.timestamp_deltas_scale for t in found], np.int64)
    steps = deltas * np.repeat(scales, counts)
    times = np.cumsum(steps)
    some = counts > 0
    first = (np.cumsum(counts) - counts)[some]
    times += np.repeat(starts[some] - times[first] + steps[first], counts[some])
    return _with_samples(channel, types, times, counts, counts.tolist(), [t.buffer for t in found], None)


def _read_periodic(channel: int, raw: bytes, types: ChannelTypes) -> Series:
    with reading(DataKind.PERIODIC):
        found = data_pb2.PeriodicDataList.FromString(raw).periodic_data
    buffers = [p.buffer for p in found]
    said = [max(p.samples, 0) for p in found]
    # It may be any number: not more samples than there are bytes.
    counts = np.array(list(map(min, said, map(len, buffers))), np.int64)
    starts = np.array([p.start_timestamp for p in found], np.int64)
    steps = np.array([p.interval for p in found], np.int64)
    index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    times = np.repeat(starts, counts) + index * np.repeat(steps, counts)
    return _with_samples(channel, types, times, counts, said, buffers, np.repeat(np.abs(steps), counts))


def _with_samples(
    channel: int,
    types: ChannelTypes,
    times: Int64,
    counts: Int64,
    said: list[int],
    buffers: list[bytes],
    intervals: Int64 | None,
) -> Series:
    """`counts`: of `times` of each result; `said`: how many samples the result is to have."""
    sizes = np.fromiter(map(len, buffers), np.int64, len(buffers))
    shapes = list(zip(sizes.tolist(), said, strict=True))
    by_shape = {shape: width_of(types, channel, *shape)[0] for shape in set(shapes)}
    widths = np.array([by_shape[shape] for shape in shapes], np.int64)
    have = np.minimum(counts, sizes // widths)
    if (have != counts).any():
        first = np.cumsum(counts) - counts
        kept = np.arange(len(times)) - np.repeat(first, counts) < np.repeat(have, counts)
        times = times[kept]
        intervals = None if intervals is None else intervals[kept]
    if (have * widths != sizes).any():
        buffers = [b[:size] for b, size in zip(buffers, (have * widths).tolist(), strict=True)]
    same = set(by_shape.values())
    if len(same) <= 1:
        width = same.pop() if same else 1
        samples = np.frombuffer(b"".join(buffers), np.uint8).reshape(-1, width)
        return Series(times, samples, width, intervals)
    most = max(same)
    table = np.zeros((len(times), most), np.uint8)
    begin = 0
    for buffer, width in zip(buffers, widths.tolist(), strict=True):
        part = np.frombuffer(buffer, np.uint8).reshape(-1, width)
        table[begin : begin + len(part), :width] = part
        begin += len(part)
    return Series(times, table, np.repeat(widths, have), intervals)
