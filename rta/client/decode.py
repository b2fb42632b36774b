"""From bursts to values: the samples of each parameter, by the session's configuration. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from attrs import define, frozen

from rta.wire import ChannelId, ConfigBinding, Configuration
from rta.wire.burst import Burst, Event
from rta.wire.columns import ColumnReader
from rta.wire.configuration import EventDefinition
from rta.wire.conversion import BoundParameter, bind
from rta.wire.parameter_index import ParameterIndex, ParameterNameError

__all__ = ["Decoder", "ParameterSamples"]


@frozen(slots=True)
class ParameterSamples:
    """The values of one parameter in one item of a burst: two arrays of the shape (n,)."""

    name: str
    """The parameter's id; `channel N` where the configuration has no parameter for the channel."""
    timestamps: Any
    """int64, ns since the Unix epoch."""
    values: Any
    """float64, or str objects for text conversions."""
    parameter: BoundParameter | None


@define(eq=False)
class _Had:
    """What has been decoded of a channel, and what of it comes again."""

    latest: int | None = None
    count: int = 0
    upto: int | None = None
    """What is not later has come before."""
    expected: int = 0
    left_out: int = 0

    def new(self, timestamps: Any) -> Any | None:
        """Which of some samples are new, a mask of the shape (n,); None: all."""
        mask = None
        if self.upto is not None and len(timestamps) and timestamps.min() <= self.upto:
            mask = timestamps > self.upto
            self.left_out += len(timestamps) - int(np.count_nonzero(mask))
            timestamps = timestamps[mask]
        if len(timestamps):
            self.count += len(timestamps)
            self.latest = max(int(timestamps.max()), self.latest or 0)
        return mask


class Decoder:
    """Knows the parameters of a session. A channel may have several."""

    def __init__(self, only: Collection[str] = (), start: int | None = None) -> None:
        """`only`: what the parameters to decode are called, as `rta.wire.parameter_index` reads it. Empty: all, and
        channels without a parameter too. `start`: ns since the Unix epoch; samples and events before are left out.
        """
        self.start = start
        self._had: dict[ChannelId | None, _Had] = {}
        """What has been decoded of each channel; None: of the events."""
        self._only = tuple(only)
        self._index = ParameterIndex()
        self._by_channel: dict[ChannelId, list[BoundParameter]] = {}
        self._columns = ColumnReader()
        self._events: dict[tuple[str, int], EventDefinition] = {}

    def add(self, configuration: Configuration, binding: ConfigBinding) -> None:
        """Add a configuration that the session is bound to."""
        parameters = bind(configuration, binding)
        self._columns.know(parameters)
        self._index.add(parameters)
        for name, application in configuration.applications.items():
            self._events |= {(name, event.id): event for event in application.events}
        if not self._only:
            self._decode(parameters)
        for name in self._only:
            with suppress(ParameterNameError):
                self._decode(self._index.find(name))

    def _decode(self, parameters: Iterable[BoundParameter]) -> None:
        for parameter in parameters:
            for channel in parameter.channels:
                decoded = self._by_channel.setdefault(channel, [])
                if not any(known is parameter for known in decoded):
                    decoded.append(parameter)

    def check(self) -> None:
        """Check that each name of `only` is that of one parameter.

        :raises ParameterNameError: there is none, or more than one.
        """
        for name in self._only:
            self._index.find(name)

    @property
    def channels(self) -> set[ChannelId]:
        """The channels of the parameters to decode."""
        return set(self._by_channel)

    def begin_again(self) -> None:
        """All of the session comes once more: what is not later than the latest that its channel had is left out."""
        for had in self._had.values():
            had.upto, had.expected, had.left_out = had.latest, had.count, 0

    @property
    def missing(self) -> int:
        """How many samples and events more have been left out than had come: they came late, and are among others."""
        return sum(max(0, had.left_out - had.expected) for had in self._had.values())

    def samples(self, burst: Burst) -> Iterator[ParameterSamples]:
        """All samples of a burst that are new, item by item; rows with unknown channels are left out."""
        wanted = self._by_channel if self._only else None
        for channel, timestamps, samples in self._columns.read(burst, wanted):
            if self.start is not None and len(timestamps) and timestamps.min() < self.start:
                later = timestamps >= self.start
                timestamps, samples = timestamps[later], samples[later]
            if (new := self._had_of(channel).new(timestamps)) is not None:
                timestamps, samples = timestamps[new], samples[new]
            bound = self._by_channel.get(channel)
            if bound is None:
                yield ParameterSamples(f"channel {channel}", timestamps, samples.astype(np.float64), None)
            for b in bound or ():
                yield ParameterSamples(b.parameter.id, timestamps, b.values(samples), b)

    def events(self, burst: Burst) -> list[Event]:
        """All events of a burst that are new."""
        events = [item.event for item in burst.message().data if item.WhichOneof("data") == "event"]
        if self.start is not None:
            events = [event for event in events if event.timestamp >= self.start]
        if not events:
            return events
        new = self._had_of(None).new(np.array([event.timestamp for event in events], np.int64))
        return events if new is None else [events[i] for i in np.flatnonzero(new)]

    def _had_of(self, channel: ChannelId | None) -> _Had:
        return self._had.setdefault(channel, _Had())

    def event_definition(self, event: Event) -> EventDefinition | None:
        """What the configuration says of events of this kind; None: nothing."""
        return self._events.get((event.app_name, event.event_definition_id))
