"""From arrays to items of bursts: each small enough to fill one burst at most. Plain code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from rta.wire import (
    BURST_LIMIT,
    TARGET,
    ChannelId,
    Data,
    Event,
    RowData,
    SampleType,
    TimeRange,
    data_item,
    encode_periodic,
    encode_samples,
    encode_timestamped,
)

__all__ = ["EncodedItem", "event_item", "periodic_items", "row_items", "samples_in", "timestamped_items"]

_FRAMING = 4  # bytes around an item, at most
_DELTA = 4  # bytes of a timestamp's delta, about


@frozen(slots=True)
class EncodedItem:
    """One item of a burst."""

    item: Any
    """A `StreamData`."""
    size: int
    """Bytes in a burst, before compression."""
    samples: int
    """Samples in it; an event counts as one."""
    span: TimeRange


def _encoded(data: Data, span: TimeRange) -> EncodedItem:
    item = data_item(data)
    size = item.ByteSize() + _FRAMING
    if size > BURST_LIMIT:
        raise ValueError(f"one item of {size} bytes; a burst holds at most {BURST_LIMIT}")
    return EncodedItem(item, size, samples_in(item), span)


def samples_in(item: Any) -> int:
    """How many samples a `StreamData` holds; an event counts as one, what is no data as none."""
    match item.WhichOneof("data"):
        case "timestamped_data":
            return len(item.timestamped_data.timestamp_deltas)
        case "periodic_data":
            return max(0, int(item.periodic_data.samples))
        case "row_data":
            return len(item.row_data.channel_ids)
        case "event":
            return 1
    return 0


def _times(timestamps: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.atleast_1d(np.asarray(timestamps))
    if array.dtype.kind == "M":
        array = array.astype("datetime64[ns]")
    elif array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"timestamps are {array.dtype}; integers of ns since the Unix epoch, or datetime64, are right")
    return array.astype(np.int64)


def timestamped_items(
    channel: int, timestamps: npt.ArrayLike, values: npt.ArrayLike, kind: SampleType
) -> list[EncodedItem]:
    """Both of shape (n,), n may be 0.

    :raises ValueError: the shapes differ, times are not integers, or a value does not fit `kind`.
    """
    times, samples = _times(timestamps), np.atleast_1d(np.asarray(values))
    if times.ndim != 1 or times.shape != samples.shape:
        raise ValueError(f"as many timestamps as values: got the shapes {times.shape} and {samples.shape}")
    step = max(1, TARGET // (kind.dtype().itemsize + _DELTA))
    items = []
    for i in range(0, len(times), step):
        part = times[i : i + step]
        data = encode_timestamped(ChannelId(channel), part, samples[i : i + step], kind)
        items.append(_encoded(data, TimeRange(int(part.min()), int(part.max()))))
    return items


def periodic_items(
    channel: int, start: int, interval: int, values: npt.ArrayLike, kind: SampleType
) -> list[EncodedItem]:
    """`values` of shape (n,), the first at `start`, each `interval` ns behind the one before.

    :raises ValueError: another shape, no positive interval, or a value does not fit `kind`.
    """
    samples = np.atleast_1d(np.asarray(values))
    if samples.ndim != 1 or interval <= 0:
        raise ValueError(f"one row of values and a positive interval: got {samples.shape} and {interval} ns")
    step = max(1, TARGET // kind.dtype().itemsize)
    items = []
    for i in range(0, len(samples), step):
        part, first = samples[i : i + step], start + i * interval
        data = encode_periodic(ChannelId(channel), first, interval, part, kind)
        items.append(_encoded(data, TimeRange(first, first + (len(part) - 1) * interval)))
    return items


def row_items(
    channels: Sequence[int],
    timestamps: npt.ArrayLike,
    values: npt.ArrayLike,
    types: Mapping[int, SampleType],
) -> list[EncodedItem]:
    """One row of each channel's sample per timestamp: shapes (n,) and (n, channels), or () and (channels,).

    :raises ValueError: other shapes, or a value does not fit its channel's type, which is f64 where `types` has none.
    """
    times, table = _times(timestamps), np.atleast_2d(np.asarray(values))
    if not channels or times.ndim != 1 or (table.shape != (len(times), len(channels)) and times.size):
        raise ValueError(f"{len(times)} timestamps and {len(channels)} channels do not go with values {table.shape}")
    columns = []
    for i, channel in enumerate(channels):
        kind = types.get(channel, SampleType.F64)
        packed = np.frombuffer(encode_samples(table[:, i], kind), np.uint8) if times.size else np.empty(0, np.uint8)
        columns.append(packed.reshape(len(times), kind.dtype().itemsize))
    buffers = np.concatenate(columns, axis=1)
    return [
        _encoded(RowData(channel_ids=channels, timestamp=t, buffer=row.tobytes()), TimeRange(t, t))
        for t, row in zip(times.tolist(), buffers, strict=True)
    ]


def event_item(event: Event) -> EncodedItem:
    """:raises ValueError: it is larger than a burst may be."""
    return _encoded(event, TimeRange(event.timestamp, event.timestamp))
