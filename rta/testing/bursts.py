"""Sample bursts: small ones that can be told apart, one with everything in it, and large ones."""

from __future__ import annotations

import json
from hashlib import shake_128

from rta.wire import (
    Burst,
    ChannelId,
    Event,
    SampleType,
    TimeRange,
    TimestampedData,
    data_item,
    decode_timestamped,
    encode_periodic,
    encode_row,
    encode_timestamped,
    json_item,
    make_burst,
    range_item,
)

__all__ = [
    "MOMENT",
    "burst_of_every_kind",
    "event_burst",
    "json_burst",
    "large_burst",
    "large_json_burst",
    "number_of",
    "numbered_burst",
    "range_burst",
    "session_json",
]

MOMENT = 1_620_129_055_000_000_001
"""A time in ns since the Unix epoch that no float64 holds."""


def numbered_burst(number: int, span: TimeRange | None = None) -> Burst:
    """One sample on channel 1, which is the number; all numbers take the same size."""
    sample = encode_timestamped(ChannelId(1), [MOMENT], [float(number)])
    return make_burst([data_item(sample)] + ([] if span is None else [range_item(span)]))


def number_of(burst: Burst) -> int:
    """The number of a `numbered_burst`."""
    return int(decode_timestamped(burst.message().data[0].timestamped_data)[1][0])


def range_burst(start: int, end: int) -> Burst:
    """A time range and nothing else; ns since the Unix epoch."""
    return make_burst([range_item(TimeRange(start, end))])


def event_burst() -> Burst:
    """An event and nothing else."""
    event = Event(event_definition_id=7, app_name="Chassis", timestamp=MOMENT, raw_data=[1.5, -2.0])
    return make_burst([data_item(event)])


def session_json(identity: str, state: str = "open", **more: object) -> str:
    """Session JSON with all that is required."""
    required = {
        "identity": identity,
        "state": state,
        "timestamp": "2021-05-04T11:50:55Z",
        "identifier": identity,
    }
    return json.dumps({**required, **more})


def json_burst(*texts: str) -> Burst:
    """Session JSON updates and nothing else."""
    return make_burst([json_item(t) for t in texts])


def burst_of_every_kind(identity: str) -> Burst:
    """Session JSON, a time range, all three kinds of data with every byte value in them, and an event."""
    every_byte = list(range(256))
    types = {ChannelId(16): SampleType.F64, ChannelId(17): SampleType.U16, ChannelId(18): SampleType.F32}
    times = [MOMENT + i * i for i in every_byte]
    return make_burst(
        [
            json_item(session_json(identity)),
            data_item(encode_timestamped(ChannelId(0), times, every_byte, SampleType.U8)),
            data_item(encode_periodic(ChannelId((1 << 32) - 1), MOMENT, 10_000_000, every_byte, SampleType.U8)),
            data_item(encode_row(list(types), MOMENT, [12.7, 234, 0.7], types)),
            data_item(Event(event_definition_id=7, timestamp=MOMENT, status_text="off \0 and on", raw_data=[0.1])),
            range_item(TimeRange(MOMENT, MOMENT + 255**2)),
        ]
    )


def large_burst(raw_size: int) -> Burst:
    """Data that does not compress, of exactly this many bytes unpacked (at least 1 KiB)."""

    def of(length: int) -> Burst:
        data = TimestampedData(
            channel_id=1,
            start_timestamp=MOMENT,
            timestamp_deltas=[0],
            buffer=shake_128(b"large").digest(length),
        )
        return make_burst([data_item(data)])

    return of(raw_size - (of(raw_size - 64).raw_size - (raw_size - 64)))


def large_json_burst(identity: str, raw_size: int) -> Burst:
    """Session JSON in a burst of exactly this many bytes unpacked (at least 1 KiB)."""

    def of(length: int) -> Burst:
        padding = (shake_128(b"json").hexdigest(4096) * (length // 8192 + 1))[:length]
        return json_burst(session_json(identity, details={"padding": padding}))

    return of(raw_size - (of(raw_size - 512).raw_size - (raw_size - 512)))
