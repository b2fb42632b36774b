"""Checking the bursts of one session, fast where they are alike."""

from __future__ import annotations

from struct import Struct

from rta.errors import MalformedError
from rta.wire.block import unpack
from rta.wire.burst import DEFAULT_LIMITS, Burst, SizeLimits, digest, read_burst
from rta.wire.burst_template import BitPattern, PatternBuilder
from rta.wire.layout import ItemKind
from rta.wire.values import TimeRange

__all__ = ["BurstReader"]

_PLAIN = frozenset({ItemKind.TIME_RANGE, ItemKind.TIMESTAMPED, ItemKind.PERIODIC, ItemKind.ROW})
_TIMES = Struct("<qxq")
_EVERY = 1000  # bursts for each cast that is made: one takes as long as parsing some 30
_CASTS = 8  # kept, and made without waiting for more bursts
_TWICE = 64  # sizes of bursts that are remembered


class _BurstPattern:
    """What a burst says that differs from an earlier one in values only. Of kinds that hold no text."""

    __slots__ = ("_has_data", "_times", "fits")

    def __init__(self, form: BitPattern, times: list[int], has_data: bool) -> None:
        self.fits = form.fits
        self._times = times
        self._has_data = has_data

    @classmethod
    def of(cls, raw: bytes) -> _BurstPattern | None:
        mask = PatternBuilder(raw)
        if not mask.burst() or not mask.kinds <= _PLAIN:
            return None
        return cls(BitPattern(raw, bytes(mask.bits)), mask.times, bool(mask.kinds - {ItemKind.TIME_RANGE}))

    def burst(self, packed: bytes, raw: bytes) -> Burst:
        span: TimeRange | None = None
        for at in self._times:
            span = TimeRange.union_of(span, TimeRange(*_TIMES.unpack_from(raw, at)))
        return Burst(packed, len(raw), (), span, self._has_data, False)


class BurstReader:
    """`read_burst` for the bursts of one session."""

    __slots__ = ("_casts", "_due", "_limits", "_seen")

    def __init__(self, limits: SizeLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._casts: dict[int, _BurstPattern] = {}
        self._seen: dict[int, None] = {}
        self._due = _EVERY * _CASTS

    def read(self, packed: bytes) -> Burst:
        """Look into a packed burst and check all of it.

        :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
        """
        try:
            raw = unpack(packed, self._limits.burst)
        except MalformedError:
            return read_burst(packed, self._limits)
        size = len(raw)
        cast = self._casts.get(size)
        if cast is not None and cast.fits(raw):
            return cast.burst(packed, raw)
        burst = digest(packed, raw)
        self._learn(size, raw)
        return burst

    def _learn(self, size: int, raw: bytes) -> None:
        """Make a cast of a burst that was well-formed, of a size that comes again."""
        self._due = min(self._due + 1, _EVERY * _CASTS)
        if size not in self._seen:
            if len(self._seen) >= _TWICE:
                self._seen.clear()
            self._seen[size] = None
        elif self._due >= _EVERY:
            self._due -= _EVERY
            cast = _BurstPattern.of(raw)
            if cast is not None:
                if len(self._casts) >= _CASTS and size not in self._casts:
                    del self._casts[next(iter(self._casts))]
                self._casts[size] = cast
