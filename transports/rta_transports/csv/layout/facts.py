"""What the lines before a table say of the recording: keys and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from rta_transports.csv.layout.cell_kinds import CellKind, kind_of

__all__ = ["is_pair", "read_facts"]

Fact = tuple[str, str]

_FACTS = 100
_CHARACTERS = 200
_SECTION = re.compile(r"\[.*\]|\*.*\*")
_PAIR = re.compile(r"([^\W\d][^:=\t]{0,39}?)\s*(?:[=\t]|(?<!\d):(?![/\\]))\s*(.*)")


def read_facts(lines: Iterable[Sequence[str]]) -> tuple[Fact, ...]:
    """Of lines as cells: at most 100, of at most 200 characters each; a text without a key has the key ""."""
    facts: list[Fact] = []
    for cells in lines:
        facts += _facts_of([_clean(cell) for cell in cells])
        if len(facts) >= _FACTS:
            break
    return tuple(facts[:_FACTS])


def is_pair(text: str, delimiter: str) -> bool:
    """Whether a text is `key: value` or `key = value`; the delimiter may be in the value."""
    pair = _PAIR.fullmatch(text)
    return pair is not None and delimiter not in pair[1]


def _facts_of(cells: list[str]) -> list[Fact]:
    """Cells between blank ones belong together: `"Venue","Spa",,,"Workbook","W1"` are two facts."""
    whole = ", ".join(filter(None, cells))
    if kind_of(whole).is_value:  # a date with a comma in it
        return [("", whole)] if kind_of(whole) is CellKind.TIME else []
    groups = [list(group) for filled, group in groupby(cells, bool) if filled]
    facts = []
    for key, *rest in groups:
        if kind_of(key).is_value and rest:
            continue
        if rest:
            facts.append((key.rstrip(" :="), " ".join(rest)[:_CHARACTERS]))
        elif _PAIR.fullmatch(key) or len(groups) == 1 != len(cells) - 1:  # not a key whose value is blank
            facts.append(_fact_in(key))
    return [(key, value) for key, value in facts if value.strip("[]*-=_#;. ") and not _SECTION.fullmatch(value)]


def _fact_in(text: str) -> Fact:
    pair = _PAIR.fullmatch(text)
    return (pair[1], pair[2].strip()) if pair else ("", text)


def _clean(cell: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else " " for c in cell[:_CHARACTERS]).strip()
