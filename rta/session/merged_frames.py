"""Bursts to WebSocket frames for one filter: cut, merged, packed and framed once for everybody who wants the same."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from attrs import frozen

from rta.ports.values import Position
from rta.session.subscription import Filter
from rta.wire.block import pack
from rta.wire.burst import Burst, pieces
from rta.wire.burst_template import TemplateCache
from rta.wire.layout import Layout, Taken
from rta.wire.websocket import frame

__all__ = ["MergedFrame", "MergedFrameCache", "Cutter", "OpenBurst"]

WHOLE: Literal[True] = True


class OpenBurst:
    """A burst taken apart at most once, however many filters look at it."""

    __slots__ = ("_frame", "_pieces", "_raw", "_split", "burst", "layout")

    def __init__(self, burst: Burst) -> None:
        self.burst = burst
        self.layout: Layout | None = None
        """Which item belongs to which channel; None until somebody wants some of them only."""
        self._raw: bytes | None = None
        self._split: Callable[[bytes], Sequence[bytes]] = pieces
        self._pieces: Sequence[bytes] | None = None
        self._frame: bytes | None = None

    @property
    def raw(self) -> bytes:
        if self._raw is None:
            self._raw = self.burst.raw()
        return self._raw

    def open(self, templates: TemplateCache) -> Layout:
        """Which item belongs to which channel, from now on known."""
        if self.layout is None:
            self.layout, self._split = templates.open(self.raw)
        return self.layout

    @property
    def pieces(self) -> Sequence[bytes]:
        """See `rta.wire.burst.pieces`."""
        if self._pieces is None:
            self._pieces = self._split(self.raw)
        return self._pieces

    @property
    def frame(self) -> bytes:
        """The ingest's own packed bytes, framed."""
        if self._frame is None:
            self._frame = frame(self.burst.packed)
        return self._frame


@frozen(slots=True)
class MergedFrame:
    """What one filter leaves of the entries up to `end`."""

    end: Position
    frame: bytes | None
    """None: nothing."""
    bursts: int
    lost: bool = False
    """Some of the entries were gone: it is nothing for whoever is owed all of them."""
    gone: bool = False
    """All of them were."""


class Cutter:
    """Cuts and merges the bursts of one session."""

    def __init__(self) -> None:
        self._templates = TemplateCache()

    def cut(self, opened: OpenBurst, want: Filter) -> bytes | Literal[True] | None:
        """The serialised part that is wanted; True for all of it, None for nothing."""
        # What is remembered for a layout agrees with `may_want` and `wants_whole`. Nothing is remembered for None.
        taken = want.known.get(opened.layout)
        if taken is None:
            taken = self._taken(opened, want)
        if taken is True:
            return WHOLE
        return b"".join(taken(opened.pieces)) if taken else None

    def _taken(self, opened: OpenBurst, want: Filter) -> Taken:
        burst = opened.burst
        if not want.may_want(burst):
            return False
        if want.wants_whole(burst):
            return True
        return want.taken(opened.open(self._templates))

    def single(self, opened: OpenBurst, want: Filter) -> bytes | None:
        """The frame of one burst; untouched if nothing has to be left out."""
        part = self.cut(opened, want)
        if part is WHOLE:
            return opened.frame
        return None if part is None else frame(pack(part))

    def merged(self, bursts: Sequence[Burst], want: Filter, end: Position) -> MergedFrame:
        """One frame of several bursts: serialised bursts, one after the other, are a burst."""
        parts: list[tuple[OpenBurst, bytes | Literal[True]]] = []
        for burst in bursts:
            opened = OpenBurst(burst)
            part = self.cut(opened, want)
            if part is not None:
                parts.append((opened, part))
        if not parts:
            return MergedFrame(end, None, 0)
        if len(parts) == 1 and parts[0][1] is WHOLE:
            return MergedFrame(end, parts[0][0].frame, 1)
        raw = b"".join([opened.raw if part is WHOLE else part for opened, part in parts])
        return MergedFrame(end, frame(pack(raw)), len(parts))


class MergedFrameCache:
    """Frames that several clients are about to need, least recently used dropped over `bound` bytes.

    A frame holds all that a filter leaves of (start, end], so it is right for whoever stands at `start`.
    """

    _OVERHEAD = 400

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._frames: OrderedDict[tuple[Filter, int, Position], MergedFrame] = OrderedDict()
        self._uses: Counter[Filter] = Counter()
        """How many frames there are of each filter: its channels are kept alive by them, once."""
        self.bytes = 0

    def get(self, want: Filter, run: int, start: Position, upto: Position, gapless: bool = False) -> MergedFrame | None:
        """The frame from `start` if one is known that ends by `upto`. `gapless`: and that lacks nothing."""
        key = (want, run, start)
        merged = self._frames.get(key)
        if merged is None or merged.end > upto or (gapless and merged.lost):
            return None
        self._frames.move_to_end(key)
        return merged

    def put(self, want: Filter, run: int, start: Position, merged: MergedFrame) -> None:
        """Remember a frame."""
        key = (want, run, start)
        old = self._frames.pop(key, None)
        if old is not None:
            self._forget(want, old)
        self._frames[key] = merged
        if not self._uses[want]:
            self.bytes += want.weight
        self._uses[want] += 1
        self.bytes += self._cost(merged)
        while self.bytes > self._bound:
            (filter_, _, _), dropped = self._frames.popitem(last=False)
            self._forget(filter_, dropped)

    def _forget(self, want: Filter, merged: MergedFrame) -> None:
        self.bytes -= self._cost(merged)
        self._uses[want] -= 1
        if not self._uses[want]:
            del self._uses[want]
            self.bytes -= want.weight

    def _cost(self, merged: MergedFrame) -> int:
        return self._OVERHEAD + (len(merged.frame) if merged.frame else 0)
