"""The bursts of a session become samples of statuses: which channel feeds which attribute, by which conversion. Plain
code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from rta.errors import MalformedError
from rta.rsmp.message import Component, Value
from rta.sampling.sources import ChannelSource, ParameterSource, StatusSources
from rta.stream.sample import Sample
from rta.wire import Burst, ChannelId, ConfigBinding, Configuration
from rta.wire.columns import ColumnReader
from rta.wire.conversion import BoundParameter, bind
from rta.wire.parameter_index import ParameterIndex, ParameterNameError
from rta.wire.values import Ns

__all__ = ["SessionDecoder"]

_FEW = 32  # samples for which a call of numpy takes longer than a loop

_Target = tuple[str, str, Component]
"""Code, attribute, component."""


@frozen(slots=True)
class _Feed:
    """How the samples of one channel are converted, and what they are for."""

    parameter: BoundParameter | None
    """None: they are not converted."""
    targets: list[_Target] = field(factory=list)


class SessionDecoder:
    """Decodes the bursts of one session. Made anew for other statuses or configurations."""

    def __init__(
        self, statuses: Iterable[StatusSources], configurations: Sequence[tuple[Configuration, ConfigBinding]]
    ) -> None:
        """`statuses`: those that follow the session. `configurations`: those that it is bound to."""
        self.missing: list[str] = []
        """In words, the attributes whose parameter or channel is in none of the configurations."""
        self._columns = ColumnReader()
        self._feeds: dict[ChannelId, list[_Feed]] = {}
        parameters = ParameterIndex()
        for configuration, binding in configurations:
            bound = bind(configuration, binding)
            self._columns.know_types(configuration.left_out, binding.channel_offset)
            self._columns.know(bound)
            parameters.add(bound)
        for status in statuses:
            for (attribute, component), source in status.sources.items():
                target = status.code, attribute, component
                if isinstance(source, ParameterSource):
                    self._bind_parameter(target, source, parameters)
                elif isinstance(source, ChannelSource):
                    self._bind_channel(target, ChannelId(source.channel), bool(configurations))

    def _bind_parameter(self, target: _Target, source: ParameterSource, parameters: ParameterIndex) -> None:
        try:
            found = parameters.find(source.name)
        except ParameterNameError as e:
            self._miss(target, str(e))
            return
        for parameter in found:
            conversion = None if _is_plain(parameter) else parameter
            for channel in parameter.channels:
                self._feed(channel, conversion).targets.append(target)

    def _bind_channel(self, target: _Target, channel: ChannelId, described: bool) -> None:
        # A channel that no configuration describes may come too: its samples tell their own width.
        self._feed(channel, None).targets.append(target)
        if described and not self._columns.knows(channel):
            self._miss(target, f"no channel {channel}")

    def _feed(self, channel: ChannelId, parameter: BoundParameter | None) -> _Feed:
        feeds = self._feeds.setdefault(channel, [])
        for feed in feeds:
            if feed.parameter is parameter:
                return feed
        feeds.append(_Feed(parameter))
        return feeds[-1]

    def _miss(self, target: _Target, what: str) -> None:
        self.missing.append(f"{' '.join(filter(None, target))}: {what}")

    def samples(
        self, burst: Burst, malformed: Callable[[MalformedError], None] = lambda error: None
    ) -> dict[str, list[Sample]]:
        """The samples by status; those of a channel in the order of the burst. Values that are not finite are None.

        Of a channel that is bound without a parameter they are the raw samples. `malformed` is called for items that
        could not be read.
        """
        out: dict[str, list[Sample]] = {}
        if not burst.has_data or not self._feeds:
            return out
        for channel, timestamps, samples in self._columns.read(burst, self._feeds, malformed):
            times = timestamps.tolist()
            for feed in self._feeds[channel]:
                values = _values(samples if feed.parameter is None else feed.parameter.values(samples))
                for code, attribute, component in feed.targets:
                    out.setdefault(code, []).extend(
                        [Sample(Ns(t), attribute, component, v) for t, v in zip(times, values, strict=True)]
                    )
        return out


def _is_plain(parameter: BoundParameter) -> bool:
    """Whether the values are equal to the samples, so that they need no conversion."""
    rule = parameter.conversion
    as_they_are = rule is None or not (rule.rational or rule.table or rule.text or rule.formula is not None)
    return as_they_are and not parameter.parameter.offset and not any(k.is_integer for k in parameter.channels.values())


def _values(samples: npt.NDArray[Any]) -> list[Value]:
    if samples.dtype.kind == "f" and (len(samples) < _FEW or not np.isfinite(samples).all()):
        return [v if isfinite(v) else None for v in samples.tolist()]
    values: list[Value] = samples.tolist()
    return values
