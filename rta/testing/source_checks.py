"""What updates must keep to, one check each: plain functions of a list of updates, raising AssertionError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from rta.ports import CloseSession, OpenSession, Publish, SessionBurst, SourceUpdate, UpdateSession
from rta.wire import (
    Burst,
    ChannelId,
    PeriodicData,
    RowData,
    SampleType,
    TimestampedData,
    read_burst,
    read_configuration,
    read_session,
)
from rta.wire.burst import Data, SizeLimits
from rta.wire.session_json import ConfigBinding

__all__ = [
    "check_burst",
    "check_configurations",
    "check_items",
    "check_order",
    "check_session_json",
    "check_states",
    "samples_of",
]


def check_order(updates: list[SourceUpdate], opened: set[str]) -> None:
    """Everything about a session is between its opening and its close; `opened` are open from before."""
    for update in updates:
        match update:
            case OpenSession(identity=identity):
                opened.add(identity)
            case UpdateSession(identity=identity) | SessionBurst(identity=identity):
                assert identity in opened, f"{type(update).__name__} of {identity!r}, which is not open"
            case CloseSession(identity=identity):
                assert identity in opened, f"{identity!r} was closed, but it is not open"
                opened.remove(identity)


def check_session_json(update: SourceUpdate) -> None:
    """Its session JSON can be read, has what is required, and is the session's own."""
    for identity, text in _session_jsons(update):
        session = read_session(text)
        assert session.identity == identity, f"the session JSON of {identity!r} says it is of {session.identity!r}"
        assert session.identifier, f"the session JSON of {identity!r} has no identifier"
        assert session.timestamp, f"the session JSON of {identity!r} has no timestamp"
        assert datetime.fromisoformat(session.timestamp).tzinfo, f"{session.timestamp} says no offset from UTC"
        if session.time_range is not None:
            assert session.time_range.start_time <= session.time_range.end_time


def check_states(updates: list[SourceUpdate]) -> None:
    """Closed states come with `CloseSession`, and only with it."""
    for update in updates:
        for identity, text in _session_jsons(update):
            state = read_session(text).state
            assert state.is_closed == isinstance(update, CloseSession), (
                f"{type(update).__name__} of {identity!r} in state {state.name.lower()}"
            )


def check_burst(burst: Burst, limits: SizeLimits) -> None:
    """What is said of a burst is what its bytes say; it holds something, and not more than it may."""
    read = read_burst(burst.packed, limits)
    assert (burst.raw_size, burst.session_json, burst.time_range, burst.has_data, burst.has_events) == (
        read.raw_size,
        read.session_json,
        read.time_range,
        read.has_data,
        read.has_events,
    )
    assert burst.has_data or burst.has_events or burst.time_range or burst.session_json, "an empty burst"


def check_configurations(updates: list[SourceUpdate], published: set[str]) -> None:
    """Configurations can be read, and are there before session JSON names them."""
    for update in updates:
        if isinstance(update, Publish):
            read_configuration(update.text)
            published.add(update.identifier)
        for identity, text in _session_jsons(update):
            for binding in _bindings(text):
                assert binding.identifier in published, f"{identity!r} binds to {binding.identifier!r} too early"
                assert binding.channel_offset >= 0


def check_items(updates: list[SourceUpdate]) -> None:
    """Every item holds as many samples as it says, of the width that a configuration says, if any."""
    configurations: dict[str, dict[int, SampleType]] = {}
    types: dict[str, dict[ChannelId, SampleType]] = {}
    for update in updates:
        if isinstance(update, Publish):
            configurations[update.identifier] = {
                channel.id: kind
                for application in read_configuration(update.text).applications.values()
                for channel in application.channels
                if (kind := channel.sample_type) is not None
            }
        for identity, text in _session_jsons(update):
            types[identity] = {
                ChannelId(number + binding.channel_offset): kind
                for binding in _bindings(text)
                for number, kind in configurations.get(binding.identifier, {}).items()
            }
        if isinstance(update, SessionBurst):
            for item in update.burst.message().data:
                match item.WhichOneof("data"):
                    case "timestamped_data" | "periodic_data" | "row_data" as kind_of_item:
                        _check_data(getattr(item, kind_of_item), types.get(update.identity, {}))
                    case "time_range":
                        assert item.time_range.start_time <= item.time_range.end_time, "a time range ends too early"
                    case None:
                        raise AssertionError("an item with nothing in it")


def samples_of(updates: list[SourceUpdate]) -> dict[tuple[int, str], bytes]:
    """Sample bytes by session (in order of opening) and channel, however they are cut into bursts."""
    numbers: dict[str, int] = {}
    samples: dict[tuple[int, str], bytes] = {}
    for update in updates:
        if isinstance(update, OpenSession):
            numbers.setdefault(update.identity, len(numbers))
        if isinstance(update, SessionBurst):
            for item in update.burst.message().data:
                kind = item.WhichOneof("data")
                match kind:
                    case "timestamped_data" | "periodic_data":
                        data = getattr(item, kind)
                        where, buffer = f"{kind} {data.channel_id}", data.buffer
                    case "row_data":
                        where, buffer = f"rows {list(item.row_data.channel_ids)}", item.row_data.buffer
                    case "event":
                        where, buffer = (
                            f"events {item.event.event_definition_id}",
                            repr(item.event.raw_data).encode(),
                        )
                    case _:
                        continue
                key = (numbers[update.identity], where)
                samples[key] = samples.get(key, b"") + buffer
    return samples


def _session_jsons(update: SourceUpdate) -> Iterator[tuple[str, str]]:
    match update:
        case OpenSession(identity, json) | UpdateSession(identity, json) | CloseSession(identity, json):
            yield identity, json
        case SessionBurst(identity, burst):
            for json in burst.session_json:
                yield identity, json


def _bindings(text: str) -> list[ConfigBinding]:
    return read_session(text).config_bindings or []


def _check_data(data: Data, types: Mapping[ChannelId, SampleType]) -> None:
    if isinstance(data, TimestampedData):
        narrow, wide = _widths(types, data.channel_id)
        assert data.buffer, f"no sample of channel {data.channel_id}"
        assert len(data.buffer) % narrow == 0, f"channel {data.channel_id} ends with a part of a sample"
        assert len(data.buffer) <= wide * len(data.timestamp_deltas), f"channel {data.channel_id} lacks timestamps"
    elif isinstance(data, PeriodicData):
        narrow, wide = _widths(types, data.channel_id)
        size = len(data.buffer)
        assert data.samples > 0, f"no sample of channel {data.channel_id}"
        assert data.interval > 0, f"channel {data.channel_id} has an interval of {data.interval} ns"
        assert size % data.samples == 0, f"channel {data.channel_id} ends with a part of a sample"
        assert narrow <= size // data.samples <= wide, (
            f"channel {data.channel_id}: {size} bytes, {data.samples} samples"
        )
    elif isinstance(data, RowData):
        channels = [ChannelId(c) for c in data.channel_ids]
        assert channels, "row data of no channel"
        assert len(data.buffer) >= len(channels), f"row data of channels {channels} lacks samples"
        if all(c in types for c in channels):
            row_width = sum(types[c].dtype().itemsize for c in channels)
            assert len(data.buffer) == row_width, f"row data of channels {channels}: not {row_width} bytes"


def _widths(types: Mapping[ChannelId, SampleType], channel: int) -> tuple[int, int]:
    """The least and the most bytes a sample may have."""
    kind = types.get(ChannelId(channel))
    return (1, 8) if kind is None else (kind.dtype().itemsize,) * 2
