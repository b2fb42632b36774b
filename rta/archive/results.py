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

from rta.wire import Chunk, DataKind, pack
from rta.wire.varints import varint

__all__ = [
    "LATEST",
    "LENGTHS",
    "LIST_SPAN",
    "LIST_TARGET",
    "RESULT_LIMIT",
    "RESULT_SAMPLES",
    "Results",
    "chunks_of",
    "spans",
]

Int64 = npt.NDArray[np.int64]

RESULT_SAMPLES = 128
RESULT_LIMIT = 10_000
"""Samples that a result must not exceed."""
LIST_TARGET = 64 << 10
"""Bytes of a list message, if it has more than one result."""
LIST_SPAN = 100 * 10**9
"""ns from the first sample of a list to the last."""
LATEST = (1 << 63) - 1
"""ns; the greatest time there is."""

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
        return bool((spans(self.starts, self.ends) > LIST_SPAN).any())

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
        if total and sizes[-1] <= LIST_TARGET and spans(self.starts[:1], self.ends[-1:])[0] <= LIST_SPAN:
            return [0, total]
        out, at = [0], 0
        while at < total:
            before = int(sizes[at - 1]) if at else 0
            by_size = int(np.searchsorted(sizes, before + LIST_TARGET, "right"))
            by_span = int(np.searchsorted(self.ends, min(int(self.starts[at]) + LIST_SPAN, LATEST), "right"))
            at = max(at + 1, min(by_size, by_span))
            out.append(at)
        return out


def spans(starts: Int64, ends: Int64) -> npt.NDArray[np.uint64]:
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


class _Lengths(dict[int, bytes]):
    """The varint of a size. All are below the limit of a chunk; most are small and come again."""

    def __missing__(self, size: int) -> bytes:
        out = varint(size)
        if size < LIST_TARGET:
            self[size] = out
        return out


LENGTHS = _Lengths()
