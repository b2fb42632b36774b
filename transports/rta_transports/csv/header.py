"""Which cells of a row are channels or events, with names, units and types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import evolve, frozen

from rta.wire import ChannelId, SampleType
from rta_transports.csv.contents import Content
from rta_transports.csv.layout.units import is_weak_unit, split_unit
from rta_transports.csv.options import CsvOptions

__all__ = ["ColumnNames", "CsvColumn", "Header", "UniqueNames", "listed", "read_header"]

_SOURCE = re.compile(r"\s*\d+\s*:\s*")  # RaceChrono's "100: gps"
_SHOWN = 20  # names in a message


@frozen(slots=True)
class CsvColumn:
    """A column that becomes a channel, or events."""

    index: int
    """Which cell of a row."""
    channel: ChannelId
    """Number of the channel, and of the event definition."""
    text: str
    """The header cell as it stands."""
    name: str
    """Unlike that of all other columns."""
    word: str
    """What the identifier of the parameter is made of; not unique."""
    unit: str
    type: SampleType
    content: Content


@frozen(slots=True)
class Header:
    """What the rows are read by."""

    columns: tuple[CsvColumn, ...]


class UniqueNames:
    """Words, with a number where they have been given before."""

    def __init__(self, form: str = "{} {}") -> None:
        self._form = form
        self._given: dict[str, int] = {}

    def unique(self, word: str) -> str:
        name, number = word, self._given.get(word, 1)
        while name in self._given:
            number += 1
            name = self._form.format(word, number)
        self._given[word] = number
        self._given.setdefault(name, 1)
        return name


@frozen(slots=True)
class _Title:
    """A header cell, understood."""

    text: str
    name: str
    word: str
    unit: str


class ColumnNames:
    """What the columns are called, and how one is found by that."""

    def __init__(self, titles: Sequence[str], units: Sequence[str] = (), sources: Sequence[str] = ()) -> None:
        self.titles = _understood(titles, units, sources)
        self.texts = [t.text for t in self.titles]

    def find(self, wanted: str) -> list[int]:
        """The columns that this may mean: by the unique name, the header cell, the name without the unit."""
        for words in (
            [t.name for t in self.titles],
            self.texts,
            [split_unit(text)[0] for text in self.texts],
            [t.word for t in self.titles],
        ):
            found = [i for i, word in enumerate(words) if word == wanted]
            if found:
                return found
        return []

    def one(self, option: str, wanted: str, problems: list[str]) -> int | None:
        """The column that this means; None and a problem where there is none, or more than one."""
        found = self.find(wanted)
        if len(found) == 1:
            return found[0]
        names = [t.name for t in self.titles]
        if not found:
            problems.append(f"{option}: there is no column {wanted!r}; there are: {listed(self.texts)}")
        else:
            problems.append(f"{option}: {wanted!r} may be any of {listed([names[i] for i in found])}")
        return None


def read_header(
    names: ColumnNames,
    times: Sequence[int],
    content: Callable[[int], Content],
    without: Iterable[int],
    options: CsvOptions,
) -> tuple[Header, list[str]]:
    """The header, and what is wrong with the options that name columns: one line each.

    `content`: what a column holds. `without`: columns that are none of their own, for another reason than `times`.
    """
    problems: list[str] = []
    width = len(names.titles)
    numbered: dict[int, SampleType] = {}
    for wanted, kind in options.types.items():
        i = names.one("types", wanted, problems)
        if i is not None:
            numbered[i] = kind
    worded = {i for wanted in options.events or () if (i := names.one("events", wanted, problems)) is not None}
    taken = set(range(width))
    if options.columns is not None:
        taken = {i for wanted in options.columns if (i := names.one("columns", wanted, problems)) is not None}

    def holds(i: int) -> Content:
        if i in worded:
            return Content.WORDS
        found = content(i)
        if i in numbered and found is not Content.SWITCHES:
            return Content.NUMBERS
        if options.events is not None and found in (Content.WORDS, Content.MIXED):
            return Content.NUMBERS
        return found

    columns = [
        CsvColumn(i, ChannelId(number), t.text, t.name, t.word, t.unit, numbered.get(i, options.type), holds(i))
        for number, i in enumerate(sorted(taken - set(times) - set(without)), 1)
        for t in (names.titles[i],)
    ]
    if not columns and not problems:
        problems.append(f"no column is left besides the times, {listed([names.texts[i] for i in times])}")
    return Header(tuple(columns)), problems


def _understood(titles: Sequence[str], units: Sequence[str], sources: Sequence[str]) -> list[_Title]:
    texts = [cell.strip() or f"Column {i}" for i, cell in enumerate(titles, 1)]
    units = [*units, *[""] * len(texts)][: len(texts)]
    sources = [*sources, *[""] * len(texts)][: len(texts)]
    rows = [_Title(text, text, text, _bare(unit)) for text, unit in zip(texts, units, strict=True)]
    rows = [t if t.unit else _with_split_unit(t) for t in rows]
    # A single letter in brackets is a unit only where the names stay unique without it; "km/h" is one in any case.
    groups: dict[str, list[_Title]] = {}
    for t in rows:
        groups.setdefault(t.name, []).append(t)
    weak = {name for name, group in groups.items() if len(group) > 1 and all(is_weak_unit(t.unit) for t in group)}
    rows = [evolve(t, name=t.text, word=t.text, unit="") if t.name in weak and t.text != t.name else t for t in rows]
    bare = Counter(t.name for t in rows)
    rows = [_told_apart(t, source) if bare[t.name] > 1 else t for t, source in zip(rows, sources, strict=True)]
    unique = UniqueNames()
    return [evolve(t, name=unique.unique(t.name)) for t in rows]


def _bare(unit: str) -> str:
    """Without brackets around it."""
    unit = unit.strip()
    return unit[1:-1].strip() if unit[:1] + unit[-1:] in ("()", "[]", "{}", "<>") else unit


def _with_split_unit(t: _Title) -> _Title:
    name, unit = split_unit(t.text)
    return evolve(t, name=name, word=name, unit=unit)


def _told_apart(t: _Title, source: str) -> _Title:
    """By the source, where the file has a row of them; else by the header cell with the unit."""
    source = _SOURCE.sub("", source).strip()
    if source:
        name = f"{t.name} ({source})"
        return evolve(t, name=name, word=name)
    return evolve(t, name=t.text)


def listed(texts: Sequence[str]) -> str:
    """Names for a message."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(repr(t) for t in texts[:_SHOWN]) + more
