"""Long tables: a row for each thing and time, as `detector, time, volume, speed`. Each pair of a thing and a value
column is a channel.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from attrs import frozen

from rta_transports.csv.contents import Content
from rta_transports.csv.row_order import is_in_blocks
from rta_transports.csv.times.time_trials import SINCE_1990

__all__ = ["LongTable", "find_long", "is_value_title", "unit_column"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAMES = _words("""
aforo camera capteur channel cod_cent codcent component counter counterid detector detectorid detectorname detid
device deviceid devicename direction entity entityid estacion estación field id idelem intersection item kanal key
lane link linkid location locationid loop measurement messstelle meter meterid metric name node parameter pid
pollutant punto quantity road segment segmentid sensor sensorid sensorname series signal signalname site siteid
sitename station stationid stationname symbol tag topic unitid variable vehicle zone zst
""")
_VALUES = _words("""
value values val v wert messwert valeur valor valore waarde reading data y state status zustand payload message
""")
_IDENTIFIER = re.compile(r"(?:.*[ _.-])?[iI][dD]|.*[a-z]I[Dd]|[A-Z]{1,3}ID")
_UNITS = _words("""
einheit unidad unit units unité uom
""")
_ROWS, _PAIRED = 1000, 12  # rows that are looked at, columns that are tried in pairs
_TWICE = 10  # rows for each one that stands twice
_SAME = 0.8  # of the moments: the things of a moment are those of the one before


@frozen(slots=True)
class LongTable:
    """How the things are told apart."""

    keys: tuple[int, ...]
    """Columns whose cells together name the thing."""
    unit: int | None
    """The column with the unit of each row, if there is one."""

    def thing(self, cells: Sequence[str]) -> tuple[str, ...]:
        """What the row of these cells is about."""
        return tuple([cells[i].strip() for i in self.keys])


def unit_column(titles: Sequence[str]) -> int | None:
    """Where the unit of each row stands."""
    return next((i for i, title in enumerate(titles) if title.strip().casefold() in _UNITS), None)


def is_value_title(title: str) -> bool:
    """Whether a title says no more than that values are below it."""
    return _plain(title) in _VALUES


def find_long(
    titles: Sequence[str],
    times: Sequence[int],
    rows: Sequence[Sequence[str]],
    contents: Sequence[Content | None],
    first: int,
) -> LongTable | None:
    """Whether the rows are those of a long table; None: they are not, or nothing tells.

    `times`: one for each of the rows, of which the `first` ones follow each other in the file, and the others are from
    further behind. `contents`: of each column; None for those of the times. The same moments come again and again,
    with another thing in each row, and always the same things; or the rows of one thing follow those of another.
    """
    every, all_times = rows, times
    times, rows = times[: min(first, _ROWS)], rows[: min(first, _ROWS)]
    candidates = [i for i, content in enumerate(contents) if content is not None and _names_things(i, rows)]
    named = [i for i in candidates if _is_named(titles[i])]
    if (pair := _pair(titles, rows, contents)) is not None:
        return pair
    if len(rows) < 4 or len(Counter(times)) * 1.5 > len(rows):
        rounds = tuple(next(((i,) for i in named if _in_rounds(i, rows)), ()))
        keys = rounds or _keys_of_blocks(titles, contents, all_times, every)
        return LongTable(keys, unit_column(titles)) if keys else None
    candidates = named + [i for i in candidates if i not in named]
    pairs = [(i, j) for i in candidates[:_PAIRED] for j in candidates[:_PAIRED] if i != j]
    for keys in [(i,) for i in candidates] + pairs:
        if _tells_apart(keys, times, rows, strictly=keys[0] not in named):
            return LongTable(keys, unit_column(titles))
    return None


def _plain(title: str) -> str:
    return re.sub(r"[\W_\d]", "", title).casefold()


def _is_named(title: str) -> bool:
    return _plain(title) in _NAMES or _IDENTIFIER.fullmatch(title.strip()) is not None


def _pair(titles: Sequence[str], rows: Sequence[Sequence[str]], contents: Sequence[Content | None]) -> LongTable | None:
    """A table of nothing but a thing, a time and a value, perhaps with a unit: `entity_id, state, last_changed`."""
    unit = unit_column(titles)
    others = [i for i, content in enumerate(contents) if content is not None and i != unit]
    values = [i for i in others if is_value_title(titles[i])]
    keys = [i for i in others if _is_named(titles[i]) and contents[i] is Content.WORDS]
    if len(contents) < len(titles) or len(others) != 2 or len(values) != 1 or len(keys) != 1 or values == keys:
        return None
    things = {row[keys[0]].strip() for row in rows}
    units = {(row[keys[0]].strip(), row[unit].strip()) for row in rows} if unit is not None else things
    return LongTable((keys[0],), unit) if len(things) == len(units) <= max(1, len(rows) / 2) else None


def _names_things(i: int, rows: Sequence[Sequence[str]]) -> bool:
    """Few different cells, each again and again; none with a fraction."""
    cells = Counter(row[i].strip() for row in rows)
    return (
        2 <= len(cells) <= len(rows) / 2
        and "" not in cells
        and not any("." in c and c.replace(".", "").lstrip("-").isdigit() for c in cells)
    )


def _keys_of_blocks(
    titles: Sequence[str], contents: Sequence[Content | None], times: Sequence[int], rows: Sequence[Sequence[str]]
) -> tuple[int, ...]:
    """The columns that name the thing where the rows of one follow those of another: time goes back where the thing
    changes, and nowhere else. None: it is not so.

    Where the times are dates, any words may name it: no run that is appended begins with the dates of the one before.
    """
    dated = min(times) > SINCE_1990
    possible = [
        i
        for i, content in enumerate(contents)
        if (content is not None and _is_named(titles[i])) or (dated and content is Content.WORDS)
    ]
    found = [i for i in possible if _names_things(i, rows)][:_PAIRED]
    found.sort(key=lambda i: not _is_named(titles[i]))
    several = [keys for count in (2, len(found)) if len(found) >= count > 1 for keys in combinations(found, count)]
    for keys in [*((i,) for i in found), *several]:
        things = [tuple([row[i].strip() for i in keys]) for row in rows]
        if is_in_blocks(times, things) or is_in_blocks([-time for time in times], things):
            return keys
    return ()


def _in_rounds(i: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the same things come round after round, at times of their own."""
    things = [row[i].strip() for row in rows]
    count = len(set(things))
    rounds = [set(things[k : k + count]) for k in range(0, len(things) - count + 1, count)]
    return len(rounds) > 2 and sum(len(one) == count for one in rounds) >= _SAME * len(rounds)


def _tells_apart(
    keys: tuple[int, ...], times: Sequence[object], rows: Sequence[Sequence[str]], *, strictly: bool
) -> bool:
    """Whether hardly a thing comes twice at one time, as where the clocks are set back; `strictly`: none does, and each
    moment has the same things, but for the ends."""
    things: dict[object, set[tuple[str, ...]]] = {}
    twice = 0
    for time, row in zip(times, rows, strict=True):
        thing = tuple(row[i] for i in keys)
        seen = things.setdefault(time, set())
        twice += thing in seen
        seen.add(thing)
    if not strictly:
        return twice * _TWICE <= len(rows)
    if twice:
        return False
    sets = list(things.values())
    whole = max(sets, key=len)
    return sum(s == whole for s in sets) >= _SAME * (len(sets) - 1)
