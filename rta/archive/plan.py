"""Bursts that differ in values only, held as they came: where in each of them the results of a channel are.

Nothing is read when such a burst comes. Once chunks are cut, the results of one channel are cut out of all bursts at
once, and their times are read as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rta.archive.item import Key
from rta.archive.results import LIST_SPAN, LIST_TARGET, RESULT_LIMIT, Results
from rta.archive.series import ChannelTypes, width_of
from rta.archive.shape import DELTAS, ITEM_KINDS, SAMPLES, SCALE, Block, ResultShape
from rta.wire import DataKind
from rta.wire.bit_pattern import BitPattern, PatternBuilder
from rta.wire.layout import ItemKind

__all__ = ["BurstPlan"]

Int64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FAR = 1 << 61  # ns: times within it do not overflow by what is added to them


class _Place(NamedTuple):
    """A result in a burst."""

    begin: int
    end: int
    shape: ResultShape


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
        if not builder.read() or not builder.kinds <= {*ITEM_KINDS, ItemKind.TIME_RANGE}:
            return None
        places: dict[Key, list[_Place]] = {}
        for item, begin, end, found in builder.items:
            kind = ITEM_KINDS[item]
            shape = ResultShape.read(raw, begin, kind, found)
            if shape is None or not shape.channels:
                return None
            places.setdefault((kind, shape.channels), []).append(_Place(begin, end, shape))
        return cls(BitPattern(raw, bytes(builder.bits)), places)

    def results(self, key: Key, raws: Sequence[bytes], types: ChannelTypes) -> tuple[Results, Flags]:
        """The results of a channel in bursts that fit, as they came, and which of them may stay as they are.

        The times of others mean nothing.
        """
        columns, times = [], []
        for begin, end, shape in self._places[key]:
            pieces = [raw[begin:end] for raw in raws]
            block = np.frombuffer(b"".join(pieces), np.uint8).reshape(len(raws), -1)
            columns.append(pieces)
            times.append(_READERS[key[0]](shape, block, types))
        starts, ends, plain = (np.stack(arrays, axis=1).ravel() for arrays in zip(*times, strict=True))
        pieces = columns[0] if len(columns) == 1 else [p for burst in zip(*columns, strict=True) for p in burst]
        return Results(pieces, starts, ends), plain


def _timestamped(shape: ResultShape, block: Block, types: ChannelTypes) -> tuple[Int64, Int64, Flags]:
    """The times of the first and last sample of each result, and whether these are right."""
    starts = shape.starts(block)
    if not shape.count or not _fills(shape, shape.count, types):
        return starts, starts, np.zeros(len(block), np.bool_)
    scales = shape.total(SCALE, block)
    return _reaching(starts, scales, shape.first_delta(block), shape.total(DELTAS, block))


def _periodic(shape: ResultShape, block: Block, types: ChannelTypes) -> tuple[Int64, Int64, Flags]:
    """The same."""
    starts, counts = shape.starts(block), shape.total(SAMPLES, block)
    if (counts != counts[0]).any() or not counts[0] or not _fills(shape, int(counts[0]), types):
        return starts, starts, np.zeros(len(block), np.bool_)
    return _reaching(starts, shape.total(SCALE, block), np.zeros_like(counts), counts - 1)


def _row(shape: ResultShape, block: Block, types: ChannelTypes) -> tuple[Int64, Int64, Flags]:
    """The same."""
    starts = shape.starts(block)
    return starts, starts, np.ones(len(block), np.bool_)


_READERS = {DataKind.TIMESTAMPED: _timestamped, DataKind.PERIODIC: _periodic, DataKind.ROW: _row}


def _reaching(starts: Int64, steps: Int64, first: Int64, last: Int64) -> tuple[Int64, Int64, Flags]:
    """From so many steps on to so many: few enough for one list, and without overflow."""
    plain = (np.abs(starts) < _FAR) & (steps.astype(np.float64) * last <= LIST_SPAN)
    return starts + steps * first, starts + steps * last, plain


def _fills(shape: ResultShape, count: int, types: ChannelTypes) -> bool:
    """Whether a buffer holds exactly so many samples, and not more than a result may have."""
    width, certain = width_of(types, shape.channels[0], shape.size, count)
    return certain and width * count == shape.size and count <= RESULT_LIMIT and shape.size < LIST_TARGET // 2
