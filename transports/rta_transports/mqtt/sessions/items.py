"""From the entries of streams to samples and events.

Numbers are samples, true and false 1 and 0. Texts are events; what else there is, is an event with its JSON. Null is
NaN, which clients show as a gap, where there have been numbers; "null" where there have been texts; nothing where
there has been neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import Any

from attrs import frozen

from rta.errors import MalformedError
from rta.formatting import replace_surrogates
from rta.wire import ChannelId, Event, TimeRange, TimestampedData, encode_timestamped
from rta.wire.burst import Data
from rta_transports.mqtt.sessions.channels import ChannelIds, RemoteChannel, ValueKinds, ValueOrigin

__all__ = ["ChannelEntry", "items_of", "span_of", "read_entry"]

_SAMPLES = 2048  # of one item at most: it cannot be split over bursts
_LATEST = (1 << 63) - 1  # ns; what a timestamp can say
_ENTRY, _NUMBER, _TEXT = 200, 100, 200  # bytes that one takes in memory, about
_NAN = float("nan")
_F64 = Struct("<d")


@frozen(slots=True)
class ChannelEntry:
    """One entry of a stream, by channel."""

    ts: int
    numbers: list[tuple[int, float]]
    texts: list[tuple[RemoteChannel, str]]
    size: int
    """Bytes in memory, about."""


def read_entry(
    channels: ChannelIds, code: str, stream: str, ts: int, values: Mapping[str, Any]
) -> tuple[ChannelEntry | None, list[MalformedError]]:
    """What an entry holds, and what had to be left out of it. None: nothing.

    `ts`: ns since the Unix epoch.
    """
    if not 0 <= ts <= _LATEST:
        return None, [MalformedError("time", f"an entry of {code}/{stream} is of a time that nanoseconds cannot say")]
    numbers: list[tuple[int, float]] = []
    texts: list[tuple[RemoteChannel, str]] = []
    faults: list[MalformedError] = []
    size = _ENTRY
    for attribute, component, value in _flat(values):
        origin = ValueOrigin(
            replace_surrogates(code),
            replace_surrogates(stream),
            replace_surrogates(attribute),
            replace_surrogates(component),
        )
        try:
            number = _number(value)
            if value is None:
                holds = channels.holds(origin)
                if holds & ValueKinds.NUMBERS:
                    numbers.append((channels.number(origin, ValueKinds.NUMBERS).number, _NAN))
                if holds & ValueKinds.TEXTS:
                    texts.append((channels.number(origin, ValueKinds.TEXTS), "null"))
            elif number is not None:
                numbers.append((channels.number(origin, ValueKinds.NUMBERS).number, number))
            else:
                text = _text(value)
                texts.append((channels.number(origin, ValueKinds.TEXTS), text))
                size += len(text) * 4
        except MalformedError as e:
            faults.append(e)
    if not numbers and not texts:
        return None, faults
    return ChannelEntry(ts, numbers, texts, size + _NUMBER * len(numbers) + _TEXT * len(texts)), faults


def items_of(entries: Iterable[ChannelEntry]) -> list[Data]:
    """Their samples, in time order within each item, and their events."""
    columns: dict[int, list[tuple[int, float]]] = {}
    events: list[Data] = []
    for entry in entries:
        for number, value in entry.numbers:
            columns.setdefault(number, []).append((entry.ts, value))
        for channel, text in entry.texts:
            events.append(
                Event(
                    event_definition_id=channel.number,
                    app_name=channel.origin.application,
                    timestamp=entry.ts,
                    status_text=text,
                )
            )
    out: list[Data] = []
    for number, samples in columns.items():
        if len(samples) == 1:  # much the most common
            out.append(_single(number, *samples[0]))
            continue
        samples.sort(key=_time)
        for begin in range(0, len(samples), _SAMPLES):
            times, values = zip(*samples[begin : begin + _SAMPLES], strict=True)
            out.append(encode_timestamped(ChannelId(number), times, values))
    return out + events


def _single(number: int, ts: int, value: float) -> Data:
    """What `encode_timestamped` makes of one sample, without the arrays."""
    return TimestampedData(
        channel_id=number,
        start_timestamp=ts,
        timestamp_deltas_scale=0,
        timestamp_deltas=[0],
        buffer=_F64.pack(value),
    )


def span_of(entries: Iterable[ChannelEntry]) -> TimeRange:
    """From the earliest to the latest; there is at least one."""
    times = [entry.ts for entry in entries]
    return TimeRange(min(times), max(times))


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Attribute, component and value."""
    for attribute, value in values.items():
        if isinstance(value, Mapping):
            for component, one in value.items():
                yield attribute, component, one
        else:
            yield attribute, "", value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None  # booleans are among the integers


def _text(value: object) -> str:
    return replace_surrogates(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def _time(sample: tuple[int, float]) -> int:
    return sample[0]
