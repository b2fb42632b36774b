"""Samples of one channel as arrays: what results are made of, and made into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rta.wire import ByteOrder, ChannelId, SampleType

__all__ = ["ChannelTypes", "Series", "width_of"]

ChannelTypes = Mapping[int, tuple[SampleType, ByteOrder]]
"""The types of the channels that are known, by their ids on the wire."""

Int64 = npt.NDArray[np.int64]

_USUAL = frozenset({1, 2, 4, 8})


def width_of(types: ChannelTypes, channel: int, size: int, count: int) -> tuple[int, bool]:
    """Bytes of a sample in a buffer of `size` bytes for `count` samples, and whether that is certain.

    Of an unknown channel the buffer tells it, as for live clients (`rta.wire.columns`).
    """
    known = types.get(ChannelId(channel))
    if known is not None:
        return known[0].dtype().itemsize, True
    width, rest = divmod(size, count) if count > 0 else (0, size)
    if width and not rest:
        return width, True
    return (width if width in _USUAL else 8), False


class Series(NamedTuple):
    """Samples of one channel, in the order in which they have come or of their times. Arrays of n."""

    times: Int64
    """ns since the Unix epoch."""
    samples: npt.NDArray[np.uint8]
    """The bytes of each, shape (n, the largest width)."""
    widths: Int64 | int
    """Bytes of each sample; one number where all have the same."""
    intervals: Int64 | None = None
    """Of periodic samples: ns from one to the next."""

    @property
    def moments(self) -> Int64:
        """What `sorted` goes by."""
        return self.times

    @property
    def is_sorted(self) -> bool:
        return bool((self.times[1:] >= self.times[:-1]).all())

    def sorted(self) -> Self:
        """By time; those of one time in the order they have now."""
        return self if self.is_sorted else self.pick(np.argsort(self.times, kind="stable"))

    def pick(self, which: slice | Int64) -> Self:
        """Some of them."""
        widths = self.widths if isinstance(self.widths, int) else self.widths[which]
        intervals = None if self.intervals is None else self.intervals[which]
        return self._replace(times=self.times[which], samples=self.samples[which], widths=widths, intervals=intervals)

    def part(self, begin: int, end: int) -> Self:
        return self.pick(slice(begin, end))

    @classmethod
    def joined(cls, parts: Sequence[Series]) -> Series:
        """One after the other; at least one part, all periodic or none."""
        if len(parts) == 1:
            return parts[0]
        widths: Int64 | int = parts[0].widths
        samples = [part.samples for part in parts]
        if any(not isinstance(part.widths, int) or part.widths != widths for part in parts):
            most = max(s.shape[1] for s in samples)
            samples = [np.pad(s, ((0, 0), (0, most - s.shape[1]))) for s in samples]
            widths = np.concatenate([np.broadcast_to(np.int64(p.widths), len(p.times)) for p in parts])
        intervals = [part.intervals for part in parts if part.intervals is not None]
        return Series(
            np.concatenate([part.times for part in parts]),
            np.concatenate(samples),
            widths,
            np.concatenate(intervals) if intervals else None,
        )
