"""Many items of a burst read at once, as arrays. Those that are written in an unusual way are left to protobuf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rta.archive.results import LIST_SPAN, LIST_TARGET, RESULT_LIMIT
from rta.archive.shape import BUFFER, CHANNEL, DELTAS, SAMPLES, SCALE, START
from rta.wire.layout import ItemKind
from rta.wire.varints import unpack_varints

__all__ = ["Scanned", "scan_items"]

Int64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FAR = 1 << 61  # ns: times within it do not overflow by what is added to them
_LONGEST = 10  # bytes of a number
_PADDING = bytes(_LONGEST + 8)


class Scanned(NamedTuple):
    """What has been read of each item of a burst."""

    plain: list[bool]
    """Whether it is timestamped or periodic data whose samples are in order and fit into one list as they are. What is
    here of others means nothing."""
    channels: list[int]
    starts: list[int]
    """ns: of the first sample."""
    ends: list[int]
    """Of the last."""


class _Cursor:
    """Where reading is in each item: one field after the other, in those that have it."""

    def __init__(self, raw: bytes, at: Int64, ends: Int64) -> None:
        self.raw = np.frombuffer(raw + _PADDING, np.uint8)
        self.at = at
        self.ends = ends

    def has(self, tag: int) -> Flags:
        """Those whose next field this is; they are behind the tag then."""
        there: Flags = (self.at < self.ends) & (self.raw[self.at] == tag)
        self.at = self.at + there
        return there

    def numbers(self, there: Flags) -> Int64:
        """The varints at the cursor; 0 in others."""
        values = np.zeros(len(self.at), np.int64)
        for shift in range(0, 7 * _LONGEST, 7):
            if not there.any():
                break
            byte = self.raw[self.at]
            values |= np.where(there, (byte & np.uint8(0x7F)).astype(np.int64) << shift, 0)
            self.at = np.minimum(self.at + there, self.ends)
            there = there & (byte > 0x7F)
        return values

    def moments(self, there: Flags) -> Int64:
        """The fixed numbers of 8 bytes; 0 in others."""
        at = np.where(there, self.at, len(self.raw) - 8)
        self.at = np.minimum(self.at + 8 * there, self.ends)
        return np.ascontiguousarray(self.raw[at[:, None] + np.arange(8)]).view("<i8").ravel()

    def bytes(self, there: Flags) -> tuple[Int64, Int64]:
        """Where the bytes of this field begin and end; what ends outside of its item ends with it."""
        sizes = self.numbers(there)
        begins = self.at
        self.at = np.where((sizes >= 0) & (sizes <= self.ends - begins), begins + sizes, self.ends)
        return begins, self.at


def scan_items(raw: bytes, parts: Sequence[bytes], width: Callable[[int], int]) -> Scanned | None:
    """`parts`: the items of the burst `raw`; `width`: bytes of a sample of a channel, 0: unknown. None: the burst is
    written in an unusual way."""
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    heads = 2 + sum((sizes >> 7 * n > 0).astype(np.int64) for n in range(1, 5))
    ends = np.cumsum(heads + sizes)
    if ends[-1] != len(raw):
        return None
    cursor = _Cursor(raw, ends - sizes, ends)
    timestamped = cursor.has(ItemKind.TIMESTAMPED)
    periodic = cursor.has(ItemKind.PERIODIC)
    data = timestamped | periodic
    content = cursor.numbers(data)
    plain = data & (cursor.at + content == ends)
    channels = cursor.numbers(cursor.has(CHANNEL)) & 0xFFFFFFFF
    starts = cursor.moments(cursor.has(START))
    scales = cursor.numbers(cursor.has(SCALE))
    samples = cursor.numbers(cursor.has(SAMPLES) & periodic)
    deltas = cursor.bytes(cursor.has(DELTAS) & timestamped)
    buffers = cursor.bytes(cursor.has(BUFFER))
    plain &= cursor.at == ends
    first, last, counts = _offsets(raw, plain & timestamped, deltas)
    last = np.where(timestamped, last, samples - 1)
    counts = np.where(timestamped, counts, samples)
    size = buffers[1] - buffers[0]
    widths = np.array([width(channel) for channel in channels.tolist()], np.int64)
    known = np.where(widths > 0, widths, size // np.maximum(counts, 1))
    plain &= (counts > 0) & (counts <= RESULT_LIMIT) & (known > 0) & (known * counts == size)
    plain &= (size < LIST_TARGET // 2) & (scales >= 0) & (np.abs(starts) < _FAR)
    plain &= (last >= 0) & (scales.astype(np.float64) * last <= LIST_SPAN)
    steps = np.where(plain, scales, 0)
    return Scanned(
        plain.tolist(), channels.tolist(), (starts + steps * first).tolist(), (starts + steps * last).tolist()
    )


def _offsets(raw: bytes, there: Flags, deltas: tuple[Int64, Int64]) -> tuple[Int64, Int64, Int64]:
    """The first delta of each, the sum of all (-1 if one is negative), and how many there are."""
    out = np.zeros((3, len(there)), np.int64)
    which = np.flatnonzero(there)
    blocks = [raw[begin:end] for begin, end in zip(deltas[0][which].tolist(), deltas[1][which].tolist(), strict=True)]
    values, counts = unpack_varints(blocks)
    some = counts > 0
    which, counts = which[some], counts[some]
    begins = np.cumsum(counts) - counts
    if len(which):
        short = np.maximum.reduceat(values.view(np.uint64), begins) < _FAR // RESULT_LIMIT
        out[0, which] = values[begins]
        out[1, which] = np.where(short, np.add.reduceat(values, begins), -1)
        out[2, which] = counts
    return out[0], out[1], out[2]
