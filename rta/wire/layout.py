"""Cutting a burst down to what a subscription covers, without building protobuf objects.

A burst's *layout* is which item belongs to which channel. Bursts of one source share a few layouts, so layouts
are remembered; filters remember which items of each go out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Protocol

from rta.wire._pb import scan_pb2

__all__ = ["ItemKind", "Layout", "LayoutCache", "Taken", "Wanted"]

Taken = Callable[[Sequence[bytes]], tuple[bytes, ...]] | bool
"""What goes out of a burst of one layout: a function from its pieces to those wanted. True: all; False: nothing."""


class ItemKind:
    """The first byte of an item: its field number in `StreamData`, length-delimited. 0: none that we know."""

    SESSION_JSON = 0x12
    TIME_RANGE = 0x1A
    TIMESTAMPED = 0x22
    PERIODIC = 0x2A
    ROW = 0x32
    EVENT = 0x3A


_KEY_LIMIT = 128 << 10  # bytes of a skeleton that is remembered; session JSON is part of it


class Wanted(Protocol):
    """Decides which items of a burst are delivered."""

    @property
    def named(self) -> frozenset[int] | None:
        """The channels of which data may be wanted; None: any."""
        ...

    def wanted(self, kind: int, channels: tuple[int, ...]) -> bool:
        """Whether an item is a reason to send."""
        ...

    def rides(self, kind: int) -> bool:
        """Whether an item comes along when another is."""
        ...


class Layout:
    """Kind and channels of each item of a burst."""

    __slots__ = ("_by_channel", "_others", "items")

    def __init__(self, items: tuple[tuple[int, tuple[int, ...]], ...]) -> None:
        self.items = items
        self._by_channel: dict[int, list[int]] = {}
        self._others: list[int] = []
        for i, (_, channels) in enumerate(items):
            for channel in channels:
                self._by_channel.setdefault(channel, []).append(i)
            if not channels:
                self._others.append(i)

    def pick(self, wanted: Wanted) -> tuple[int, ...]:
        """Indices of the items that go out, in order; none where nothing is a reason to send."""
        items, named = self.items, wanted.named
        candidates: Iterable[int] = range(len(items))
        if named is not None and len(named) < len(items):
            candidates = sorted({i for c in named for i in self._by_channel.get(c, ())}.union(self._others))
        reasons = {i for i in candidates if wanted.wanted(*items[i])}
        if not reasons:
            return ()
        return tuple(i for i in candidates if i in reasons or wanted.rides(items[i][0]))

    def taken(self, wanted: Wanted) -> Taken:
        """What goes out of a burst of this layout, as a function that is fast for many of them."""
        picks, n = self.pick(wanted), len(self.items)
        if not picks or len(picks) == n:
            return bool(picks)
        return itemgetter(*[i for pick in picks for i in (pick, n + pick)])


class LayoutCache:
    """The layouts of one source's recent bursts, newest last; at most `size` of them."""

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Layout] = OrderedDict()

    def layout(self, raw: bytes) -> Layout:
        """The layout of a burst that has been checked."""
        skeleton = scan_pb2.Skeleton.FromString(raw)
        skeleton.DiscardUnknownFields()
        key = skeleton.SerializeToString()
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = Layout(tuple([_item(e) for e in skeleton.data]))
        if len(key) <= _KEY_LIMIT:
            self._known[key] = found
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return found


def _item(item: scan_pb2.SkeletonItem) -> tuple[int, tuple[int, ...]]:
    """Kind and channels of one item."""
    match item.WhichOneof("data"):
        case "timestamped_data":
            return ItemKind.TIMESTAMPED, (item.timestamped_data.channel_id,)
        case "periodic_data":
            return ItemKind.PERIODIC, (item.periodic_data.channel_id,)
        case "row_data":
            return ItemKind.ROW, tuple(item.row_data.channel_ids)
        case "session_json":
            return ItemKind.SESSION_JSON, ()
        case "time_range":
            return ItemKind.TIME_RANGE, ()
        case "event":
            return ItemKind.EVENT, ()
        case _:
            return 0, ()
