"""The time of a row, from its cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo

from rta_transports.csv.long_table import LongTable
from rta_transports.csv.times.local_times import Note
from rta_transports.csv.times.time_column import TimeChoice
from rta_transports.csv.times.time_formats import JOINT
from rta_transports.csv.times.times import ParseTime

__all__ = ["TimeOf", "row_times"]

TimeOf = Callable[[Sequence[str]], int]
"""From the cells of a row to ns; raises `MalformedError` of kind `time`."""

_THINGS = 100_000  # that are remembered


def row_times(time: TimeChoice, long: LongTable | None, zone: tzinfo, note: Note) -> TimeOf:
    """For the rows of one file in their order. In a long table each thing has its own autumn night, as the order of
    its rows tells the two hours apart."""
    if long is None or not time.format.local:
        return _of_cells(time.columns, time.format.parser(zone, note))
    of_things: dict[tuple[str, ...], TimeOf] = {}

    def of_thing(cells: Sequence[str]) -> int:
        thing = long.thing(cells)
        if thing not in of_things:
            if len(of_things) >= _THINGS:
                of_things.clear()
            of_things[thing] = _of_cells(time.columns, time.format.parser(zone, note))
        return of_things[thing](cells)

    return of_thing


def _of_cells(columns: tuple[int, ...], parse: ParseTime) -> TimeOf:
    first = columns[0]
    if len(columns) == 1:
        return lambda cells: parse(cells[first])
    second = columns[1]
    return lambda cells: parse(f"{cells[first]}{JOINT}{cells[second]}")
