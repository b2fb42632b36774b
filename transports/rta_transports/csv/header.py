"""The header line: which cell is the time, and which cells are channels, with names, units and types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from rta.wire import ChannelId, SampleType
from rta_transports.csv.options import CsvOptions

__all__ = ["CsvColumn", "Header", "read_header"]

_UNIT = re.compile(r"(.*\S)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\])")
_SHOWN = 20  # names in a message


@frozen(slots=True)
class CsvColumn:
    """A column that becomes a channel."""

    index: int
    """Which cell of a row."""
    channel: ChannelId
    text: str
    """The header cell as it stands."""
    name: str
    unit: str
    type: SampleType


@frozen(slots=True)
class Header:
    """What the rows are read by."""

    width: int
    """Cells of a row."""
    time: int
    """Which cell is the time."""
    columns: tuple[CsvColumn, ...]


def read_header(cells: Sequence[str], options: CsvOptions) -> tuple[Header, list[str]]:
    """The header, and what is wrong with it or with the options that name columns: one line each."""
    texts = [cell.strip() or f"Column {i}" for i, cell in enumerate(cells, 1)]
    by_text, by_name = _places(texts), _places(_name_and_unit(text)[0] for text in texts)
    problems: list[str] = []

    def find(option: str, wanted: str) -> list[int]:
        found = by_text.get(wanted) or by_name.get(wanted)
        if not found:
            problems.append(f"{option}: there is no column {wanted!r}; there are: {_listed(texts)}")
        return found or []

    time = 0 if options.time_column is None else next(iter(find("time_column", options.time_column)), 0)
    types = {i: kind for wanted, kind in options.types.items() for i in find("types", wanted)}
    taken = set(range(len(texts)))
    if options.columns is not None:
        taken = {i for wanted in options.columns for i in find("columns", wanted)}
    columns = [
        CsvColumn(i, ChannelId(number), texts[i], *_name_and_unit(texts[i]), types.get(i, options.type))
        for number, i in enumerate(sorted(taken - {time}), 1)
    ]
    if not columns and not problems:
        problems.append(f"no column is left besides the times, {texts[time]!r}")
    return Header(len(texts), time, tuple(columns)), problems


def _places(words: Iterable[str]) -> dict[str, list[int]]:
    """Where each word is."""
    places: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        places.setdefault(word, []).append(i)
    return places


def _name_and_unit(text: str) -> tuple[str, str]:
    """`RPM (1/min)` or `RPM [1/min]` as name and unit."""
    m = _UNIT.fullmatch(text)
    return (m[1], (m[2] or m[3] or "").strip()) if m else (text, "")


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(repr(t) for t in texts[:_SHOWN]) + more
