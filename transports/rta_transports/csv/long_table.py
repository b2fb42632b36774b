"""Long tables: a row for each thing and time, as `detector, time, volume, speed`. Each pair of a thing and a value
column is a channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from rta_transports.csv.contents import Content

__all__ = ["LongTable", "find_long"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAMES = _words("""
aforo camera capteur channel cod_cent counter detector detectorid device deviceid direction id idelem item kanal key
lane link linkid location loop measurement messstelle metric name node parameter pid punto quantity road sensor
sensorid series signal site siteid station stationid symbol tag unitid variable vehicle zone zst
""")
_UNITS = _words("""
einheit unidad unit units unité uom
""")
_ROWS, _PAIRED = 1000, 12  # rows that are looked at, columns that are tried in pairs
_SAME = 0.8  # of the moments: the things of a moment are those of the one before


@frozen(slots=True)
class LongTable:
    """How the things are told apart."""

    keys: tuple[int, ...]
    """Columns whose cells together name the thing."""
    unit: int | None
    """The column with the unit of each row, if there is one."""


def unit_column(titles: Sequence[str]) -> int | None:
    """Where the unit of each row stands."""
    return next((i for i, title in enumerate(titles) if title.strip().casefold() in _UNITS), None)


def find_long(
    titles: Sequence[str], times: Sequence[Any], rows: Sequence[Sequence[str]], contents: Sequence[Content | None]
) -> LongTable | None:
    """Whether the rows are those of a long table; None: they are not, or nothing tells.

    `times`: one for each of the rows, which follow each other in the file. `contents`: of each column; None for those
    of the times. The same moments come again and again, with another thing in each row, and always the same things.
    """
    times, rows = times[:_ROWS], rows[:_ROWS]
    candidates = [i for i, content in enumerate(contents) if content is not None and _names_things(i, rows)]
    named = [i for i in candidates if titles[i].strip().casefold().replace("_", "").replace(" ", "") in _NAMES]
    if len(rows) < 4 or len(Counter(times)) * 1.5 > len(rows):
        blocks = [i for i in named if _begins_anew_with(i, times, rows)]
        return LongTable((blocks[0],), unit_column(titles)) if blocks else None
    candidates = named + [i for i in candidates if i not in named]
    pairs = [(i, j) for i in candidates[:_PAIRED] for j in candidates[:_PAIRED] if i != j]
    for keys in [(i,) for i in candidates] + pairs:
        if _tells_apart(keys, times, rows, strictly=keys[0] not in named):
            return LongTable(keys, unit_column(titles))
    return None


def _names_things(i: int, rows: Sequence[Sequence[str]]) -> bool:
    """Few different cells, each again and again; none with a fraction."""
    cells = Counter(row[i].strip() for row in rows)
    return (
        2 <= len(cells) <= len(rows) / 2
        and "" not in cells
        and not any("." in c and c.replace(".", "").lstrip("-").isdigit() for c in cells)
    )


def _begins_anew_with(i: int, times: Sequence[Any], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows of one thing follow those of another: where time goes back, and only there, the
    thing changes."""
    things = [row[i] for row in rows]
    back = [b < a for a, b in pairwise(times)]
    return any(back) and back == [a != b for a, b in pairwise(things)]


def _tells_apart(
    keys: tuple[int, ...], times: Sequence[object], rows: Sequence[Sequence[str]], *, strictly: bool
) -> bool:
    """Whether no thing comes twice at one time; `strictly`: and each moment has the same things, but for the ends."""
    things: dict[object, set[tuple[str, ...]]] = {}
    for time, row in zip(times, rows, strict=True):
        thing = tuple(row[i] for i in keys)
        seen = things.setdefault(time, set())
        if thing in seen:
            return False
        seen.add(thing)
    if not strictly:
        return True
    sets = list(things.values())
    whole = max(sets, key=len)
    return sum(s == whole for s in sets) >= _SAME * (len(sets) - 1)
