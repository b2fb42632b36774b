"""The bursts: shapes, sample values, time stamps. A burst begins with a time range, whose end is its stamp."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from attrs import frozen

from rta.session.merged_frames import OpenBurst
from rta.wire import Burst, TimeRange, TimestampedData, data_item, make_burst, pack
from rta.wire.burst import join, split

__all__ = ["SHAPES", "Maker", "Shape"]

T0 = 1_620_129_055_000_000_000
_VARIANTS = 16
_STAMP = struct.Struct("<q")
_HEAD = b"\x0a\x14\x1a\x12\x09" + _STAMP.pack(T0) + b"\x11"  # StreamData{time_range{start, end}}, without the end


@frozen
class Shape:
    """So many channels with so many samples each, in one burst."""

    name: str
    channels: int
    samples: int


_SHAPES = (Shape("A", 3, 10), Shape("B", 64, 100), Shape("C", 500, 1), Shape("D", 1000, 10), Shape("S", 10, 1))
SHAPES = {s.name: s for s in _SHAPES}


def _items(shape: Shape, variant: int) -> list[bytes]:
    """One item for every channel. Random doubles, which LZ4 cannot shrink: the worst case in bytes."""
    rng = random.Random(f"{shape.name}{variant}")
    items = [
        TimestampedData(
            channel_id=channel,
            start_timestamp=T0 + variant * 1_000_000_000,
            timestamp_deltas_scale=10_000_000,
            timestamp_deltas=[0] + [1] * (shape.samples - 1),
            buffer=struct.pack(f"<{shape.samples}d", *(rng.uniform(-100, 100) for _ in range(shape.samples))),
        )
        for channel in range(1, shape.channels + 1)
    ]
    return split(make_burst([data_item(d) for d in items]).raw())


def _found(data: bytes, what: bytes) -> npt.NDArray[np.int64]:
    """Where it stands."""
    places = []
    at = data.find(what)
    while at >= 0:
        places.append(at)
        at = data.find(what, at + len(what))
    return np.asarray(places, np.int64)


class Maker:
    """Makes bursts of one shape."""

    def __init__(self, shape: str, relayout: int = 0) -> None:
        """Every `relayout` bursts the channels come in another order; 0: never."""
        self._items = [_items(SHAPES[shape], v) for v in range(_VARIANTS)]
        self._tails = [join(items) for items in self._items]
        self._relayout = relayout
        self._places: dict[int, npt.NDArray[np.int64]] = {}
        """Where the times of a variant's items stand in it."""

    def _tail(self, number: int) -> bytes:
        turn = number // self._relayout if self._relayout else 0
        if not turn:
            return self._tails[number % _VARIANTS]
        items = self._items[number % _VARIANTS]
        k = turn % len(items)
        return join(items[k:] + items[:k])

    def burst(self, number: int, stamp: int | None = None) -> Burst:
        """One burst, as a source would make it. The stamp is in ns since the Unix epoch."""
        end = T0 + number * 1_000_000 if stamp is None else stamp
        raw = _HEAD + _STAMP.pack(end) + self._tail(number)
        return Burst(pack(raw), len(raw), (), TimeRange(T0, end), has_data=True, has_events=False)

    def at(self, number: int, begin: int, stamp: int) -> Burst:
        """One burst whose samples begin at `begin`, ns since the Unix epoch, instead of at one of a few times."""
        tail = self._tail(number)
        old = b"\x11" + _STAMP.pack(T0 + number % _VARIANTS * 1_000_000_000)
        head = _HEAD.replace(_STAMP.pack(T0), _STAMP.pack(begin)) + _STAMP.pack(stamp)
        raw = np.frombuffer(head + tail, np.uint8).copy()
        places = self._places.get(number % _VARIANTS)
        if places is None:
            places = self._places[number % _VARIANTS] = _found(tail, old) + len(head) + 1
        raw[places[:, None] + np.arange(_STAMP.size)] = np.frombuffer(_STAMP.pack(begin), np.uint8)
        data = raw.tobytes()
        return Burst(pack(data), len(data), (), TimeRange(begin, stamp), has_data=True, has_events=False)

    def bursts(self, count: int) -> Iterator[Burst]:
        """Different ones, their stamps counting up."""
        return map(self.burst, range(count))

    def frame(self, number: int, stamp: int | None = None) -> bytes:
        """The WebSocket frame of a burst that is sent untouched."""
        return OpenBurst(self.burst(number, stamp)).frame

    @property
    def size(self) -> int:
        """Bytes of one frame."""
        return len(self.frame(0))
