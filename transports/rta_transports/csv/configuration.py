"""The configuration documents of a file: a parameter and a channel for each column of samples, an event definition for
each of words.

A configuration only grows: what comes later, as a further thing of a long table, is a document of its own, bound beside
the others, since clients may keep for good what they have bound once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rta.ports import Publish
from rta.wire import Application, Channel, Configuration, Conversion, Parameter, SampleType
from rta.wire.configuration import EventDefinition, Tree
from rta_transports.csv.contents import Content
from rta_transports.csv.header import CsvColumn, UniqueNames
from rta_transports.csv.options import CsvOptions

__all__ = ["CsvConfigurations"]

_FORMATS = {SampleType.F32: "%.7g", SampleType.F64: "%.10g"}
_ONE_TO_ONE = "one_to_one"
_LETTERS = str.maketrans({"ß": "ss", "µ": "u", "μ": "u", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L",
                          "°": "deg", "Ω": "Ohm", "λ": "lambda"})  # fmt: skip


class CsvConfigurations:
    """Describes columns, each once. All conversions are 1:1."""

    def __init__(self, options: CsvOptions) -> None:
        self._app, self._kind, self._interval = options.app, options.kind, options.interval_ns
        self._identifiers, self._names = UniqueNames("{}_{}"), UniqueNames("{}_{}")
        self._conversions: dict[str, str] = {}

    def publish(self, columns: Sequence[CsvColumn], words: Sequence[CsvColumn] = ()) -> Publish:
        """The document of these columns. Takes a while for thousands. `words`: of known columns that hold words too."""
        configuration = self.describe(columns, words)
        return Publish(configuration.identifier(), configuration.write())

    def describe(self, columns: Sequence[CsvColumn], words: Sequence[CsvColumn] = ()) -> Configuration:
        """The same, as a model."""
        sampled = [c for c in columns if c.content.has_samples]
        parameters = [self._parameter(c) for c in sampled]
        worded = [c for c in columns if c.content in (Content.WORDS, Content.MIXED)] + [*words]
        units = dict.fromkeys(c.unit for c in sampled)
        application = Application(
            desc="Columns of a CSV file",
            tree=Tree(params=[p.id for p in parameters]),
            parameters=parameters,
            channels=[Channel(c.channel, c.name, self._kind, c.type.value, self._interval) for c in sampled],
            conversions=[Conversion(f"{self._conversions[unit]}:{self._app}", unit) for unit in units],
            events=[
                EventDefinition(c.channel, code=_identifier(c.word) or f"column_{c.index + 1}", desc=c.name, pri="low")
                for c in worded
            ],
        )
        return Configuration({self._app: application})

    def _parameter(self, c: CsvColumn) -> Parameter:
        if c.unit not in self._conversions:
            word = _identifier(f"unit {c.unit}") if c.unit else _ONE_TO_ONE
            self._conversions[c.unit] = self._names.unique(word)
        identifier = self._identifiers.unique(_identifier(c.word) or f"column_{c.index + 1}")
        return Parameter(
            id=f"{identifier}:{self._app}",
            name=c.name,
            desc=c.text,
            conv=f"{self._conversions[c.unit]}:{self._app}",
            channels=[c.channel],
            format=_FORMATS.get(c.type, "%d"),
            unit=c.unit or None,
        )


def _identifier(name: str) -> str:
    """A name as a C identifier, with letters of other alphabets as those they come from; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode()
    word = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    return f"_{word}" if word[:1].isdigit() else word
