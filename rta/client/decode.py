"""From bursts to values: samples by parameter, with the session's configuration. Plain code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from attrs import frozen

from rta.errors import MalformedError
from rta.wire import (
    ChannelId,
    ConfigBinding,
    Configuration,
    SampleType,
    decode_periodic,
    decode_row,
    decode_samples,
    decode_timestamped,
)
from rta.wire.burst import Burst, Event
from rta.wire.conversion import BoundParameter, bind
from rta.wire.samples import ByteOrder

__all__ = ["Decoder", "Sample"]

_BY_WIDTH = {8: SampleType.F64, 4: SampleType.F32, 2: SampleType.U16, 1: SampleType.U8}


@frozen(slots=True)
class Sample:
    """Values of one parameter from one item: arrays of the same shape (n,)."""

    name: str
    """The parameter's id, or `channel N` where the configuration has none."""
    timestamps: Any
    """int64, ns since the Unix epoch."""
    values: Any
    """float64, or str objects for text conversions."""
    parameter: BoundParameter | None


class Decoder:
    """Knows the parameters of a session; several on one channel are all given."""

    def __init__(self, only: Collection[str] = ()) -> None:
        """`only`: ids or names of the parameters that are given; none means all, and channels without one too."""
        self._only = frozenset(only)
        self._by_channel: dict[ChannelId, list[BoundParameter]] = {}
        self._types: dict[ChannelId, SampleType] = {}
        self._orders: dict[ChannelId, ByteOrder] = {}

    def add(self, configuration: Configuration, binding: ConfigBinding) -> None:
        """A configuration the session is bound to."""
        for parameter in bind(configuration, binding):
            named = parameter.parameter
            given = not self._only or named.id in self._only or named.name in self._only
            for channel, kind in parameter.channels.items():
                self._types[channel] = kind
                self._orders[channel] = parameter.byte_order
                if given:
                    self._by_channel.setdefault(channel, []).append(parameter)

    @property
    def channels(self) -> set[ChannelId]:
        """The channels of the parameters that are given."""
        return set(self._by_channel)

    def samples(self, burst: Burst) -> Iterator[Sample]:
        """All samples of a burst, item by item; rows of unknown channels are left out."""
        for item in burst.message().data:
            match item.WhichOneof("data"):
                case "timestamped_data":
                    t = item.timestamped_data
                    kind, order = self._how(ChannelId(t.channel_id), len(t.buffer), len(t.timestamp_deltas))
                    yield from self._named(ChannelId(t.channel_id), *decode_timestamped(t, kind, order))
                case "periodic_data":
                    p = item.periodic_data
                    kind, order = self._how(ChannelId(p.channel_id), len(p.buffer), p.samples)
                    yield from self._named(ChannelId(p.channel_id), *decode_periodic(p, kind, order))
                case "row_data":
                    yield from self._row(item.row_data)

    @staticmethod
    def events(burst: Burst) -> list[Event]:
        """All events of a burst."""
        return [item.event for item in burst.message().data if item.WhichOneof("data") == "event"]

    def _row(self, row: Any) -> Iterator[Sample]:
        try:
            values = decode_row(row, self._types, self._orders)
        except MalformedError:
            return
        for channel, value in values.items():
            kind = self._types[channel]
            samples = decode_samples(np.asarray([value], kind.dtype()).tobytes(), kind)
            yield from self._named(channel, np.asarray([row.timestamp], np.int64), samples)

    def _how(self, channel: ChannelId, size: int, count: int) -> tuple[SampleType, ByteOrder]:
        """Type and byte order; by the width of a sample where the configuration does not say."""
        known = self._types.get(channel)
        if known is not None:
            return known, self._orders[channel]
        return _BY_WIDTH.get(size // count if count > 0 else 8, SampleType.F64), "le"

    def _named(self, channel: ChannelId, timestamps: Any, values: Any) -> Iterator[Sample]:
        bound = self._by_channel.get(channel)
        if bound is None and not self._only:
            yield Sample(f"channel {channel}", timestamps, values.astype(np.float64), None)
        for b in bound or ():
            yield Sample(b.parameter.id, timestamps, b.values(values), b)
