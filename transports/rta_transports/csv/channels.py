"""The channels of a file: one for each column, or in a long table for each pair of a thing and a column.

They only grow: a thing that comes later, the first word in a column, the first mark between the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from rta.ports import MalformedError, Publish
from rta.wire import ChannelId, SampleType
from rta_transports.csv.configuration import CsvConfigurations
from rta_transports.csv.contents import Content
from rta_transports.csv.header import CsvColumn, UniqueNames
from rta_transports.csv.long_table import is_value_title
from rta_transports.csv.options import CsvOptions

__all__ = ["MARK", "FileChannels"]

MARK = -1
"""The key of rows that are marks."""

_MOST = 100_000  # channels


class FileChannels:
    """Numbers what the rows hold, and describes what is new."""

    def __init__(self, columns: Sequence[CsvColumn], options: CsvOptions, *, long: bool) -> None:
        self._columns = tuple(columns)
        self._configurations = CsvConfigurations(options)
        self._long = long
        self._keys: dict[tuple[str, ...], int] = {}
        self._units: dict[int, str] = {}
        self._of_key: dict[int, tuple[CsvColumn, ...]] = {}
        self._names = UniqueNames()
        self._new: list[CsvColumn] = []
        self._worded: set[ChannelId] = set()
        self._new_words: list[CsvColumn] = []
        self._last = 0
        if not long:
            self._of_key[0] = self._columns
            self._add(self._columns)

    def key(self, thing: tuple[str, ...], unit: str = "") -> int:
        """The key of a thing of a long table.

        :raises MalformedError: kind `channels`, there are too many; `unit`, the unit of the thing is another now.
        """
        found = self._keys.get(thing)
        if found is not None:
            was = self._units[found]
            if unit and was and unit != was:
                name = " ".join(thing)
                raise MalformedError("unit", f"the unit of {name!r:.100} is {unit!r:.40}, and was {was!r:.40}")
            return found
        if self._last + len(self._columns) > _MOST:
            raise MalformedError("channels", f"there are over {_MOST} channels: no room for {' '.join(thing)!r:.100}")
        key = self._keys[thing] = len(self._keys)
        self._units[key] = unit
        self._of_key[key] = tuple(self._paired(" ".join(thing), unit, i, c) for i, c in enumerate(self._columns, 1))
        self._add(self._of_key[key])
        return key

    def columns(self, key: int) -> tuple[CsvColumn, ...]:
        """What the values of a row of this key are of."""
        if key == MARK and MARK not in self._of_key:
            mark = CsvColumn(-1, ChannelId(self._last + 1), "", "Mark", "Mark", "", SampleType.F64, Content.WORDS)
            self._of_key[MARK] = (mark,)
            self._add((mark,))
        return self._of_key[key]

    def note_word(self, column: CsvColumn) -> None:
        """A word has come in a column."""
        if column.channel not in self._worded:
            self._worded.add(column.channel)
            if column.content is Content.EMPTY:
                self._new_words.append(column)

    def described(self) -> list[Publish]:
        """A document of what is new since this was called last; none if nothing is."""
        if not self._new and not self._new_words:
            return []
        new, words, self._new, self._new_words = self._new, self._new_words, [], []
        return [self._configurations.publish(new, words)]

    def _add(self, columns: Sequence[CsvColumn]) -> None:
        self._new += columns
        self._last += len(columns)

    def _paired(self, thing: str, unit: str, number: int, column: CsvColumn) -> CsvColumn:
        # The thing alone is the name where the column says nothing, unless the thing is a number, which is no name.
        alone = len(self._columns) == 1 and is_value_title(column.name) and not thing.strip("-. ").isdigit()
        name = self._names.unique(thing if alone else f"{column.name} {thing}")
        return evolve(
            column,
            channel=ChannelId(self._last + number),
            text=name,
            name=name,
            word=name,
            unit=column.unit or unit,
        )
