"""The configuration document of a file: a parameter, a channel and a unit for each of its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rta.ports import Publish
from rta.wire import Application, Channel, Configuration, Conversion, Parameter, SampleType
from rta.wire.configuration import Tree
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.options import CsvOptions, Kind

__all__ = ["describe", "published"]

_FORMATS = {SampleType.F32: "%.7g", SampleType.F64: "%.10g"}
_ONE_TO_ONE = "one_to_one"


def published(columns: Sequence[CsvColumn], options: CsvOptions) -> Publish:
    """The document, ready to be published. Takes a while for thousands of columns."""
    configuration = describe(columns, options.app, options.kind, options.interval_ns)
    return Publish(configuration.identifier(), configuration.write())


def describe(columns: Sequence[CsvColumn], app: str, kind: Kind, interval: int = 0) -> Configuration:
    """One application of this name; `interval` in ns, for periodic channels. All conversions are 1:1."""
    of_parameters, of_conversions = _Names(), _Names()
    identifiers = [of_parameters.unique(_identifier(c.name) or f"column_{c.index + 1}") for c in columns]
    conversions = {
        unit: of_conversions.unique(_identifier(f"unit {unit}") if unit else _ONE_TO_ONE)
        for unit in dict.fromkeys(c.unit for c in columns)
    }
    parameters = [
        Parameter(
            id=f"{identifier}:{app}",
            name=c.name,
            desc=c.text,
            conv=f"{conversions[c.unit]}:{app}",
            channels=[c.channel],
            format=_FORMATS.get(c.type, "%d"),
            unit=c.unit or None,
        )
        for c, identifier in zip(columns, identifiers, strict=True)
    ]
    application = Application(
        desc="Columns of a CSV file",
        tree=Tree(params=[p.id for p in parameters]),
        parameters=parameters,
        channels=[Channel(c.channel, c.name, kind, c.type.value, interval) for c in columns],
        conversions=[Conversion(f"{name}:{app}", unit) for unit, name in conversions.items()],
    )
    return Configuration({app: application})


def _identifier(name: str) -> str:
    """A name as a C identifier, "" where nothing is left of it."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return f"_{word}" if word[:1].isdigit() else word


class _Names:
    """Words, with a number where they have been given before."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def unique(self, word: str) -> str:
        name, number = word, self._given.get(word, 1)
        while name in self._given:
            number += 1
            name = f"{word}_{number}"
        self._given[word] = number
        self._given.setdefault(name, 1)
        return name
