"""What an export has a column for, and how the samples of channels become values in it. Plain code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import evolve, field, frozen

from rta.export.table import Series
from rta.formatting import printable
from rta.wire.columns import ColumnReader
from rta.wire.configuration import Configuration
from rta.wire.conversion import BoundParameter, bind
from rta.wire.parameter_index import ParameterIndex
from rta.wire.session_json import ConfigBinding

__all__ = ["TIME", "ColumnSource", "ExportColumn", "ParameterColumns", "sorted_series"]

TIME = "time"
"""What the column of the times is called."""


@frozen(slots=True)
class ColumnSource:
    """A channel whose samples are in a column."""

    channel: int
    parameter: BoundParameter | None
    """None: the configuration has none for the channel; its samples are taken as they are."""


@frozen(slots=True)
class ExportColumn:
    """One column of a table, or one topic."""

    name: str
    """Unlike that of all others."""
    unit: str = ""
    is_text: bool = False
    identifier: str = ""
    """The parameter's id."""
    description: str = ""
    sources: tuple[ColumnSource, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The name with the unit: `Speed (km/h)`. Unlike that of all others, as well."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class ParameterColumns:
    """The parameters of a session, of which some are exported."""

    def __init__(self) -> None:
        self.reader = ColumnReader()
        """Knows the types of all channels."""
        self._index = ParameterIndex()
        self._known: dict[tuple[str, str], list[BoundParameter]] = {}

    def add(self, configuration: Configuration, binding: ConfigBinding) -> None:
        """Add a configuration that the session is bound to."""
        parameters = bind(configuration, binding)
        self.reader.know(parameters)
        self.reader.know_types(configuration.left_out, binding.channel_offset)
        self._index.add(parameters)
        for bound in parameters:
            if bound.channels:
                self._known.setdefault((bound.parameter.id, bound.application), []).append(bound)

    def named(self, names: Iterable[str]) -> list[ExportColumn]:
        """The columns of these parameters, in this order, each once.

        :raises ParameterNameError: a name is not that of one parameter.
        """
        found: dict[tuple[str, str], list[BoundParameter]] = {}
        for name in names:
            bound = self._index.find(name)
            found[bound[0].parameter.id, bound[0].application] = bound
        return _told_apart([_column(bound) for bound in found.values()])

    def of_channels(self, channels: Collection[int]) -> list[ExportColumn]:
        """A column for each parameter of these channels, and for each of them that has no parameter."""
        seen = set(channels)
        columns = [_column(known) for known in self._known.values() if any(seen & b.channels.keys() for b in known)]
        named = {source.channel for column in columns for source in column.sources}
        columns += [
            ExportColumn(f"channel {c}", identifier=f"channel {c}", sources=(ColumnSource(c, None),))
            for c in sorted(seen - named)
        ]
        return _told_apart(columns)


def _column(bound: Sequence[BoundParameter]) -> ExportColumn:
    """`bound`: one parameter, on the channels that each document gives it."""
    parameter, application = bound[0].parameter, bound[0].application
    sources = {channel: ColumnSource(channel, b) for b in reversed(bound) for channel in b.channels}
    return ExportColumn(
        name=printable(parameter.name or parameter.id.removesuffix(f":{application}")),
        unit=printable(bound[0].unit),
        is_text=any(b.conversion is not None and b.conversion.text is not None for b in bound),
        identifier=parameter.id,
        description=parameter.desc,
        sources=tuple(sources[channel] for channel in sorted(sources)),
    )


def _told_apart(columns: Sequence[ExportColumn]) -> list[ExportColumn]:
    """Columns of the same name are called by the ids of their parameters; then by a number. None is called like the
    column of the times, and no two look the same with their units."""
    times = Counter([TIME, *(c.name for c in columns)])
    named = [c if times[c.name] == 1 else evolve(c, name=printable(c.identifier)) for c in columns]
    out: list[ExportColumn] = []
    names, titles = {TIME}, {TIME}
    for column in named:
        told, number = column, 1
        while told.name in names or told.title in titles:
            number += 1
            told = evolve(column, name=f"{column.name} {number}")
        names.add(told.name)
        titles.add(told.title)
        out.append(told)
    return out


def sorted_series(column: ExportColumn, samples: dict[int, list[Any]]) -> Series | None:
    """All values of a column in the order of their times; None: there are none.

    `samples`: of each channel, pairs of times and raw samples. Samples of the same time stay in their order.
    """
    parts: list[Series] = []
    for source in column.sources:
        pairs = samples.get(source.channel)
        if pairs:
            times = np.concatenate([t for t, _ in pairs])
            parts.append((times, _values(column, source, np.concatenate([v for _, v in pairs]))))
    if not parts:
        return None
    times = np.concatenate([t for t, _ in parts])
    values = np.concatenate([v for _, v in parts])
    if (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return times, values


def _values(column: ExportColumn, source: ColumnSource, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if source.parameter is None:
        with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
            return samples.astype(np.float64)
    values = source.parameter.values(samples)
    if column.is_text and values.dtype != object:  # another document has numbers for it
        return np.array([source.parameter.text(v) for v in values.tolist()], dtype=object)
    return values
