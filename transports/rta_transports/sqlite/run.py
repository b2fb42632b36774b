"""Runs of sessions as the files keep them, with what of them can be had in which way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from rta.ports import START, Hole, Position, RecordedRun

__all__ = ["KeptRun", "read_run", "write_run"]

_HOLES = 64


@frozen
class KeptRun:
    """One run of a session."""

    id: int
    """In the log; 0: the log does not know it any more."""
    stream: str
    session_id: int
    start: Position
    last: Position = START
    """Of the last entry recorded."""
    upto: Position = START
    """What the stream's flush point was when the stream began anew, or the session was sealed."""
    ended: bool = False
    """Another run has its id."""
    held_from: Position = START
    """The last position of which the entry is gone from the log."""
    newest: int = 0
    """The log's number of the last entry."""
    holes: tuple[Hole, ...] = ()

    def is_of(self, stream: str, session_id: int, start: Position) -> bool:
        """Whether it is this run."""
        return (self.stream, self.session_id, self.start) == (stream, session_id, start)

    def flush_point(self, stream_upto: Position) -> Position:
        """Up to where it is recorded. `stream_upto`: the flush point of its stream."""
        known = max(self.start, self.last, self.upto)
        return known if self.ended else max(known, stream_upto)

    def with_hole(self, hole: Hole) -> KeptRun:
        """Of a great many holes, the first ones become one."""
        if hole in self.holes:
            return self
        holes = [*self.holes, hole]
        if len(holes) > _HOLES:
            first, second = holes[:2]
            holes[:2] = [Hole(min(first.after, second.after), max(first.upto, second.upto), second.reason)]
        return evolve(self, holes=tuple(holes))

    def recorded(self, stream_upto: Position) -> RecordedRun:
        """As the port has it."""
        upto = self.flush_point(stream_upto)
        held_from = max(self.start, self.held_from) if self.id else upto
        return RecordedRun(self.stream, self.session_id, self.start, upto, held_from, self.holes)


def write_run(run: KeptRun) -> list[Any]:
    """As JSON has it."""
    holes = [[str(hole.after), str(hole.upto), hole.reason] for hole in run.holes]
    places = [str(place) for place in (run.start, run.last, run.upto, run.held_from)]
    return [run.stream, run.session_id, *places, run.ended, run.newest, holes]


def read_run(number: int, data: Sequence[Any]) -> KeptRun:
    """The inverse.

    :raises ValueError, TypeError, IndexError: it is something else.
    """
    start, last, upto, held_from = map(Position.parse, data[2:6])
    holes = tuple(Hole(Position.parse(after), Position.parse(to), str(why)) for after, to, why in data[8])
    return KeptRun(number, str(data[0]), int(data[1]), start, last, upto, bool(data[6]), held_from, int(data[7]), holes)


def run_text(run: KeptRun) -> str:
    """As a row has it."""
    return json.dumps(write_run(run))
