"""Taking bursts to pieces, fast where they differ from an earlier one in values only. The bursts of one source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

from rta.wire.bit_pattern import BitPattern, PatternBuilder, PatternCache
from rta.wire.block import TARGET
from rta.wire.burst import pieces
from rta.wire.layout import Layout, LayoutCache

__all__ = ["BurstTemplate", "TemplateCache"]

_LARGE = 128  # bytes of a burst per item: items that are larger are parsed faster than compared


class BurstTemplate:
    """A layout, and how to take bursts that have it and fit the pattern to pieces."""

    __slots__ = ("_heads", "_unpack", "fits", "layout")

    def __init__(self, layout: Layout, pattern: BitPattern, heads: list[bytes], items: list[bytes]) -> None:
        """Use `from_burst`."""
        self.layout = layout
        self.fits = pattern.fits
        self._heads = tuple(heads)
        self._unpack = Struct("".join([f"{len(h)}x{len(i)}s" for h, i in zip(heads, items, strict=True)])).unpack

    @classmethod
    def from_burst(cls, layout: Layout, raw: bytes) -> BurstTemplate | None:
        """The template of a burst that has been checked; None if something in it is written in an unusual way."""
        n = len(layout.items)
        builder, parts = PatternBuilder(raw), pieces(raw)
        # A length may be written in more bytes than it needs.
        if sum(map(len, parts)) != len(raw) or not builder.read():
            return None
        return cls(layout, BitPattern(raw, bytes(builder.bits)), parts[:n], parts[n:])

    def pieces(self, raw: bytes) -> Sequence[bytes]:
        """`rta.wire.burst.pieces` of a burst that fits."""
        return self._heads + self._unpack(raw)


class TemplateCache:
    """The layouts of one source's bursts, and templates of those that come again with the same size."""

    def __init__(self) -> None:
        self._layouts = LayoutCache()
        self._templates: PatternCache[BurstTemplate] = PatternCache()

    def open(self, raw: bytes) -> tuple[Layout, Callable[[bytes], Sequence[bytes]]]:
        """The layout of a burst that has been checked, and the function that takes it to pieces."""
        size = len(raw)
        template = self._templates.get(size)
        if template is not None and template.fits(raw):
            return template.layout, template.pieces
        layout = self._layouts.layout(raw)
        if size <= min(TARGET, _LARGE * len(layout.items)) and self._templates.admits(size, layout):
            self._templates.add(size, BurstTemplate.from_burst(layout, raw))
        return layout, pieces
