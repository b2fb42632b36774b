"""Bursts that differ in values only, held as they came: where in each of them the results of a channel are.

Nothing is read when such a burst comes. Once chunks are cut, the results of one channel are cut out of all bursts at
once, and their times are read as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from rta.archive.item import Key
from rta.archive.results import LIST_SPAN, LIST_TARGET, RESULT_LIMIT, Results
from rta.archive.series import ChannelTypes, width_of
from rta.wire import DataKind
from rta.wire.bit_pattern import BitPattern, PatternBuilder
from rta.wire.layout import ItemKind
from rta.wire.varints import unpack_varints

__all__ = ["BurstPlan"]

Int64 = npt.NDArray[np.int64]
Block = npt.NDArray[np.uint8]

_KINDS = {
    ItemKind.TIMESTAMPED: (DataKind.TIMESTAMPED, frozenset({0x08, 0x11, 0x18, 0x22, 0x2A})),
    ItemKind.PERIODIC: (DataKind.PERIODIC, frozenset({0x08, 0x11, 0x18, 0x20, 0x2A})),
    ItemKind.ROW: (DataKind.ROW, frozenset({0x0A, 0x11, 0x1A})),
}
"""The tags of each kind, as protobuf writes them."""

_LONGEST = 6
"""Bytes of a number, 7 bits in each: products of two of them are checked as doubles first."""

_FAR = 1 << 61
"""ns: times within it do not overflow by what is added to them."""


class _Number:
    """Varints that stand in the same place of every result, each with as many bytes as in the others."""

    __slots__ = ("_at", "_first", "_weights", "count", "is_short")

    def __init__(self, raw: bytes, begin: int, at: int, end: int) -> None:
        """`begin`: of the result in `raw`; `at`, `end`: in the result."""
        weights, shift, self.count, self._first = [], 0, 0, 0
        for i, byte in enumerate(raw[begin + at : begin + end], 1):
            weights.append(1 << min(shift, 62))
            shift += 7
            if byte < 0x80:
                self.count += 1
                self._first = self._first or i
                shift = 0
        self.is_short = not weights or max(weights) < 1 << 7 * _LONGEST
        self._at = slice(at, end)
        self._weights = np.array(weights, np.int64)

    def total(self, block: Block) -> Int64:
        """Their sum in each result. Of short ones."""
        return self._sum(block[:, self._at], self._weights)

    def first(self, block: Block) -> Int64:
        """The first in each result."""
        return self._sum(block[:, self._at.start : self._at.start + self._first], self._weights[: self._first])

    @staticmethod
    def _sum(part: Block, weights: Int64) -> Int64:
        sums: Int64 = (part & np.uint8(0x7F)).astype(np.int64) @ weights
        return sums


class _Place:
    """A result in a burst. One without numbers, of a kind that has some, has zeros there: protobuf leaves them out."""

    __slots__ = ("_buffer", "_count", "_numbers", "_start", "begin", "end", "is_short")

    def __init__(self, raw: bytes, begin: int, end: int, fields: dict[int, tuple[int, int]]) -> None:
        self.begin, self.end = begin, end
        self._start = fields.get(_START, (0, 0))[0]
        at, to = fields.get(_BUFFER, (0, 0))
        self._buffer = to - at
        self._numbers = {tag: _Number(raw, begin, *where) for tag, where in fields.items() if tag in _NUMBERS}
        self._count = self._numbers[_DELTAS].count if _DELTAS in self._numbers else 0
        self.is_short = all(number.is_short for number in self._numbers.values())

    def starts(self, block: Block) -> Int64:
        if not self._start:
            return np.zeros(len(block), np.int64)
        return np.ascontiguousarray(block[:, self._start : self._start + 8]).view("<i8").ravel()

    def _number(self, tag: int, block: Block) -> Int64:
        number = self._numbers.get(tag)
        return np.zeros(len(block), np.int64) if number is None else number.total(block)

    def timestamped(self, block: Block, channel: int, types: ChannelTypes) -> _Times:
        """Of the first and the last sample of each result, and whether these are right."""
        starts = self.starts(block)
        if not self._count or not _fills(self._buffer, self._count, channel, types):
            return starts, starts, np.zeros(len(block), np.bool_)
        scales, deltas = self._number(_SCALE, block), self._numbers[_DELTAS]
        total = deltas.total(block)
        plain = (np.abs(starts) < _FAR) & (scales.astype(np.float64) * total <= LIST_SPAN)
        return starts + scales * deltas.first(block), starts + scales * total, plain

    def periodic(self, block: Block, channel: int, types: ChannelTypes) -> _Times:
        """The same."""
        starts, counts, intervals = self.starts(block), self._number(_SAMPLES, block), self._number(_SCALE, block)
        count = int(counts[0])
        if (counts != count).any() or not count or not _fills(self._buffer, count, channel, types):
            return starts, starts, np.zeros(len(block), np.bool_)
        plain = (np.abs(starts) < _FAR) & (intervals.astype(np.float64) * (count - 1) <= LIST_SPAN)
        return starts, starts + intervals * (count - 1), plain

    def row(self, block: Block, channel: int, types: ChannelTypes) -> _Times:
        """The same."""
        starts = self.starts(block)
        return starts, starts, np.ones(len(block), np.bool_)


_Times = tuple[Int64, Int64, npt.NDArray[np.bool_]]

_START = 0x11
_SCALE = 0x18
"""Of timestamped data; the interval of periodic data."""
_SAMPLES = 0x20
_DELTAS = 0x22
_BUFFER = 0x2A
_NUMBERS = frozenset({_SCALE, _SAMPLES, _DELTAS})


def _fills(size: int, count: int, channel: int, types: ChannelTypes) -> bool:
    """Whether a buffer holds exactly so many samples, and not more than a result may have."""
    width, certain = width_of(types, channel, size, count)
    return certain and width * count == size and count <= RESULT_LIMIT and size < LIST_TARGET // 2


class BurstPlan:
    """Where the results are in bursts that fit a pattern."""

    __slots__ = ("_places", "fits", "keys")

    def __init__(self, pattern: BitPattern, places: dict[Key, list[_Place]]) -> None:
        """Use `from_burst`."""
        self.fits: Callable[[bytes], bool] = pattern.fits
        self._places = places
        self.keys = places.keys()

    @classmethod
    def from_burst(cls, raw: bytes) -> Self | None:
        """The plan of a burst that has been checked; None if it holds text or is written in an unusual way."""
        builder = PatternBuilder(raw)
        if not builder.read() or not builder.kinds <= {*_KINDS, ItemKind.TIME_RANGE}:
            return None
        places: dict[Key, list[_Place]] = {}
        for item, begin, end, found in builder.items:
            kind, tags = _KINDS[item]
            fields = {tag: (at - begin, to - begin) for tag, at, to in found}
            place = _Place(raw, begin, end, fields)
            if not fields.keys() <= tags or len(fields) < len(found) or not place.is_short:
                return None
            at, to = fields.get(_ROW_CHANNELS if kind is DataKind.ROW else _CHANNEL, (0, 0))
            numbers, _ = unpack_varints([raw[begin + at : begin + to]])
            channels = tuple((numbers & 0xFFFFFFFF).tolist()) or (() if kind is DataKind.ROW else (0,))
            places.setdefault((kind, channels), []).append(place)
        return cls(BitPattern(raw, bytes(builder.bits)), places)

    def results(self, key: Key, raws: Sequence[bytes], types: ChannelTypes) -> tuple[Results, npt.NDArray[np.bool_]]:
        """The results of a channel in bursts that fit, as they came, and which of them may stay as they are.

        The times of others mean nothing.
        """
        kind, channels = key
        columns, times = [], []
        for place in self._places[key]:
            pieces = [raw[place.begin : place.end] for raw in raws]
            block = np.frombuffer(b"".join(pieces), np.uint8).reshape(len(raws), -1)
            columns.append(pieces)
            times.append(_READERS[kind](place, block, channels[0] if channels else 0, types))
        starts, ends, plain = (np.stack(arrays, axis=1).ravel() for arrays in zip(*times, strict=True))
        pieces = columns[0] if len(columns) == 1 else [p for burst in zip(*columns, strict=True) for p in burst]
        return Results(pieces, starts, ends), plain


_CHANNEL = 0x08
_ROW_CHANNELS = 0x0A

_READERS = {
    DataKind.TIMESTAMPED: _Place.timestamped,
    DataKind.PERIODIC: _Place.periodic,
    DataKind.ROW: _Place.row,
}
