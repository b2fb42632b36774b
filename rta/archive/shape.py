"""Results that differ in values only: where each value is, so that many are read at once, as arrays."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from rta.wire import DataKind
from rta.wire.bit_pattern import PatternBuilder
from rta.wire.layout import ItemKind
from rta.wire.varints import unpack_varints, varint

__all__ = ["BUFFER", "CHANNEL", "DELTAS", "ITEM_KINDS", "SAMPLES", "SCALE", "START", "Block", "ResultShape"]

Int64 = npt.NDArray[np.int64]
Block = npt.NDArray[np.uint8]
"""Shape (results, bytes of one): its length, then the message."""

ITEM_KINDS = {
    ItemKind.TIMESTAMPED: DataKind.TIMESTAMPED,
    ItemKind.PERIODIC: DataKind.PERIODIC,
    ItemKind.ROW: DataKind.ROW,
}

CHANNEL = 0x08
START = 0x11
SCALE = 0x18
"""Of timestamped data; the interval of periodic data."""
SAMPLES = 0x20
DELTAS = 0x22
BUFFER = 0x2A
"""Tags, as protobuf writes them."""

_ROW_CHANNELS = 0x0A
_ROW_BUFFER = 0x1A
_TAGS = {
    DataKind.TIMESTAMPED: frozenset({CHANNEL, START, SCALE, DELTAS, BUFFER}),
    DataKind.PERIODIC: frozenset({CHANNEL, START, SCALE, SAMPLES, BUFFER}),
    DataKind.ROW: frozenset({_ROW_CHANNELS, START, _ROW_BUFFER}),
}
_NUMBERS = frozenset({SCALE, SAMPLES, DELTAS})
_LONGEST = 6  # bytes of a number, 7 bits in each: the product of two is checked as a double first
_FEW = 4  # results: fewer are parsed as fast
_HEAD = 16  # bytes that certainly hold the length of a result


class _Number:
    """Varints that stand in the same place of every result, each with as many bytes as in the others."""

    __slots__ = ("_first", "_weights", "at", "count", "is_short")

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
        self.at = slice(at, end)
        self._weights = np.array(weights, np.int64)

    def total(self, block: Block) -> Int64:
        """Their sum in each result. Of short ones."""
        return self._sum(block[:, self.at], self._weights)

    def first(self, block: Block) -> Int64:
        """The first in each result."""
        return self._sum(block[:, self.at.start : self.at.start + self._first], self._weights[: self._first])

    @staticmethod
    def _sum(part: Block, weights: Int64) -> Int64:
        sums: Int64 = (part & np.uint8(0x7F)).astype(np.int64) @ weights
        return sums


class ResultShape:
    """Where the values of a result are. One without a number that its kind has is 0 there: protobuf leaves it out."""

    __slots__ = ("_buffer", "_numbers", "_start", "channels", "count", "size")

    def __init__(self, raw: bytes, begin: int, kind: DataKind, fields: dict[int, tuple[int, int]]) -> None:
        """Use `read`."""
        self._start = fields.get(START, (0, 0))[0]
        self._buffer = slice(*fields.get(BUFFER, (0, 0)))
        self.size = self._buffer.stop - self._buffer.start
        """Bytes of the buffer."""
        self._numbers = {tag: _Number(raw, begin, *where) for tag, where in fields.items() if tag in _NUMBERS}
        self.count = self._numbers[DELTAS].count if DELTAS in self._numbers else 0
        """Of deltas."""
        at, end = fields.get(_ROW_CHANNELS if kind is DataKind.ROW else CHANNEL, (0, 0))
        numbers, _ = unpack_varints([raw[begin + at : begin + end]])
        self.channels = tuple((numbers & 0xFFFFFFFF).tolist()) or (() if kind is DataKind.ROW else (0,))

    @classmethod
    def read(cls, raw: bytes, begin: int, kind: DataKind, found: list[tuple[int, int, int]]) -> Self | None:
        """`begin`: of the result; `found`: its fields, as `PatternBuilder` has them. None: it is unusual."""
        fields = {tag: (at - begin, end - begin) for tag, at, end in found}
        if not fields.keys() <= _TAGS[kind] or len(fields) < len(found):
            return None
        shape = cls(raw, begin, kind, fields)
        return shape if all(number.is_short for number in shape._numbers.values()) else None

    @classmethod
    def of_list(cls, kind: DataKind, raw: bytes) -> tuple[Self, Block] | None:
        """The results of a list message, if all are alike and there is more than a few."""
        size = _first_size(raw)
        if len(raw) % size or len(raw) < _FEW * size:
            return None
        item = bytes([_ITEMS[kind]]) + raw[1:size]
        first = b"\x0a" + varint(len(item)) + item
        builder = PatternBuilder(first)
        if not builder.read():
            return None
        shape = cls.read(first, len(first) - size + 1, kind, builder.items[0][3])
        block = np.frombuffer(raw, np.uint8).reshape(-1, size)[:, 1:]
        bits = np.frombuffer(builder.bits, np.uint8)[1 - size :]
        if shape is None or ((block ^ block[0]) & bits).any():
            return None
        return shape, block

    def starts(self, block: Block) -> Int64:
        if not self._start:
            return np.zeros(len(block), np.int64)
        return np.ascontiguousarray(block[:, self._start : self._start + 8]).view("<i8").ravel()

    def total(self, tag: int, block: Block) -> Int64:
        """A number of each result; of the deltas their sum."""
        number = self._numbers.get(tag)
        return np.zeros(len(block), np.int64) if number is None else number.total(block)

    def first_delta(self, block: Block) -> Int64:
        return self._numbers[DELTAS].first(block)

    def deltas(self, block: Block) -> Int64:
        """Shape (results, `count`)."""
        values, _ = unpack_varints([block[:, self._numbers[DELTAS].at].tobytes()])
        return values.reshape(-1, self.count)

    def buffers(self, block: Block) -> bytes:
        """One after the other."""
        return block[:, self._buffer].tobytes()


_ITEMS = {kind: item for item, kind in ITEM_KINDS.items()}


def _first_size(raw: bytes) -> int:
    """Bytes of the first entry of a list: tag, length, message."""
    size = shift = 0
    for at, byte in enumerate(raw[1:_HEAD], 2):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at + size
    return len(raw) + 1
