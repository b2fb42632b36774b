"""What an ingest process writes and a client asks for, made and read by protobuf and LZ4 alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable

import lz4.block

from rta.wire import Burst, read_burst
from rta.wire._pb.data_pb2 import Event, PeriodicData, RowData, TimestampedData
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst, StreamRequest, StreamSubscription

__all__ = [
    "burst",
    "decode",
    "event",
    "noise",
    "periodic",
    "row",
    "samples",
    "session_json",
    "span",
    "subscribe",
    "tag_of",
    "tags",
]


def session_json(identity: str, state: str = "open", **more: object) -> str:
    """A session JSON with the keys that are required."""
    return json.dumps(
        {
            "identity": identity,
            "state": state,
            "timestamp": "2026-05-04T11:50:55.1234567+02:00",
            "identifier": identity,
            **more,
        }
    )


def samples(tag: int, channel: int = 1, pad: bytes = b"") -> StreamData:
    """Timestamped data of one channel, with the tag for its time."""
    return StreamData(timestamped_data=TimestampedData(channel_id=channel, start_timestamp=tag, buffer=bytes(8) + pad))


def periodic(tag: int, channel: int = 1) -> StreamData:
    return StreamData(
        periodic_data=PeriodicData(channel_id=channel, start_timestamp=tag, interval=10, samples=1, buffer=bytes(8))
    )


def row(tag: int, *channels: int) -> StreamData:
    return StreamData(row_data=RowData(channel_ids=channels, timestamp=tag, buffer=bytes(8 * len(channels))))


def event(tag: int) -> StreamData:
    return StreamData(event=Event(event_definition_id=1, app_name="Toy", timestamp=tag, raw_data=[1.0]))


def span(start: int, end: int) -> StreamData:
    data = StreamData()
    data.time_range.start_time, data.time_range.end_time = start, end
    return data


def noise(tag: int, size: int = 60_000, channel: int = 1) -> StreamData:
    """Samples that do not compress."""
    return samples(tag, channel, random.Random(tag).randbytes(size))


def burst(*items: StreamData) -> Burst:
    """Packed as another writer would: not by the code under test, nor at its compression level."""
    raw = StreamDataBurst(data=items).SerializeToString()
    return read_burst(lz4.block.compress(raw, mode="high_compression", store_size=False))


def decode(payload: bytes) -> list[StreamData]:
    """The items of one message."""
    raw = lz4.block.decompress(payload, uncompressed_size=20 << 20)
    return list(StreamDataBurst.FromString(raw).data)


def tag_of(item: StreamData) -> int | None:
    """The tag of a sample or an event; None for session JSON and time ranges."""
    match item.WhichOneof("data"):
        case "timestamped_data":
            return item.timestamped_data.start_timestamp
        case "periodic_data":
            return item.periodic_data.start_timestamp
        case "row_data":
            return item.row_data.timestamp
        case "event":
            return item.event.timestamp
        case _:
            return None


def tags(items: Iterable[StreamData]) -> list[int]:
    return [tag for item in items if (tag := tag_of(item)) is not None]


def subscribe(*channels: int, events: bool = False, data: bool = False) -> bytes:
    """A serialised request."""
    wanted = StreamSubscription(all_events=events, all_data_channels=data, data_channel_ids=channels)
    return StreamRequest(subscribe=wanted).SerializeToString()
