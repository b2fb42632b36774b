"""From samples in order to sealed chunks, as they come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rta.archive.result_encoding import encode_series, result_limits
from rta.archive.results import Results, chunks_of
from rta.archive.series import Series
from rta.wire import ByteOrder, Chunk, DataKind, SampleType, encode_samples

__all__ = ["ChunkEncoder", "chunks_of_columns", "series_of_columns"]

_BATCH = 1 << 15  # samples that are encoded at once


class ChunkEncoder:
    """Chunks of one channel, row group, or of events. They depend on the samples alone, not on how these are fed."""

    def __init__(self, kind: DataKind, channels: tuple[int, ...]) -> None:
        self._kind = kind
        self._channels = channels
        self._series: list[Series] = []
        self._samples = 0
        self._results: list[Results] = []
        self.short: int | None = None
        """See `result_limits`."""

    def feed(self, series: Series) -> list[Chunk]:
        """The next samples, in order: the chunks that are full now."""
        self._series.append(series)
        self._samples += len(series.times)
        if self._samples < _BATCH:
            return []
        joined = Series.joined(self._series)
        limits = result_limits(joined, self.short)
        begin = int(limits[-2])  # the last result is made anew with the next samples: some may belong into it
        self._series = [joined.part(begin, self._samples)]
        self._samples -= begin
        return self.feed_results(encode_series(self._channels[0], joined.part(0, begin), limits[:-1]))

    def feed_results(self, results: Results) -> list[Chunk]:
        """The same for rows or events."""
        joined = Results.joined([*self._results, results])
        begin = joined.limits()[-2]
        self._results = [joined.part(begin, len(joined.pieces))]
        return chunks_of(self._kind, self._channels, joined.part(0, begin))

    def end(self) -> list[Chunk]:
        """The last ones."""
        results, self._results = self._results, []
        if self._samples:
            series = Series.joined(self._series)
            results.append(encode_series(self._channels[0], series, result_limits(series, self.short)))
            self._series, self._samples = [], 0
        return chunks_of(self._kind, self._channels, Results.joined(results)) if results else []


def series_of_columns(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    kind: SampleType = SampleType.F64,
    order: ByteOrder = "le",
    interval: int | None = None,
) -> Series:
    """Samples of one channel, in order; `times` (ns since the Unix epoch) and `values` of shape (n,), in any order.

    `interval`: ns; they are to be periodic data. They are still apart by what `times` says.

    :raises ValueError: the shapes differ, or a value does not fit `kind`.
    """
    moments, width = np.asarray(times, np.int64), kind.dtype().itemsize
    samples = np.frombuffer(encode_samples(values, kind, order), np.uint8).reshape(-1, width)
    if moments.shape != samples.shape[:1]:
        raise ValueError(f"as many times as values: got the shapes {moments.shape} and {np.shape(values)}")
    intervals = None if interval is None else np.full(len(moments), interval, np.int64)
    return Series(moments, samples, width, intervals).sorted()


def chunks_of_columns(
    channel: int,
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    kind: SampleType = SampleType.F64,
    order: ByteOrder = "le",
    interval: int | None = None,
) -> list[Chunk]:
    """All samples of one channel as sealed chunks; see `series_of_columns`. For more than memory holds, feed a
    `ChunkEncoder`.

    :raises ValueError: the shapes differ, or a value does not fit `kind`.
    """
    encoder = ChunkEncoder(DataKind.TIMESTAMPED if interval is None else DataKind.PERIODIC, (channel,))
    series = series_of_columns(times, values, kind, order, interval)
    return (encoder.feed(series) if len(series.times) else []) + encoder.end()
