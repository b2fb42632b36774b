"""Samples of chunks and of bursts one by one, so that both can be compared however they are packed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rta.wire import Burst, Chunk, Data, DataKind, Event, PeriodicData, RowData, TimestampedData, read_chunk

__all__ = ["ArchivedSample", "samples_in", "samples_of"]

_FIELDS = {
    "timestamped_data": DataKind.TIMESTAMPED,
    "periodic_data": DataKind.PERIODIC,
    "row_data": DataKind.ROW,
    "event": DataKind.EVENTS,
}


class ArchivedSample(NamedTuple):
    """One value of a channel, a row, or an event."""

    channels: tuple[int, ...]
    time: int
    """ns since the Unix epoch."""
    data: bytes
    """The value, as many bytes as there are; of an event the message."""

    @property
    def number(self) -> float:
        """A value of type f64."""
        return float(struct.unpack("<d", self.data)[0])


def samples_of(chunks: Iterable[Chunk]) -> Iterator[ArchivedSample]:
    """The samples of chunks, in order; what their heads say of them is checked."""
    for chunk in chunks:
        samples = [sample for item in read_chunk(chunk) for sample in _samples(item)]
        assert samples, "a chunk without samples"
        assert {sample.channels for sample in samples} == {chunk.channels}
        times = [sample.time for sample in samples]
        assert times == sorted(times), "samples of a chunk out of order"
        assert (chunk.start, chunk.end) == (times[0], times[-1]), "the times of a chunk are not those of its samples"
        yield from samples


def samples_in(burst: Burst, kind: DataKind) -> Iterator[ArchivedSample]:
    """The samples of a kind in a burst, as they have come."""
    for item in burst.message().data:
        field = item.WhichOneof("data")
        if _FIELDS.get(field or "") is kind:
            yield from _samples(getattr(item, field or ""))


def _samples(item: Data) -> Iterator[ArchivedSample]:
    match item:
        case TimestampedData():
            width = len(item.buffer) // len(item.timestamp_deltas)
            time = item.start_timestamp
            for i, delta in enumerate(item.timestamp_deltas):
                time += delta * item.timestamp_deltas_scale
                yield ArchivedSample((item.channel_id,), time, item.buffer[i * width : (i + 1) * width])
        case PeriodicData():
            width = len(item.buffer) // item.samples
            for i in range(item.samples):
                time = item.start_timestamp + i * item.interval
                yield ArchivedSample((item.channel_id,), time, item.buffer[i * width : (i + 1) * width])
        case RowData():
            yield ArchivedSample(tuple(item.channel_ids), item.timestamp, item.buffer)
        case Event():
            yield ArchivedSample((), item.timestamp, item.SerializeToString(deterministic=True))
