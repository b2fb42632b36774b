"""Cleaning: entries that are gone leave the file, a stretch of positions at a time.

A segment is cleaned when half of it is gone, so that each cleaning frees at least as much as stays, and the file has
at most about twice what is kept. Freed pages are used again; the file does not become smaller.
"""

from __future__ import annotations

import sqlite3

from attrs import frozen

from rta.history.file import places_id
from rta.history.index import HistoryIndex

__all__ = ["Cleaning", "Step"]

# A stream that is not there any more has left nothing.
_ENTRIES = """DELETE FROM entries WHERE pos >= ? AND pos < ?
    AND pos <= coalesce((SELECT floor FROM streams WHERE id = entries.stream), 9223372036854775807)"""
_RUNS = """DELETE FROM runs WHERE id >= ? AND id < ?
    AND last <= coalesce((SELECT floor FROM streams WHERE id = runs.id & 0xFFFFFFFF), 9223372036854775807)"""


@frozen
class Step:
    """What has been done in one transaction."""

    cleaned: tuple[int, ...] = ()
    """Segments that are done with."""
    swept: tuple[int, int] | None = None
    """A segment that is not, and the position up to which it is."""
    removed: int = 0
    """Entries."""


class Cleaning:
    """How far it is."""

    def __init__(self) -> None:
        self._swept: tuple[int, int] | None = None

    def due(self, catalogue: HistoryIndex) -> bool:
        """Whether there is something to do."""
        return any(True for _ in catalogue.worth_cleaning())

    def step(self, db: sqlite3.Connection, catalogue: HistoryIndex, at_most: int) -> Step:
        """Within a transaction, with the floors written. Looks through so many positions."""
        cleaned: list[int] = []
        removed = 0
        for segment in list(catalogue.worth_cleaning()):
            end = (segment + 1) * catalogue.segment
            start = segment * catalogue.segment
            if self._swept and self._swept[0] == segment:
                start = self._swept[1]
            stop = min(end, start + at_most)
            at_most -= stop - start
            if stop > start:
                removed += db.execute(_ENTRIES, (start, stop)).rowcount
            if stop < end:
                return Step(tuple(cleaned), (segment, stop), removed)
            live = catalogue.live.get(segment, 0)
            db.execute(_RUNS, (places_id(segment, 0), places_id(segment + 1, 0)))
            if live:
                db.execute("REPLACE INTO segments VALUES (?, ?)", (segment, live))
            else:
                db.execute("DELETE FROM segments WHERE number = ?", (segment,))
            cleaned.append(segment)
        return Step(tuple(cleaned), None, removed)

    def done(self, catalogue: HistoryIndex, step: Step) -> None:
        """The transaction has been committed."""
        for segment in step.cleaned:
            catalogue.cleaned(segment)
        self._swept = step.swept
