"""Results: the messages that lists are made of, each with samples of one channel, a row or an event.

Here they are bytes as they stand in a list behind their tag: the length of the message, then the message. A list is
those of a chunk, each with its tag before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rta.archive.series import ChannelTypes, Series, width_of
from rta.archive.shape import SAMPLES, SCALE, Block, ResultShape
from rta.wire import Chunk, DataKind, pack
from rta.wire._pb import data_pb2, scan_pb2
from rta.wire.chunks import reading
from rta.wire.varints import pack_varints, unpack_varints, varint

__all__ = [
    "LIST_SPAN",
    "LIST_TARGET",
    "RESULT_LIMIT",
    "RESULT_SAMPLES",
    "Results",
    "chunks_of",
    "encode_series",
    "read_series",
    "result_limits",
]

Int64 = npt.NDArray[np.int64]

RESULT_SAMPLES = 128
RESULT_LIMIT = 10_000
"""Samples that a result must not exceed."""
LIST_TARGET = 64 << 10
"""Bytes of a list message, if it has more than one result."""
LIST_SPAN = 100 * 10**9
"""ns from the first sample of a list to the last."""

_TAG = b"\x0a"


class Results(NamedTuple):
    """Results of one channel, row group, or events."""

    pieces: list[bytes]
    starts: Int64
    """Of the first sample of each."""
    ends: Int64
    """Of the last."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other; at least one part."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            [piece for part in parts for piece in part.pieces],
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
        )

    @property
    def moments(self) -> Int64:
        """What `sorted` goes by."""
        return self.starts

    @property
    def is_spread(self) -> bool:
        """Whether one of them covers more than a list should."""
        return bool((_spans(self.starts, self.ends) > LIST_SPAN).any())

    @property
    def is_sorted(self) -> bool:
        """Whether none begins before another has ended."""
        return bool((self.starts[1:] >= self.ends[:-1]).all())

    def sorted(self) -> Self:
        """By their starts, those of one time in the order they have now. For results of one sample."""
        return self if self.is_sorted else self.pick(np.argsort(self.starts, kind="stable"))

    def pick(self, which: Int64) -> Self:
        return self._replace(
            pieces=[self.pieces[i] for i in which.tolist()], starts=self.starts[which], ends=self.ends[which]
        )

    def part(self, begin: int, end: int) -> Self:
        return self._replace(pieces=self.pieces[begin:end], starts=self.starts[begin:end], ends=self.ends[begin:end])

    def raw(self) -> bytes:
        """The list message."""
        return _TAG + _TAG.join(self.pieces) if self.pieces else b""

    def limits(self) -> list[int]:
        """Where lists begin, and where the last ends: each with as much as it may have."""
        sizes = np.cumsum(np.fromiter(map(len, self.pieces), np.int64, len(self.pieces)) + 1)
        total = len(sizes)
        if total and sizes[-1] <= LIST_TARGET and _spans(self.starts[:1], self.ends[-1:])[0] <= LIST_SPAN:
            return [0, total]
        out, at = [0], 0
        while at < total:
            before = int(sizes[at - 1]) if at else 0
            by_size = int(np.searchsorted(sizes, before + LIST_TARGET, "right"))
            by_span = int(np.searchsorted(self.ends, min(int(self.starts[at]) + LIST_SPAN, _LATEST), "right"))
            at = max(at + 1, min(by_size, by_span))
            out.append(at)
        return out


_LATEST = (1 << 63) - 1


def _spans(starts: Int64, ends: Int64) -> npt.NDArray[np.uint64]:
    """The differences may need all 64 bits."""
    return ends.view(np.uint64) - starts.view(np.uint64)


def chunks_of(kind: DataKind, channels: tuple[int, ...], results: Results) -> list[Chunk]:
    """`results`: in order."""
    out = []
    for begin, end in pairwise(results.limits()):
        part = results.part(begin, end)
        raw = part.raw()
        out.append(Chunk(kind, channels, int(part.starts[0]), int(part.ends[-1]), len(raw), pack(raw)))
    return out


# ---- from lists to arrays


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
    return Results([_lengths[len(message)] + message for message in messages], times, times)


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


# ---- from arrays to results


def result_limits(series: Series, short: int | None = None) -> Int64:
    """Where results begin, and where the last ends.

    :param series: sorted.
    :param short: how many results there may be because samples are far apart, which make a chunk each; None: any
        number. Where there were more, results have as many samples as they may have, whatever time they cover.
    """
    limits, runs = _limits(series, RESULT_SAMPLES)
    times = series.times
    if not len(times) or not (_spans(times[limits[:-1]], times[limits[1:] - 1]) > LIST_SPAN).any():
        return limits
    found = _short_results(times, runs, None if short is None else len(limits) + short)
    return _limits(series, RESULT_LIMIT)[0] if found is None else found


def _limits(series: Series, most: int) -> tuple[Int64, Int64]:
    """Where results of so many samples at the most begin, and where the last ends; and the same of what can be in one
    result."""
    times, n = series.times, len(series.times)
    breaks = np.zeros(n, np.bool_)
    if not isinstance(series.widths, int):
        breaks[1:] |= series.widths[1:] != series.widths[:-1]
    if series.intervals is not None:
        breaks[1:] |= series.intervals[1:] != series.intervals[:-1]
        breaks[1:] |= times[1:] - times[:-1] != series.intervals[:-1]
    if breaks.any():
        breaks[0] = True
        runs = np.flatnonzero(breaks)
        index = np.arange(n) - np.repeat(runs, np.diff(runs, append=n))
        limits = np.flatnonzero(index % most == 0)
    else:
        runs = np.zeros(1, np.int64)
        limits = np.arange(0, n, most)
    return np.append(limits, n), np.append(runs, n)


def _short_results(times: Int64, runs: Int64, most: int | None) -> Int64 | None:
    """The same where samples are so rare that results end for that. None: there are more than `most`."""
    out = [0]
    for run_end in runs[1:].tolist():
        while out[-1] < run_end:
            if most is not None and len(out) > most:
                return None
            at = out[-1]
            latest = min(int(times[at]) + LIST_SPAN, _LATEST)
            window = times[at : min(at + RESULT_SAMPLES, run_end)]
            out.append(at + int(np.searchsorted(window, latest, "right")))
    return np.array(out, np.int64)


def encode_series(channel: int, series: Series, limits: Int64) -> Results:
    """Timestamped or periodic results, as the series is."""
    begins, ends = limits[:-1], limits[1:]
    starts = series.times[begins]
    if series.intervals is None:
        middles = _timestamped_middles(series.times, limits)
    else:
        middles = [
            (b"\x18" + varint(interval) if interval else b"") + b"\x20" + varint(count) + b"\x2a"
            for interval, count in zip(series.intervals[begins].tolist(), (ends - begins).tolist(), strict=True)
        ]
    head = b"\x08" + varint(channel) if channel else b""
    moments = [b"\x11" + start if start != _ZERO else b"" for start in _each(starts.astype("<i8"))]
    pieces = []
    for moment, middle, buffer in zip(moments, middles, _buffers(series, limits), strict=True):
        message = b"".join((head, moment, middle, _lengths[len(buffer)], buffer))
        pieces.append(_lengths[len(message)] + message)
    return Results(pieces, starts, series.times[ends - 1])


_ZERO = bytes(8)


class _Lengths(dict[int, bytes]):
    """The varint of a size. All are below the limit of a chunk; most are small and come again."""

    def __missing__(self, size: int) -> bytes:
        out = varint(size)
        if size < LIST_TARGET:
            self[size] = out
        return out


_lengths = _Lengths()


def _each(array: npt.NDArray[np.generic]) -> list[bytes]:
    """The bytes of each element."""
    raw, width = array.tobytes(), array.dtype.itemsize
    return [raw[i : i + width] for i in range(0, len(raw), width)]


def _buffers(series: Series, limits: Int64) -> list[bytes]:
    bounds = limits.tolist()
    if isinstance(series.widths, int):
        width, raw = series.widths, series.samples.tobytes()
        return [raw[begin * width : end * width] for begin, end in pairwise(bounds)]
    widths = series.widths[limits[:-1]].tolist()
    return [series.samples[b:e, :w].tobytes() for (b, e), w in zip(pairwise(bounds), widths, strict=True)]


def _timestamped_middles(times: Int64, limits: Int64) -> list[bytes]:
    """Scale and deltas of each result, up to the tag of the buffer."""
    begins, counts = limits[:-1], np.diff(limits)
    deltas = np.diff(times, prepend=times[:1])
    deltas[begins] = 0
    scales = np.gcd.reduceat(deltas, begins)
    divisors = np.maximum(scales, 1)
    if len(divisors) and (divisors == divisors[0]).all():
        units = deltas // divisors[0]
    else:
        units = deltas // np.repeat(divisors, counts)
    packed, at = pack_varints(units)
    return [
        (b"\x18" + varint(scale) if scale else b"") + b"\x22" + _lengths[end - begin] + packed[begin:end] + b"\x2a"
        for scale, (begin, end) in zip(scales.tolist(), pairwise(at[limits].tolist()), strict=True)
    ]
