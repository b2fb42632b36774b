"""Sample buffers to numpy arrays and back, for the three kinds of data.

Timestamps are int64 arrays of ns since the Unix epoch. Source: docs/protocol.md, "Messages and samples".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rta.errors import MalformedError
from rta.wire.burst import PeriodicData, RowData, TimestampedData
from rta.wire.values import ChannelId

__all__ = [
    "ByteOrder",
    "SampleType",
    "decode_periodic",
    "decode_row",
    "decode_samples",
    "decode_timestamped",
    "encode_periodic",
    "encode_row",
    "encode_samples",
    "encode_timestamped",
]

ByteOrder = Literal["le", "be"]
Samples = npt.NDArray[Any]
Timestamps = npt.NDArray[np.int64]


class SampleType(StrEnum):
    """A sample's type, by its name in configurations."""

    U8 = "u8"
    S8 = "s8"
    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    F32 = "f32"
    F64 = "f64"

    def dtype(self, order: ByteOrder = "le") -> np.dtype[Any]:
        """The numpy type of one packed sample."""
        return _dtype(self.value, order)

    @property
    def is_integer(self) -> bool:
        return self[0] != "f"


@cache
def _dtype(kind: str, order: ByteOrder) -> np.dtype[Any]:
    code = {"u": "u", "s": "i", "f": "f"}[kind[0]]
    return np.dtype(f"{'<' if order == 'le' else '>'}{code}{int(kind[1:]) // 8}")


def encode_samples(values: npt.ArrayLike, kind: SampleType, order: ByteOrder = "le") -> bytes:
    """Pack samples, shape (n,).

    :raises ValueError: a value does not fit an integer type.
    """
    array = np.asarray(values)
    if kind.is_integer and array.size:
        bounds = np.iinfo(kind.dtype())
        if not (np.all(array >= bounds.min) and np.all(array <= bounds.max)):
            raise ValueError(f"a value is outside {kind}: {bounds.min} to {bounds.max}")
    with np.errstate(over="ignore"):  # a double too large for f32 becomes infinite
        return array.astype(kind.dtype(order)).tobytes()


def decode_samples(buffer: bytes, kind: SampleType, order: ByteOrder = "le") -> Samples:
    """Unpack samples, shape (n,); a part of a sample at the end is left out."""
    dtype = kind.dtype(order)
    return np.frombuffer(buffer, dtype, count=len(buffer) // dtype.itemsize)


def encode_timestamped(
    channel: ChannelId,
    timestamps: npt.ArrayLike,
    values: npt.ArrayLike,
    kind: SampleType = SampleType.F64,
    order: ByteOrder = "le",
) -> TimestampedData:
    """Irregular samples of one channel; the scale is the GCD of the deltas.

    :raises ValueError: no sample, or as many timestamps as values are missing.
    """
    times = np.asarray(timestamps, dtype=np.int64)
    samples = np.asarray(values)
    if times.ndim != 1 or times.shape != samples.shape or not times.size:
        raise ValueError(f"as many timestamps as values, at least one: got {times.shape} and {samples.shape}")
    deltas = np.diff(times, prepend=times[:1])
    scale = int(np.gcd.reduce(deltas))
    return TimestampedData(
        channel_id=channel,
        start_timestamp=int(times[0]),
        timestamp_deltas_scale=scale,
        timestamp_deltas=(deltas // scale if scale else deltas).tolist(),
        buffer=encode_samples(samples, kind, order),
    )


def decode_timestamped(
    data: TimestampedData, kind: SampleType = SampleType.F64, order: ByteOrder = "le"
) -> tuple[Timestamps, Samples]:
    """Timestamps and values, both of shape (min(deltas, samples),): some writers leave stale deltas behind."""
    values = decode_samples(data.buffer, kind, order)
    if len(values) == 1 and list(data.timestamp_deltas) == [0]:  # much the most common, and worth a short cut
        return np.asarray([data.start_timestamp], np.int64), values
    deltas = np.fromiter(data.timestamp_deltas, np.int64, len(data.timestamp_deltas))[: len(values)]
    times = data.start_timestamp + np.cumsum(deltas * np.int64(data.timestamp_deltas_scale))
    return times, values[: len(times)]


def encode_periodic(
    channel: ChannelId,
    start: int,
    interval: int,
    values: npt.ArrayLike,
    kind: SampleType = SampleType.F64,
    order: ByteOrder = "le",
) -> PeriodicData:
    """Samples of one channel from `start` (ns) on, every `interval` ns."""
    samples = np.asarray(values)
    return PeriodicData(
        channel_id=channel,
        start_timestamp=start,
        interval=interval,
        samples=len(samples),
        buffer=encode_samples(samples, kind, order),
    )


def decode_periodic(
    data: PeriodicData, kind: SampleType = SampleType.F64, order: ByteOrder = "le"
) -> tuple[Timestamps, Samples]:
    """Timestamps and values, both of shape (min(`samples`, what the buffer holds),)."""
    values = decode_samples(data.buffer, kind, order)[: max(data.samples, 0)]
    times = np.int64(data.start_timestamp) + np.arange(len(values), dtype=np.int64) * np.int64(data.interval)
    return times, values


def encode_row(
    channels: Sequence[ChannelId],
    timestamp: int,
    values: Sequence[float],
    types: Mapping[ChannelId, SampleType],
) -> RowData:
    """One sample of each channel at `timestamp` (ns)."""
    buffer = b"".join(encode_samples([v], types[c]) for c, v in zip(channels, values, strict=True))
    return RowData(channel_ids=channels, timestamp=timestamp, buffer=buffer)


def decode_row(
    row: RowData,
    types: Mapping[ChannelId, SampleType],
    orders: Mapping[ChannelId, ByteOrder] | None = None,
) -> dict[ChannelId, float]:
    """Channel to sample; only the configuration tells the widths.

    :raises MalformedError: kind `row`: a channel without a type, or a buffer too short.
    """
    out: dict[ChannelId, float] = {}
    at = 0
    for number in row.channel_ids:
        channel = ChannelId(number)
        kind = types.get(channel)
        if kind is None:
            raise MalformedError("row", f"row data of channel {channel}, whose type is not known")
        dtype = kind.dtype((orders or {}).get(channel, "le"))
        piece = row.buffer[at : at + dtype.itemsize]
        if len(piece) < dtype.itemsize:
            raise MalformedError("row", f"row data ends within channel {channel}")
        out[channel] = np.frombuffer(piece, dtype)[0].item()
        at += dtype.itemsize
    return out
