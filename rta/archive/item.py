"""One item as results: as it came if it may stay so, else its samples in order, in results that are not too long."""

from __future__ import annotations

from itertools import accumulate

from rta.archive.list_decoding import read_series
from rta.archive.result_encoding import encode_series, result_limits
from rta.archive.results import LATEST, LIST_SPAN, LIST_TARGET, RESULT_LIMIT
from rta.archive.series import ChannelTypes, width_of
from rta.wire import Chunk, Data, DataKind, Event, PeriodicData, RowData, TimestampedData, make_chunk
from rta.wire.chunks import wrapped
from rta.wire.varints import varint

__all__ = ["Key", "Timed", "item_results", "key_of", "without_length"]

Key = tuple[DataKind, tuple[int, ...]]
"""What chunks are about: one channel, a row group, or events."""

_SHORT, _BYTES_EACH = 4, 16  # results of samples that are far apart, and bytes of an item for which it may have another
_EARLIEST = -(1 << 63)


def key_of(item: Data) -> Key:
    """What its chunk is about."""
    match item:
        case TimestampedData():
            return DataKind.TIMESTAMPED, (item.channel_id,)
        case PeriodicData():
            return DataKind.PERIODIC, (item.channel_id,)
        case RowData():
            return DataKind.ROW, tuple(item.channel_ids)
        case Event():
            return DataKind.EVENTS, ()


Timed = tuple[int, int, bytes]
"""A result: the times of its first and last sample, and the piece of a list that it is."""


def item_results(item: Data, types: ChannelTypes) -> list[Timed] | Chunk:
    """Results in order. A chunk: nobody can tell how many samples there are before the type of the channel is known,
    so that it stays alone."""
    match item:
        case TimestampedData():
            deltas = item.timestamp_deltas[:]
            count, scale = len(deltas), item.timestamp_deltas_scale
            first, span = (deltas[0] * scale, sum(deltas) * scale) if deltas else (0, 0)
            ordered = scale >= 0 and min(deltas, default=0) >= 0
        case PeriodicData():
            count, first = max(item.samples, 0), 0
            span = (count - 1) * item.interval
            ordered = item.interval >= 0
        case RowData() if not item.channel_ids:
            return []
        case RowData() | Event():
            return [(item.timestamp, item.timestamp, _piece(item))]
    start, size = item.start_timestamp, len(item.buffer)
    if not count or not size:
        return []
    width, certain = width_of(types, item.channel_id, size, count)
    if not certain:
        return _untold(item)
    if (
        ordered
        and width * count == size
        and count <= RESULT_LIMIT
        and size < LIST_TARGET // 2
        and span - first <= LIST_SPAN
        and start + first >= _EARLIEST
        and start + span <= LATEST
    ):
        return [(start + first, start + span, _piece(item))]
    piece = _piece(item)
    series = read_series(key_of(item)[0], item.channel_id, b"\x0a" + piece, types).sorted()
    results = encode_series(item.channel_id, series, result_limits(series, _SHORT + len(piece) // _BYTES_EACH))
    return list(zip(results.starts.tolist(), results.ends.tolist(), results.pieces, strict=True))


def _piece(item: Data) -> bytes:
    message = item.SerializeToString()
    return varint(len(message)) + message


def without_length(piece: bytes) -> bytes:
    """The message of a piece."""
    at = 0
    while piece[at] > 0x7F:
        at += 1
    return piece[at + 1 :]


def _untold(item: TimestampedData | PeriodicData) -> Chunk:
    start = item.start_timestamp
    if isinstance(item, PeriodicData):
        times = [start + i * item.interval for i in range(min(item.samples, len(item.buffer)))]
    else:
        times = [start + at * item.timestamp_deltas_scale for at in accumulate(item.timestamp_deltas)]
    times = [wrapped(at) for at in times]
    return make_chunk(*key_of(item), min(times), max(times), [item.SerializeToString()])
