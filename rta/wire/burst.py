"""Bursts: the unit that travels. Packed bytes, together with what checking them has found.

Knows the protobuf schema and LZ4; knows nothing of sessions, time or who asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define
from google.protobuf.message import DecodeError

from rta.errors import MalformedError
from rta.wire._pb import data_pb2, scan_pb2, stream_pb2
from rta.wire.block import BURST_LIMIT, JSON_LIMIT, TARGET, pack, unpack
from rta.wire.json_text import SESSION_LIMITS, JsonLimits, check_json_size
from rta.wire.session_json import Glance
from rta.wire.values import TimeRange

__all__ = [
    "Burst",
    "Data",
    "Event",
    "SizeLimits",
    "check_session_json",
    "PeriodicData",
    "RowData",
    "TimestampedData",
    "data_item",
    "digest",
    "has_fields",
    "join",
    "json_item",
    "make_burst",
    "pack_items",
    "pieces",
    "range_item",
    "read_burst",
    "split",
]

Event = data_pb2.Event
RowData = data_pb2.RowData
PeriodicData = data_pb2.PeriodicData
TimestampedData = data_pb2.TimestampedData
Data = TimestampedData | PeriodicData | RowData | Event


@define(frozen=True, slots=True)
class SizeLimits:
    """How much a burst may hold unpacked, in bytes, and how much each session JSON in it."""

    burst: int = BURST_LIMIT
    session_json: int = JSON_LIMIT
    json: JsonLimits = SESSION_LIMITS


DEFAULT_LIMITS = SizeLimits()

_MOST_ITEMS = 1 << 15  # one of data has some 32 bytes at least, so that no real burst of 1 MiB has more
_LARGE = 256 << 10  # bytes from which on fields are counted before they are parsed, which cannot be interrupted
_MOST_JSON = 256  # session JSONs in one burst

_SLACK = 64  # LZ4 checks the end of a block by the room there is: what unpacked once must do so again


@define(frozen=True, slots=True, eq=False)
class Burst:
    """One checked burst. `packed` is the LZ4 block exactly as its writer made it."""

    packed: bytes
    raw_size: int
    session_json: tuple[str, ...]
    """The session JSON updates in it, in order."""
    time_range: TimeRange | None
    """The union of the time ranges in it."""
    has_data: bool
    """Whether it has items of any of the three data kinds."""
    has_events: bool
    inspected: tuple[Glance, ...] | None = None
    """What has been found in each session JSON; None: nobody has looked, and they are small."""

    def raw(self) -> bytes:
        """The serialised `StreamDataBurst`."""
        return unpack(self.packed, self.raw_size + _SLACK)

    def message(self) -> stream_pb2.StreamDataBurst:
        """The decoded `StreamDataBurst`."""
        return stream_pb2.StreamDataBurst.FromString(self.raw())


def read_burst(packed: bytes, limits: SizeLimits = DEFAULT_LIMITS) -> Burst:
    """Check all of a packed burst.

    :raises MalformedError: kind `lz4`, `oversize` or `protobuf`.
    """
    try:
        raw = unpack(packed, limits.burst)
    except MalformedError as e:
        if e.kind != "oversize" or limits.session_json <= limits.burst:
            raise
        raw = unpack(packed, limits.session_json)
    burst = digest(packed, raw)
    if not burst.session_json and len(raw) > limits.burst:
        raise MalformedError(
            "oversize", f"a burst without session JSON holds {len(raw)} bytes; at most {limits.burst} are taken"
        )
    check_session_json(burst, limits)
    return burst


def check_session_json(burst: Burst, limits: SizeLimits) -> None:
    """What can be told without parsing.

    :raises MalformedError: kind `oversize`.
    """
    if len(burst.session_json) > _MOST_JSON:
        count = len(burst.session_json)
        raise MalformedError("oversize", f"a burst has {count} session JSONs; at most {_MOST_JSON} are taken")
    for text in burst.session_json:
        check_json_size(text, "a session JSON", limits.json)


def make_burst(items: Sequence[stream_pb2.StreamData]) -> Burst:
    """Serialise and pack items of our own making."""
    raw = stream_pb2.StreamDataBurst(data=items).SerializeToString()
    return digest(pack(raw), raw)


def digest(packed: bytes, raw: bytes) -> Burst:
    """Find out what an unpacked burst holds, and check all of it.

    :raises MalformedError: kind `protobuf`; `oversize`: it has too many items.
    """
    if len(raw) > _LARGE and has_fields(raw, 2 * _MOST_ITEMS):
        raise MalformedError("oversize", f"a burst has more than {_MOST_ITEMS} items")
    try:
        seen = scan_pb2.Digest.FromString(raw).data
    except (DecodeError, ValueError) as e:
        raise MalformedError("protobuf", f"not a StreamDataBurst: {e}") from None
    kinds = (seen.session_json, seen.time_range, seen.timestamped_data, seen.periodic_data, seen.row_data, seen.event)
    items = sum(map(len, kinds))
    if items > _MOST_ITEMS:
        raise MalformedError("oversize", f"a burst has {items} items; at most {_MOST_ITEMS} are taken")
    span: TimeRange | None = None
    for r in seen.time_range:
        span = TimeRange.union_of(span, TimeRange(r.start_time, r.end_time))
    return Burst(
        packed,
        len(raw),
        tuple(seen.session_json),
        span,
        bool(seen.timestamped_data or seen.periodic_data or seen.row_data),
        bool(seen.event),
    )


def has_fields(raw: bytes, most: int) -> bool:
    """Whether there are more fields than so many: items, and what is in them. What is no message has few."""
    at = end = count = 0
    try:
        while at < len(raw) and count <= most:
            count += 1
            is_item = at >= end and raw[at] == _ITEM
            kind = raw[at] & 7
            _, at = _varint(raw, at)
            if kind == 2:
                size, at = _varint(raw, at)
                if is_item:
                    end = at + size
                else:
                    at += size
            elif kind == 0:
                _, at = _varint(raw, at)
            else:
                at += _FIXED.get(kind, 0)
    except IndexError:
        return False
    return count > most


_ITEM = 0x0A  # the tag
_FIXED = {1: 8, 5: 4}  # bytes of a value by its wire type


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while raw[at] & 0x80 and shift < 63:
        value |= (raw[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | raw[at] << shift, at + 1


def split(raw: bytes) -> list[bytes]:
    """The items of a serialised `StreamDataBurst` as their own bytes, in order."""
    return list(scan_pb2.Items.FromString(raw).data)


def join(items: Iterable[bytes]) -> bytes:
    """The inverse of `split`."""
    return scan_pb2.Items(data=items).SerializeToString()


def pieces(raw: bytes) -> list[bytes]:
    """The items' heads, then as many items: items cut out are heads and items in turn, one after the other."""
    items = split(raw)
    return [*map(_heads.__getitem__, map(len, items)), *items]


class _Heads(dict[int, bytes]):
    """What stands before an item of so many bytes: tag and length. Those of usual lengths are remembered."""

    def __missing__(self, size: int) -> bytes:
        head = bytearray(b"\x0a")
        rest = size
        while rest > 0x7F:
            head.append(rest & 0x7F | 0x80)
            rest >>= 7
        head.append(rest)
        if size < _USUAL:
            self[size] = bytes(head)
        return bytes(head)


_USUAL = 1 << 14
_heads = _Heads()


def json_item(text: str) -> stream_pb2.StreamData:
    """A session JSON update."""
    return stream_pb2.StreamData(session_json=text)


def range_item(span: TimeRange) -> stream_pb2.StreamData:
    """A time-range update."""
    return stream_pb2.StreamData(time_range=stream_pb2.StreamTimeRange(start_time=span.start, end_time=span.end))


def data_item(data: Data) -> stream_pb2.StreamData:
    """An item of any of the three data kinds, or an event."""
    match data:
        case TimestampedData():
            return stream_pb2.StreamData(timestamped_data=data)
        case PeriodicData():
            return stream_pb2.StreamData(periodic_data=data)
        case RowData():
            return stream_pb2.StreamData(row_data=data)
        case Event():
            return stream_pb2.StreamData(event=data)


def pack_items(data: Sequence[Data], span: TimeRange | None, target: int = TARGET) -> list[Burst]:
    """Pack data into bursts of about `target` bytes; the time range rides in the last one."""
    bursts: list[Burst] = []
    items: list[stream_pb2.StreamData] = []
    size = 0
    for d in data:
        item = data_item(d)
        n = item.ByteSize() + 4
        if items and size + n > target:
            bursts.append(make_burst(items))
            items, size = [], 0
        items.append(item)
        size += n
    if span is not None:
        items.append(range_item(span))
    if items:
        bursts.append(make_burst(items))
    return bursts
