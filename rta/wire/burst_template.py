"""Recognising a burst that differs from an earlier one in values only.

Sources that sample evenly send burst after burst of the same channels and sizes. Where all the bits that decide how
a burst is parsed, and its channel ids, are the same, so is the layout: one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

import numpy as np

from rta.wire.block import TARGET
from rta.wire.burst import pieces
from rta.wire.layout import ItemKind, Layout, LayoutCache

__all__ = ["BitPattern", "PatternBuilder", "BurstTemplate", "TemplateCache"]

_MEMBERS = frozenset(v for k, v in vars(ItemKind).items() if k.isupper())
_DATA = frozenset({ItemKind.TIMESTAMPED, ItemKind.PERIODIC, ItemKind.ROW})
_DELTAS = 4  # the field of `TimestampedData` that is a list of numbers; in the others it is one number, or not there
_LONG = 512  # bytes from which on comparing arrays is faster than comparing numbers
_WORTH = 128  # bytes of a burst per item: with larger items, parsing is cheaper than comparing
_EVERY = 1000  # bursts for each mould that is made: one takes as long as parsing some 30
_MOULDS = 8  # kept, and made without waiting for more bursts
_SIZES = 64  # sizes of bursts that are remembered


class BitPattern:
    """The bits that bursts have in common."""

    __slots__ = ("_long", "_mask", "_masked", "_tail", "_tail_at", "_whole")

    def __init__(self, raw: bytes, mask: bytes) -> None:
        """`mask`: as long as the burst, with the bits set that count."""
        self._long = len(raw) >= _LONG
        masked = bytes(a & b for a, b in zip(raw, mask, strict=True))
        self._tail_at = at = len(raw) // 8 * 8 if self._long else 0
        self._mask = np.frombuffer(mask, np.uint64, at // 8)
        self._masked = masked[:at]
        self._tail = int.from_bytes(mask[at:], "little")
        self._whole = int.from_bytes(masked[at:], "little")

    def fits(self, raw: bytes) -> bool:
        """Whether a burst of the same length has them."""
        if self._long:
            words = np.frombuffer(raw, np.uint64, len(self._mask))
            if (words & self._mask).tobytes() != self._masked:
                return False
            raw = raw[self._tail_at :]
        return int.from_bytes(raw, "little") & self._tail == self._whole


class BurstTemplate:
    """What bursts of one layout and the same sizes have in common."""

    __slots__ = ("_heads", "_unpack", "fits", "layout")

    def __init__(self, layout: Layout, form: BitPattern, heads: list[bytes], items: list[bytes]) -> None:
        """Use `of`."""
        self.layout = layout
        self.fits = form.fits
        self._heads = tuple(heads)
        self._unpack = Struct("".join([f"{len(h)}x{len(i)}s" for h, i in zip(heads, items, strict=True)])).unpack

    @classmethod
    def of(cls, layout: Layout, raw: bytes) -> BurstTemplate | None:
        """A mould of a burst that has been checked; None for one with anything in it that nobody writes."""
        n = len(layout.items)
        mask, parts = PatternBuilder(raw), pieces(raw)
        # Lengths may be written in more bytes than they need.
        if sum(map(len, parts)) != len(raw) or not mask.burst():
            return None
        return cls(layout, BitPattern(raw, bytes(mask.bits)), parts[:n], parts[n:])

    def pieces(self, raw: bytes) -> Sequence[bytes]:
        """`rta.wire.burst.pieces` of a burst that fits."""
        return self._heads + self._unpack(raw)


class TemplateCache:
    """The layouts of one source's bursts, and moulds of those that come again with the same sizes."""

    def __init__(self) -> None:
        self._layouts = LayoutCache()
        self._seen: dict[int, Layout] = {}
        """The layout of the last burst of a size."""
        self._moulds: dict[int, BurstTemplate] = {}
        self._due = _EVERY * _MOULDS

    def open(self, raw: bytes) -> tuple[Layout, Callable[[bytes], Sequence[bytes]]]:
        """The layout of a burst that has been checked, and what takes it to its pieces."""
        size = len(raw)
        self._due = min(self._due + 1, _EVERY * _MOULDS)
        mould = self._moulds.get(size)
        if mould is not None:
            if mould.fits(raw):
                return mould.layout, mould.pieces
            del self._moulds[size]
        layout = self._layouts.layout(raw)
        if size <= min(TARGET, _WORTH * len(layout.items)):
            if self._seen.get(size) is layout:
                self._make(layout, raw)
            elif len(self._seen) >= _SIZES:
                self._seen.clear()
            self._seen[size] = layout
        return layout, pieces

    def _make(self, layout: Layout, raw: bytes) -> None:
        if self._due < _EVERY:
            return
        self._due -= _EVERY
        mould = BurstTemplate.of(layout, raw)
        if mould is not None:
            if len(self._moulds) >= _MOULDS:
                del self._moulds[next(iter(self._moulds))]
            self._moulds[len(raw)] = mould


class PatternBuilder:
    """Walks a burst and sets the bits that decide how it is parsed, and those of channel ids."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self.bits = bytearray(len(raw))
        self.kinds: set[int] = set()
        self.times: list[int] = []
        """Where the time ranges are: start and end, 8 bytes each, with a tag between."""

    def burst(self) -> bool:
        """False for a burst with anything in it that needs a closer look."""
        try:
            while self._at < len(self._raw):
                if self._tag() != 0x0A or not self._item(self._varint(0xFF)):
                    return False
        except IndexError:
            return False
        return self._at == len(self._raw)

    def _item(self, size: int) -> bool:
        """One item: exactly one member of a kind we know."""
        end = self._at + size
        kind = self._tag()
        if kind not in _MEMBERS or self._varint(0xFF) != end - self._at:
            return False
        self.kinds.add(kind)
        if kind == ItemKind.TIME_RANGE:
            return self._time_range(end)
        if kind not in _DATA:
            self._at = end
        while self._at < end:
            if not self._field():
                return False
        return self._at == end

    def _time_range(self, end: int) -> bool:
        """Both of its times, in order; an end that is 0 is not written."""
        start = self._at
        if end - start != 18 or self._tag() != 0x09:
            return False
        self._at += 8
        if self._tag() != 0x11:
            return False
        self.times.append(start + 1)
        self._at = end
        return True

    def _field(self) -> bool:
        """One field of a data message. Of the channel ids, which are field 1 in all of them, the value counts too."""
        tag, begin = self._tag(), self._at
        match tag & 7 if tag < 0x80 else None:
            case 0:  # a number
                self._varint(0x80)
            case 1:
                self._at += 8
            case 2:  # with its length in front
                size = self._varint(0xFF)
                if tag >> 3 == _DELTAS:  # each with as many bytes as before, so that they end where they did
                    self.bits[self._at : self._at + size] = b"\x80" * size
                self._at += size
            case 5:
                self._at += 4
            case _:
                return False
        if tag >> 3 == 1:
            self.bits[begin : self._at] = b"\xff" * (self._at - begin)
        return True

    def _tag(self) -> int:
        at = self._at
        self.bits[at] = 0xFF
        self._at = at + 1
        return self._raw[at]

    def _varint(self, mask: int) -> int:
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
