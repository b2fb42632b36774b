"""Checking the bursts of one session, fast where they differ from an earlier one in values only."""

from __future__ import annotations

from struct import Struct

from rta.errors import MalformedError
from rta.wire.bit_pattern import BitPattern, PatternBuilder, PatternCache
from rta.wire.block import unpack
from rta.wire.burst import DEFAULT_LIMITS, Burst, SizeLimits, check_session_json, digest, read_burst
from rta.wire.layout import ItemKind
from rta.wire.values import TimeRange

__all__ = ["BurstReader"]

_WITHOUT_TEXT = frozenset({ItemKind.TIME_RANGE, ItemKind.TIMESTAMPED, ItemKind.PERIODIC, ItemKind.ROW})
_TIMES = Struct("<qxq")


class _BurstPattern:
    """What `digest` finds in bursts that fit: only the times differ. Text would have to be checked each time."""

    __slots__ = ("_has_data", "_times", "fits")

    def __init__(self, pattern: BitPattern, times: list[int], has_data: bool) -> None:
        self.fits = pattern.fits
        self._times = times
        self._has_data = has_data

    @classmethod
    def from_burst(cls, raw: bytes) -> _BurstPattern | None:
        """The pattern of a burst that has been checked; None if it holds text or is written in an unusual way."""
        builder = PatternBuilder(raw)
        if not builder.read() or not builder.kinds <= _WITHOUT_TEXT:
            return None
        has_data = bool(builder.kinds - {ItemKind.TIME_RANGE})
        return cls(BitPattern(raw, bytes(builder.bits)), builder.times, has_data)

    def burst(self, packed: bytes, raw: bytes) -> Burst:
        span: TimeRange | None = None
        for at in self._times:
            span = TimeRange.union_of(span, TimeRange(*_TIMES.unpack_from(raw, at)))
        return Burst(packed, len(raw), (), span, self._has_data, False)


class BurstReader:
    """`read_burst` for the bursts of one session."""

    __slots__ = ("_limits", "_patterns")

    def __init__(self, limits: SizeLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._patterns: PatternCache[_BurstPattern] = PatternCache()

    def read(self, packed: bytes) -> Burst:
        """Check all of a packed burst.

        :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
        """
        return self.read_usual(packed, self._limits.burst) or read_burst(packed, self._limits)

    def read_usual(self, packed: bytes, most: int) -> Burst | None:
        """The same for a burst that is not larger than one without session JSON may be. None: it may be larger, or it
        fits no pattern and has more than `most` bytes to be parsed.

        :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
        """
        try:
            raw = unpack(packed, self._limits.burst)
        except MalformedError as e:
            if e.kind == "oversize":
                return None
            raise
        size = len(raw)
        pattern = self._patterns.get(size)
        if pattern is not None and pattern.fits(raw):
            return pattern.burst(packed, raw)
        if size > most:
            return None
        burst = digest(packed, raw)
        check_session_json(burst, self._limits)
        if self._patterns.admits(size):
            self._patterns.add(size, _BurstPattern.from_burst(raw))
        return burst
