"""Recognising a burst that differs from an earlier one of the same size in values only.

Sources that sample evenly send burst after burst of the same channels and sizes. A pattern is the bits that decide how
such a burst is parsed, and those of its channel ids: one comparison of them replaces parsing.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rta.wire.layout import ItemKind

__all__ = ["BitPattern", "PatternBuilder", "PatternCache"]

P = TypeVar("P")

_MEMBERS = frozenset(v for k, v in vars(ItemKind).items() if k.isupper())
_DATA = frozenset({ItemKind.TIMESTAMPED, ItemKind.PERIODIC, ItemKind.ROW})
_DELTAS = 4  # the field of `TimestampedData` that is a list of numbers; in the other kinds it is one number or absent
_LONG = 512  # bytes from which on comparing arrays is faster than comparing numbers
_MOST_ITEMS = 8192  # of a burst that gets a pattern: reading them takes some 30 ms
_FEW = 4  # of so many words one at most counts: picking those out is faster than looking at all
_KEPT = 8  # patterns kept, and made without waiting for more bursts
_INTERVAL = 1000  # bursts that fit no pattern, for each further pattern
_SIZES = 64  # sizes of bursts that are remembered


class BitPattern:
    """The bits that bursts of one size have in common."""

    __slots__ = ("_long", "_mask", "_masked", "_picked", "_tail", "_tail_at", "_whole", "_words")

    def __init__(self, raw: bytes, mask: bytes) -> None:
        """`mask`: as long as the burst `raw`; the bits that count are set."""
        self._long = len(raw) >= _LONG
        masked = bytes(a & b for a, b in zip(raw, mask, strict=True))
        self._tail_at = at = len(raw) // 8 * 8 if self._long else 0
        self._words = at // 8
        self._mask = np.frombuffer(mask, np.uint64, self._words)
        picked = np.flatnonzero(self._mask)
        self._picked = picked if len(picked) * _FEW <= self._words else None
        if self._picked is not None:
            self._mask = self._mask[picked]
        self._masked = (self._long_words(raw) & self._mask).tobytes()
        self._tail = int.from_bytes(mask[at:], "little")
        self._whole = int.from_bytes(masked[at:], "little")

    def _long_words(self, raw: bytes) -> npt.NDArray[np.uint64]:
        words = np.frombuffer(raw, np.uint64, self._words)
        return words if self._picked is None else words.take(self._picked)

    def fits(self, raw: bytes) -> bool:
        """Whether a burst of the same length has these bits."""
        if self._long:
            if (self._long_words(raw) & self._mask).tobytes() != self._masked:
                return False
            raw = raw[self._tail_at :]
        return int.from_bytes(raw, "little") & self._tail == self._whole


class PatternBuilder:
    """Finds the bits of a burst that decide how it is parsed, and those of its channel ids."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self.bits = bytearray(len(raw))
        self.kinds: set[int] = set()
        self.times: list[int] = []
        """Offsets of the time ranges: start and end, 8 bytes each, with a tag of one byte between them."""
        self.items: list[tuple[int, int, int, list[tuple[int, int, int]]]] = []
        """Of data: the kind, where the length of the message begins, where the message ends, and its fields: tag, and
        where the value begins (behind its length, if it has one) and ends."""

    def read(self) -> bool:
        """Fill `bits`, `kinds` and `times`. False: the burst is written in an unusual way; make no pattern of it."""
        items = 0
        try:
            while self._at < len(self._raw):
                items += 1
                if items > _MOST_ITEMS or self._read_tag() != 0x0A or not self._read_item(self._read_varint(0xFF)):
                    return False
        except IndexError:
            return False
        return self._at == len(self._raw)

    def _read_item(self, size: int) -> bool:
        """One item. It must hold exactly one member, of a kind we know."""
        end = self._at + size
        kind, begin = self._read_tag(), self._at
        if kind not in _MEMBERS or self._read_varint(0xFF) != end - self._at:
            return False
        self.kinds.add(kind)
        if kind == ItemKind.TIME_RANGE:
            return self._read_time_range(end)
        if kind not in _DATA:
            self._at = end
        fields: list[tuple[int, int, int]] = []
        while self._at < end:
            if not self._read_field(fields):
                return False
        self.items.append((kind, begin, end, fields))
        return self._at == end

    def _read_time_range(self, end: int) -> bool:
        """It must have both times, in order: writers leave out a time that is 0."""
        start = self._at
        if end - start != 18 or self._read_tag() != 0x09:
            return False
        self._at += 8
        if self._read_tag() != 0x11:
            return False
        self.times.append(start + 1)
        self._at = end
        return True

    def _read_field(self, fields: list[tuple[int, int, int]]) -> bool:
        """One field of a data message. The value counts for field 1, which is the channel id in every kind of data."""
        tag, begin = self._read_tag(), self._at
        value = begin
        match tag & 7 if tag < 0x80 else None:
            case 0:  # a number
                self._read_varint(0x80)
            case 1:
                self._at += 8
            case 2:  # its length, then its bytes
                size = self._read_varint(0xFF)
                value = self._at
                if tag >> 3 == _DELTAS:  # each number must have as many bytes as before
                    self.bits[self._at : self._at + size] = b"\x80" * size
                self._at += size
            case 5:
                self._at += 4
            case _:
                return False
        if tag >> 3 == 1:
            self.bits[begin : self._at] = b"\xff" * (self._at - begin)
        fields.append((tag, value, self._at))
        return True

    def _read_tag(self) -> int:
        at = self._at
        self.bits[at] = 0xFF
        self._at = at + 1
        return self._raw[at]

    def _read_varint(self, mask: int) -> int:
        value, shift, at = 0, 0, self._at
        while True:
            byte = self._raw[at]
            self.bits[at] = mask
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._at = at
                return value
            shift += 7


class PatternCache(dict[int, P]):
    """Patterns by the size of the burst they were made of, and the rule that says which bursts get one.

    Making a pattern takes as long as parsing some 30 bursts. So a burst gets one if it resembles the last one of its
    size. Beyond the first eight patterns there is one for every 1000 bursts that fit none, so that bursts which never
    come again cost little. Eight patterns are kept; a new one then replaces the oldest.
    """

    __slots__ = ("_credit", "_seen")

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, object] = {}
        """What the last burst of a size resembled."""
        self._credit = _INTERVAL * _KEPT

    def admits(self, size: int, likeness: object = None) -> bool:
        """Whether to make a pattern of this burst, which fits none. Call it once for each such burst.

        `likeness`: the same object for bursts that resemble each other.
        """
        self._credit = min(self._credit + 1, _INTERVAL * _KEPT)
        if size not in self._seen or self._seen[size] is not likeness:
            if len(self._seen) >= _SIZES:
                self._seen.clear()
            self._seen[size] = likeness
            return False
        if self._credit < _INTERVAL:
            return False
        self._credit -= _INTERVAL
        return True

    def add(self, size: int, pattern: P | None) -> None:
        """The pattern made of a burst that was admitted; None where none can be made of it."""
        if pattern is None:
            return
        if len(self) >= _KEPT and size not in self:
            del self[next(iter(self))]
        self[size] = pattern
