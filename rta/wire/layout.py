"""Cutting a burst down to what a subscription covers, without building protobuf objects.

A burst's *layout* is which item belongs to which channel. Bursts of one source share a few layouts, so layouts
are remembered; filters remember which items of each they take.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

from google.protobuf.message import DecodeError

from rta.wire._pb import scan_pb2, stream_pb2

__all__ = ["ItemKind", "Layout", "LayoutCache", "Wanted"]


class ItemKind:
    """The first byte of an item: its field number in `StreamData`, length-delimited."""

    SESSION_JSON = 0x12
    TIME_RANGE = 0x1A
    TIMESTAMPED = 0x22
    PERIODIC = 0x2A
    ROW = 0x32
    EVENT = 0x3A


_KINDS = bytes(v for k, v in vars(ItemKind).items() if k.isupper())


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
        looked_at: Iterable[int] = range(len(items))
        if named is not None and len(named) < len(items):
            looked_at = sorted({i for c in named for i in self._by_channel.get(c, ())}.union(self._others))
        take = {i for i in looked_at if wanted.wanted(*items[i])}
        if not take:
            return ()
        return tuple(i for i in looked_at if i in take or wanted.rides(items[i][0]))


class LayoutCache:
    """The layouts of one source's recent bursts, newest last; at most `size` of them."""

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], Layout] = OrderedDict()

    def layout(self, raw: bytes, items: list[bytes]) -> Layout:
        """The layout of a burst that has been checked; `items` is `split(raw)`."""
        key = _signature(raw, items)
        if key is None:
            return Layout(tuple(_item(e) for e in items))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Layout(tuple(_item(e) for e in items))
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return found


def _signature(raw: bytes, items: list[bytes]) -> tuple[object, ...] | None:
    """What tells layouts apart, mostly at C speed; None for a burst nobody writes, where it might not."""
    try:
        kinds = bytes([e[0] for e in items])
    except IndexError:
        return None
    seen = scan_pb2.Digest.FromString(raw).data
    timestamped = tuple([d.channel_id for d in seen.timestamped_data])
    periodic = tuple([d.channel_id for d in seen.periodic_data])
    rows = tuple([tuple(r.channel_ids) for r in seen.row_data])
    members = len(timestamped) + len(periodic) + len(rows)
    members += len(seen.session_json) + len(seen.time_range) + len(seen.event)
    if members != len(items) or kinds.translate(None, _KINDS):
        return None  # an item with two members, with none, or with a field we do not know in front
    return kinds, timestamped, periodic, rows


def _item(item: bytes) -> tuple[int, tuple[int, ...]]:
    """Kind and channels of one item, the slow and certain way."""
    try:
        message = stream_pb2.StreamData.FromString(item)
    except DecodeError:
        return 0, ()
    match message.WhichOneof("data"):
        case "session_json":
            return ItemKind.SESSION_JSON, ()
        case "time_range":
            return ItemKind.TIME_RANGE, ()
        case "timestamped_data":
            return ItemKind.TIMESTAMPED, (message.timestamped_data.channel_id,)
        case "periodic_data":
            return ItemKind.PERIODIC, (message.periodic_data.channel_id,)
        case "row_data":
            return ItemKind.ROW, tuple(message.row_data.channel_ids)
        case "event":
            return ItemKind.EVENT, ()
        case _:
            return 0, ()
