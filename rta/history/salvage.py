"""Salvage: what a damaged history still has, into a new one or before what another one has. For people, without a node.

The entries of a history that is there already come behind, at other positions where that is needed; what streams had
not delivered is still owed. The time is bounded by the size of the files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

from rta.errors import DamagedFileError
from rta.history.delivery import Checkpoint, Span, read_checkpoint, write_checkpoint
from rta.history.entry import Bounds, Key, NewEntry
from rta.history.file import HISTORY, HISTORY_FILE, State, is_right
from rta.history.opening import Opened, open_file
from rta.history.store import HistoryStore
from rta.store.database import SUFFIXES, beside, check_sum, move, spoken
from rta.store.hold import FIRST_ABSURD, Hold
from rta.store.pages import Value, rows
from rta.wire.values import Ns

__all__ = ["Salvaged", "salvage"]

_STREAM, _ENTRY, _STATE = 5, 6, 7  # columns of the tables that count
_AT_ONCE = 1000  # entries of a commit
_SEGMENT = 1 << 15
_FOUND = "SELECT pos, stream, ts, seq, sum, data FROM entries ORDER BY pos"


@frozen
class Salvaged:
    """What has been found in a damaged history."""

    streams: dict[Key, Bounds]
    """Those of which there are entries."""
    nameless: int
    """Entries of streams whose names cannot be read any more: they are lost."""
    noticed: list[str]
    """What was found wrong with the history that they were put into, a sentence each."""


def salvage(path: Path, into: Path | None = None) -> Salvaged:
    """Look through a damaged history, which stays as it is.

    :param into: a history that is to have what is found, before what it has; it is made if it is not there.
    :raises HistoryError: the damaged one cannot be read, or the other one cannot be written, or is in use.
    """
    try:
        with closing(_Found(path)) as found:
            noticed: list[str] = []
            streams = found.bounds()
            if into is not None and streams:
                _put_into(found, into, noticed)
            return Salvaged(streams, found.nameless, noticed)
    except (sqlite3.Error, OSError, DamagedFileError) as e:
        raise spoken(HISTORY, path, e) from e


class _Found:
    """Rows that are as they were written, in a file of their own that has no name."""

    def __init__(self, path: Path) -> None:
        self.state: State | None = None
        """The newest one."""
        self.nameless = 0
        self._names: dict[int, tuple[Key, int]] = {}
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE entries (pos INTEGER PRIMARY KEY, stream, ts, seq, sum, data)")
        self._db.execute("BEGIN")
        try:
            for number, row in rows(path, HISTORY_FILE.page, frozenset({_STREAM, _ENTRY, _STATE})):
                self._add(number, row)
        except BaseException:
            self._db.close()
            raise
        self._db.execute("COMMIT")
        for stream, count in self._db.execute("SELECT stream, count(*) FROM entries GROUP BY stream"):
            self.nameless += 0 if stream in self._names else count

    def _add(self, number: int, row: list[Value]) -> None:
        values: tuple[Any, ...] = (number, *row[1:])
        if len(row) == _ENTRY:
            if is_right(values) and 0 < number < FIRST_ABSURD:
                self._db.execute("REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", values)
        elif len(row) == _STREAM:
            known = self._names.get(number)
            if check_sum(*values[:4]) == values[4] and (known is None or known[1] < values[3]):
                self._names[number] = (values[1], values[2]), values[3]
        elif number == 1 and check_sum(*values[1:6]) == values[6]:
            state = State(*values[1:6])
            if self.state is None or self.state.last <= state.last:
                self.state = state

    def entries(self) -> Iterator[NewEntry]:
        """Those that are not over the limits, in order."""
        for pos, stream, ts, seq, _, data in self._db.execute(_FOUND):
            key, floor = self._names.get(stream, (("", ""), FIRST_ABSURD))
            if pos > floor:
                yield key, pos, Ns(ts), seq, data

    def bounds(self) -> dict[Key, Bounds]:
        found: dict[Key, Bounds] = {}
        for key, pos, ts, seq, _ in self.entries():
            known = found.get(key) or Bounds(pos, pos, 0, ts, ts, seq)
            found[key] = Bounds(known.first, pos, known.count + 1, known.oldest, ts, seq)
        return found

    def close(self) -> None:
        self._db.close()


def _put_into(found: _Found, into: Path, noticed: list[str]) -> None:
    hold = Hold(HISTORY, into, 0)
    work = beside(into, ".salvage")
    try:
        present = open_file(into, _SEGMENT, hold, noticed.append) if into.exists() else None
        try:
            for suffix in (*SUFFIXES, ".lock"):
                beside(work, suffix).unlink(missing_ok=True)
            with closing(HistoryStore(work)) as store:
                _join(store, found, present)
                last = store.last
        finally:
            if present is not None:
                present.close()
        move(work, into)
        hold.note(last)
    finally:
        hold.release()
        for suffix in (*SUFFIXES, ".lock"):
            with suppress(OSError):
                beside(work, suffix).unlink()


def _join(store: HistoryStore, found: _Found, present: Opened | None) -> None:
    _commit_all(store, found.entries())
    last = store.last
    owed = read_checkpoint(found.state.mark if found.state else b"")
    keys = set(store.streams())
    if present is None:
        _commit_all(store, [], owed)
        return
    first = min(
        (track.first for track in present.catalogue.tracks.values() if track.count), default=present.state.last + 1
    )
    shift = max(0, last + 1 - first)
    _commit_all(store, _moved(present, shift))
    newer = read_checkpoint(present.state.mark)
    undelivered = {key: owed.owed(key, last) for key in keys}
    for key, spans in newer.undelivered.items():
        moved = [Span(max(span.first, first) + shift, span.last + shift) for span in spans if span.last >= first]
        undelivered[key] = undelivered.get(key, []) + moved
    _commit_all(store, [], Checkpoint(max(newer.upto + shift, last), undelivered))


def _moved(present: Opened, shift: int) -> Iterator[NewEntry]:
    tracks = {track.id: track for track in present.catalogue.tracks.values()}
    for row in present.db.execute(_FOUND):
        track = tracks.get(row[1])
        if track is not None and row[0] > track.floor and is_right(row):
            yield track.key, row[0] + shift, Ns(row[2]), row[3], row[5]


def _commit_all(store: HistoryStore, entries: Iterable[NewEntry], checkpoint: Checkpoint | None = None) -> None:
    remaining = iter(entries)
    while batch := list(islice(remaining, _AT_ONCE)):
        store.commit(batch)
    if checkpoint is not None:
        store.commit([], write_checkpoint(checkpoint))
