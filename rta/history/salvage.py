"""Salvage: what can still be read of a damaged file, row by row, into a new one. The old one is kept aside.

Only entries, streams and the state are carried over: where the entries are is found out anew from them.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rta.history.file import (
    INSERTED_AT_ONCE,
    PAGE,
    State,
    beside,
    check_sum,
    connect,
    create,
    insert,
    is_right,
    move,
    transaction,
)

__all__ = ["salvage"]

_KEPT = 3
_RANGE = 1024  # positions that are read at once
_LEAST = 16  # positions of which one that cannot be read may cost the others
_SELECT = "SELECT pos, stream, ts, seq, sum, data FROM entries WHERE pos > ? AND pos < ? ORDER BY pos"

_STREAMS = "SELECT id, code, name, floor, sum FROM streams ORDER BY id"
_ENDS = "SELECT pos FROM entries ORDER BY pos", "SELECT pos FROM entries ORDER BY pos DESC"

Row = tuple[int, int, int, int, int, bytes]


def salvage(path: Path, segment: int) -> tuple[int, Path]:
    """Put a file in place of a damaged one that has what can be read of it.

    :return: how many entries that is, and where the damaged file is now.
    :raises OSError, sqlite3.Error: there is no room, or the folder cannot be written; nothing has changed then.
    """
    work, mended = beside(path, ".salvage"), beside(path, ".mended")
    try:
        count = _carried_over(path, work, segment)
        if not count:
            # Nothing could be found by way of the first page: ours is as good, all files begin alike.
            _mend(path, work, mended)
            count = _carried_over(mended, work, segment)
        aside = _make_room(path)
        move(path, aside)
        move(work, path)
    finally:
        for suffix in ("", "-wal", "-shm"):
            beside(mended, suffix).unlink(missing_ok=True)
    return count, aside


def _make_room(path: Path) -> Path:
    for number in range(_KEPT - 1, 0, -1):
        older = beside(path, f".damaged-{number}")
        if older.exists():
            move(older, beside(path, f".damaged-{number + 1}"))
    return beside(path, ".damaged-1")


def _mend(path: Path, fresh: Path, to: Path) -> None:
    for suffix in ("", "-wal"):
        if beside(path, suffix).exists():
            shutil.copyfile(beside(path, suffix), beside(to, suffix))
    page = bytearray(fresh.read_bytes()[:PAGE])
    page[28:32] = (to.stat().st_size // PAGE).to_bytes(4, "big")
    page[32:40] = bytes(8)  # the free pages: none
    page[92:96] = page[24:28]  # so that the number of pages counts
    with open(to, "r+b") as file:
        file.write(page)


def _carried_over(path: Path, work: Path, segment: int) -> int:
    """The number of entries that are in the new file."""
    create(work, segment)
    with closing(connect(work)) as new, closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.text_factory = lambda text: text.decode("utf-8", "replace")
        state = _state(old)
        floors = {}
        with transaction(new):
            for row in _streams(old):
                floors[row[0]] = row[3]
                new.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?)", row)
        count = last = 0
        batch: list[Row] = []
        for entry in _entries(old, path, state):
            if entry[0] <= floors.get(entry[1], entry[0]):
                continue
            batch.append(entry)
            count, last = count + 1, entry[0]
            if len(batch) == INSERTED_AT_ONCE:
                _insert(new, batch)
        _insert(new, batch)
        if state is None:  # what was lost may have had greater positions
            known = State(last + segment if last else 0, streams=max(floors, default=0), segment=segment)
        else:
            known = State(max(state.last, last), state.mark, -1, max(state.streams, *floors, 0), state.segment)
        with transaction(new):
            known.write(new)
    return count


def _insert(db: sqlite3.Connection, batch: list[Row]) -> None:
    with transaction(db):
        for row in batch:
            db.execute(insert(1), row)
    batch.clear()


def _state(db: sqlite3.Connection) -> State | None:
    try:
        return State.read(db)
    except sqlite3.DatabaseError:
        return None


def _streams(db: sqlite3.Connection) -> Iterator[tuple[int, str, str, int, int]]:
    """Those that are as they were written."""
    known: set[int] = set()
    for statement in (_STREAMS, _STREAMS + " DESC"):
        try:
            for row in db.execute(statement):
                if row[0] not in known and check_sum(*row[:4]) == row[4]:
                    known.add(row[0])
                    yield row
        except sqlite3.DatabaseError:
            continue


def _entries(db: sqlite3.Connection, path: Path, state: State | None) -> Iterator[Row]:
    """Those that are as they were written, in order."""
    ends: list[int] = []
    for statement in _ENDS:
        try:
            ends += db.execute(statement + " LIMIT 1").fetchone() or ()
        except sqlite3.DatabaseError:
            continue
    # No more than a row for every twenty bytes can have been in the file.
    last = max([*ends, state.last if state else 0]) or path.stat().st_size // 20
    least = ends[0] - 1 if len(ends) == 2 else max(0, last - path.stat().st_size // 20)
    for after in range(least, last, _RANGE):
        for row in _between(db, after, after + _RANGE + 1):
            if is_right(row):
                yield row


def _between(db: sqlite3.Connection, after: int, before: int) -> Iterator[Row]:
    """Rows between two positions: up to what cannot be read, and from the other side."""
    yield from (found := _until_it_fails(db, _SELECT, after, before))[0]
    rows, failed = found
    if not failed:
        return
    after = rows[-1][0] if rows else after
    behind, _ = _until_it_fails(db, _SELECT + " DESC", after, before)
    before = behind[-1][0] if behind else before
    middle = (after + before) // 2
    if before - after > _LEAST:
        yield from _between(db, after, middle + 1)
        yield from _between(db, middle, before)
    yield from reversed(behind)


def _until_it_fails(db: sqlite3.Connection, select: str, after: int, before: int) -> tuple[list[Row], bool]:
    rows: list[Row] = []
    try:
        for row in db.execute(select, (after, before)):
            if rows and (row[0] > rows[-1][0]) == select.endswith("DESC"):
                return rows, True  # a page that belongs elsewhere
            rows.append(row)
    except sqlite3.DatabaseError:
        return rows, True
    return rows, False
