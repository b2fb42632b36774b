"""Bursts of any kind for tests at random: even, late, and with all that real writers and hostile ones do."""

from __future__ import annotations

from hypothesis import strategies as st

from rta.wire import (
    Burst,
    Data,
    Event,
    PeriodicData,
    RowData,
    SampleType,
    TimestampedData,
    data_item,
    make_burst,
    range_item,
)
from rta.wire.values import TimeRange

MS = 10**6
TYPES = {1: (SampleType.F64, "le"), 2: (SampleType.U16, "le"), 3: (SampleType.U8, "be")}
"""Channels 4 and 5 are not known."""

channels = st.integers(1, 5)
moments = st.one_of(
    st.integers(0, 50).map(lambda n: n * 10 * MS),
    st.integers(-3, 300).map(lambda n: n * 1000 * MS),
    st.sampled_from([-(1 << 63), -1, (1 << 63) - 1, (1 << 63) - 5, 1 << 62]),
)


@st.composite
def even_timestamped(draw: st.DrawFn) -> TimestampedData:
    channel, count = draw(channels), draw(st.integers(1, 12))
    scale, jitter = draw(st.sampled_from([0, 1, 1000, MS, 10 * MS, 15_000 * MS])), draw(st.sampled_from([0, 3, 400]))
    deltas = [0] + [draw(st.integers(1, 1 + jitter)) for _ in range(count - 1)]
    return TimestampedData(
        channel_id=channel,
        start_timestamp=draw(moments),
        timestamp_deltas_scale=scale,
        timestamp_deltas=deltas,
        buffer=draw(buffers(channel, count)),
    )


def buffers(channel: int, count: int) -> st.SearchStrategy[bytes]:
    size = count * (TYPES[channel][0].dtype().itemsize if channel in TYPES else 4)
    return st.binary(min_size=size, max_size=size)


@st.composite
def even_periodic(draw: st.DrawFn) -> PeriodicData:
    channel, count = draw(channels), draw(st.integers(1, 12))
    interval = draw(st.sampled_from([0, 1, 10 * MS, 10 * MS, 10 * MS, 20 * MS]))
    buffer = draw(buffers(channel, count))
    return PeriodicData(
        channel_id=channel, start_timestamp=draw(moments), interval=interval, samples=count, buffer=buffer
    )


odd_timestamped = st.builds(
    TimestampedData,
    channel_id=channels,
    start_timestamp=moments,
    timestamp_deltas_scale=st.sampled_from([0, 1, -1, MS, 1 << 62]),
    timestamp_deltas=st.lists(st.sampled_from([0, 1, 2, -1, -5, 1 << 40, -(1 << 63)]), max_size=9),
    buffer=st.binary(max_size=60),
)
odd_periodic = st.builds(
    PeriodicData,
    channel_id=channels,
    start_timestamp=moments,
    interval=st.sampled_from([0, MS, -MS, 60_000 * MS, 1 << 62, -(1 << 63)]),
    samples=st.sampled_from([0, 1, 2, 5, 9, -1, (1 << 31) - 1]),
    buffer=st.binary(max_size=60),
)
rows = st.builds(
    RowData,
    channel_ids=st.sampled_from([[], [7], [7, 8], [8, 7], [7] * 300]),
    timestamp=moments,
    buffer=st.binary(max_size=8),
)
events = st.builds(
    Event,
    event_definition_id=st.integers(-(1 << 31), (1 << 31) - 1),
    app_name=st.sampled_from(["", "app"]),
    timestamp=moments,
    status_text=st.sampled_from(["", "text"]),
    raw_data=st.lists(st.sampled_from([0.0, 1.5]), max_size=3),
)
items = st.one_of(
    even_timestamped(),
    even_timestamped(),
    even_periodic(),
    even_periodic(),
    odd_timestamped,
    odd_periodic,
    rows,
    events,
)


@st.composite
def repeated(draw: st.DrawFn) -> list[list[Data]]:
    """Items of several bursts that differ in values only."""
    shape = draw(
        st.lists(st.one_of(even_timestamped(), even_periodic(), odd_timestamped, rows), min_size=1, max_size=4)
    )
    out = []
    step = draw(st.sampled_from([10 * MS, 100 * MS, 0]))
    for i in range(draw(st.integers(3, 8))):
        again = []
        for item in shape:
            copy = type(item)()
            copy.CopyFrom(item)
            field = "timestamp" if isinstance(item, RowData) else "start_timestamp"
            late = draw(st.sampled_from([0, 0, 0, 1, -2]))
            setattr(copy, field, min((1 << 63) - 1, max(-(1 << 63), getattr(item, field) + (i + late) * step)))
            again.append(copy)
        out.append(again)
    return out


few = st.lists(st.lists(items, max_size=6), max_size=3)
many = st.lists(items, min_size=16, max_size=20).map(lambda burst: [burst])
stories = st.lists(st.one_of(repeated(), few, many), max_size=3).map(lambda parts: [b for part in parts for b in part])
"""Items of bursts, in order of arrival."""


def burst_of(data: list[Data]) -> Burst:
    return make_burst([*map(data_item, data), range_item(TimeRange(1, 2))])
