"""Overviews: minimum, maximum and mean of stretches of a channel, for looking at hours without their samples.

A chunk keeps some tens of *buckets*: stretches of equal length on a grid that begins with the epoch. Their lengths are
1 and 5 times powers of ten, so that the buckets of one length fit into those of any longer one, and into what is asked
for, whose lengths are 1, 2 and 5 times powers of ten. Source: docs/rest.md, "Overview".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rta.archive.series import ChannelTypes, Series
from rta.errors import MalformedError
from rta.wire import ChannelId, SampleType

__all__ = ["Stretches", "combine_overviews", "pack_overview", "values_of"]

Int64 = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_EACH = 64  # samples that a bucket has at least, on average
_MOST = 63  # buckets of a chunk; one more where the grid cuts the first or last
_MOST_COMBINED = 127  # what is finer takes as much room as some chunks do

_VERSION = 1
_HEAD = struct.Struct("<BBBHq")  # version, type of minima and maxima, length, how many buckets, index of the first
_TYPES = ("<f8", "<f4", "<u4", "<i4", "<u2", "<i2", "<u1", "<i1")
_LENGTHS: tuple[int, ...] = tuple(m * 10**n for n in range(19) for m in (1, 5) if m * 10**n < 1 << 63)
_ASKED: tuple[int, ...] = tuple(m * 10**n for n in range(19) for m in (1, 2, 5) if m * 10**n < 1 << 63)
_GUESSED = {8: SampleType.F64, 4: SampleType.F32, 2: SampleType.U16, 1: SampleType.U8}
_FAR = 1 << 62


def values_of(channel: int, series: Series, types: ChannelTypes) -> npt.NDArray[Any] | None:
    """The raw values of samples, n of them; None where nobody knows how to read them.

    Of an unknown channel the width tells the type, as for live clients.
    """
    if not isinstance(series.widths, int):
        return None
    kind, order = types.get(ChannelId(channel)) or (_GUESSED.get(series.widths), "le")
    if kind is None or kind.dtype().itemsize != series.widths:
        return None
    return np.frombuffer(series.samples.tobytes(), kind.dtype(order))


class _Buckets(NamedTuple):
    """Buckets that have samples, of one channel."""

    length: int
    """ns."""
    cells: Int64
    """Bucket i is what is from i times the length on, before i + 1 times the length; rising."""
    counts: Int64
    minima: npt.NDArray[Any]
    maxima: npt.NDArray[Any]
    sums: Doubles

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """What is in them."""
        return self.counts, self.minima, self.maxima, self.sums

    @classmethod
    def of(cls, length: int, index: Int64, counts: Int64, minima: Any, maxima: Any, sums: Doubles) -> Self:
        """Those with the same index are made one. `index`: does not fall."""
        if not len(index):
            return cls(length, index, counts, minima, maxima, sums)
        begins = np.flatnonzero(np.concatenate([[True], index[1:] != index[:-1]]))
        with np.errstate(invalid="ignore", over="ignore"):
            return cls(
                length,
                index[begins],
                np.add.reduceat(counts, begins),
                np.minimum.reduceat(minima, begins),
                np.maximum.reduceat(maxima, begins),
                np.add.reduceat(sums, begins),
            )

    def pack(self) -> bytes:
        first = int(self.cells[0]) if len(self.cells) else 0
        narrow = self.minima.dtype.newbyteorder("<").str.replace("|", "<")
        head = _HEAD.pack(_VERSION, _TYPES.index(narrow), _LENGTHS.index(self.length), len(self.cells), first)
        arrays = (
            (self.cells - first).astype("<u2"),
            self.counts.astype("<u4"),
            self.minima.astype(narrow),
            self.maxima.astype(narrow),
            self.sums.astype("<f8"),
        )
        return head + b"".join([array.tobytes() for array in arrays])

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        try:
            version, kind, length, count, first = _HEAD.unpack_from(packed)
            if version != _VERSION:
                raise MalformedError("overview", f"an overview of version {version}; {_VERSION} is known")
            arrays, at = [], _HEAD.size
            for dtype in ("<u2", "<u4", _TYPES[kind], _TYPES[kind], "<f8"):
                arrays.append(np.frombuffer(packed, dtype, count, at))
                at += arrays[-1].nbytes
            index, counts, minima, maxima, sums = arrays
            return cls(_LENGTHS[length], index.astype(np.int64) + first, counts.astype(np.int64), minima, maxima, sums)
        except (struct.error, IndexError, ValueError) as e:
            raise MalformedError("overview", f"{len(packed)} bytes are no overview: {e}") from None


def pack_overview(times: Int64, values: npt.NDArray[Any]) -> bytes:
    """The overview of a chunk. `times`: ns; `values`: raw, as many. NaN count as no samples."""
    times, values = _numbers(times, values)
    if not len(times):
        return _Buckets.of(1, times, times, values, values, times.astype(np.float64)).pack()
    length = _length(int(times[0]), int(times[-1]), max(1, min(len(times) // _EACH, _MOST)), 1)
    ones = np.ones(len(times), np.int64)
    return _Buckets.of(length, times // length, ones, values, values, values.astype(np.float64)).pack()


def combine_overviews(overviews: Sequence[bytes]) -> bytes:
    """A coarser overview of chunks that follow each other; at least one.

    :raises MalformedError: kind `overview`: one of them is damaged.
    """
    parts = [part for part in map(_Buckets.unpack, overviews) if len(part.cells)]
    if not parts:
        return overviews[0]
    first = min(int(part.cells[0]) * part.length for part in parts)
    last = max(int(part.cells[-1]) * part.length for part in parts)
    length = _length(first, last, _MOST_COMBINED, max(part.length for part in parts))
    index = np.concatenate([part.cells // (length // part.length) for part in parts])
    order = np.argsort(index, kind="stable")
    columns = [np.concatenate(arrays)[order] for arrays in zip(*[part.columns for part in parts], strict=True)]
    return _Buckets.of(length, index[order], *columns).pack()


def _length(first: int, last: int, most: int, least: int) -> int:
    """The shortest bucket, of at least `least` ns, with which there are `most`, and one more."""
    for length in _LENGTHS:
        if length >= least and last // length - first // length <= most:
            return length
    return _LENGTHS[-1]


def _numbers(times: Int64, values: npt.NDArray[Any]) -> tuple[Int64, npt.NDArray[Any]]:
    """In order, without NaN."""
    if (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    if values.dtype.kind == "f":
        there = ~np.isnan(values)
        if not there.all():
            return times[there], values[there]
    return times, values


class Stretches:
    """What is asked for of one channel: stretches of equal length, filled from overviews or from samples."""

    def __init__(self, start: int, length: int, count: int) -> None:
        """`start`: ns, where the first one begins; `length`: ns. Use `covering` for those that are filled fast."""
        self.start, self.length, self.count = start, length, count
        self.end = start + count * length
        """Exclusive."""
        self._counts = np.zeros(count, np.int64)
        self._minima = np.full(count, np.inf)
        self._maxima = np.full(count, -np.inf)
        self._sums = np.zeros(count)

    @classmethod
    def covering(cls, start: int, end: int, points: int) -> Self:
        """At most so many stretches, and not much fewer, that hold `start` and `end`, both inclusive."""
        for length in _ASKED:
            if end // length - start // length < max(points, 2):
                break
        return cls(start // length * length, length, end // length - start // length + 1)

    def add(self, overview: bytes) -> bool:
        """The samples of a chunk, or of several, by their overview. False: it is too coarse; nothing is added then.

        :raises MalformedError: kind `overview`: it is damaged.
        """
        buckets = _Buckets.unpack(overview)
        if not len(buckets.cells):
            return True
        length = buckets.length
        first, last = int(buckets.cells[0]) * length, (int(buckets.cells[-1]) + 1) * length
        if last <= self.start or first >= self.end:
            return True
        if min(first, self.start) < -_FAR or max(last, self.end) > _FAR:
            return False
        begins = (buckets.cells * length - self.start) // self.length
        ends = (buckets.cells * length + length - 1 - self.start) // self.length
        inside = (ends >= 0) & (begins < self.count)
        if (begins != ends)[inside].any():
            return False
        self._add(begins[inside], *[column[inside] for column in buckets.columns])
        return True

    def add_samples(self, times: Int64, values: npt.NDArray[Any]) -> None:
        """Samples of the channel; `times`: ns; `values`: raw, as many."""
        times, values = _numbers(times, values)
        begin = int(np.searchsorted(times, max(self.start, -(1 << 63)), "left"))
        end = int(np.searchsorted(times, min(self.end - 1, (1 << 63) - 1), "right"))
        if begin >= end:
            return
        times, values = times[begin:end], values[begin:end]
        first = (int(times[0]) - self.start) // self.length
        origin = (self.start + first * self.length) & (1 << 64) - 1
        cells = first + ((times.view(np.uint64) - np.uint64(origin)) // np.uint64(self.length)).astype(np.int64)
        doubles = values.astype(np.float64)
        self._add(cells, np.ones(len(cells), np.int64), doubles, doubles, doubles)

    def _add(
        self, cells: Int64, counts: Int64, minima: npt.NDArray[Any], maxima: npt.NDArray[Any], sums: Doubles
    ) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            np.add.at(self._counts, cells, counts)
            np.minimum.at(self._minima, cells, minima)
            np.maximum.at(self._maxima, cells, maxima)
            np.add.at(self._sums, cells, sums)

    def columns(self) -> tuple[list[int], list[int], list[int], list[float], list[float], list[float]]:
        """Of the stretches that have samples: start, end (ns, exclusive), count, minimum, maximum, mean."""
        there = np.flatnonzero(self._counts)
        starts = [self.start + i * self.length for i in there.tolist()]
        means = self._sums[there] / self._counts[there]
        numbers = [array.tolist() for array in (self._minima[there], self._maxima[there], means)]
        return starts, [start + self.length for start in starts], self._counts[there].tolist(), *numbers
