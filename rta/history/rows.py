"""Reading a history's file: the places of runs, and rows by position."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from rta.errors import DamagedFileError
from rta.history.file import RUNS, is_right, is_right_run, places_id
from rta.history.segment import Places, Segment
from rta.history.stream_index import StreamIndex
from rta.store.connections import ReadConnections

__all__ = ["Rows"]

_RUNS = 16  # runs whose places are kept
_SELECT = "SELECT pos, stream, ts, seq, sum, data FROM entries WHERE pos"
_BETWEEN = f"{_SELECT} BETWEEN ? AND ? AND stream = ?"
_IN = {n: f"{_SELECT} IN ({', '.join('?' * n)})" for n in (8, 64, 512)}
_AT_ONCE = max(_IN)

Row = tuple[int, int, int, int, int, bytes]


class Rows:
    """Of one file. Any thread may read, also at the same time."""

    def __init__(self, path: Path, segment: int) -> None:
        self._connections = ReadConnections(path)
        self._segment = segment
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[int, int], Places] = OrderedDict()

    def places(self, track: StreamIndex, run: Segment) -> Places:
        """Of a run; none: it has been removed from the file.

        :raises DamagedFileError: they are not as they were written.
        """
        if run.places is not None:
            return run.places
        key = (run.segment, track.id)
        with self._lock:
            if (known := self._loaded.get(key)) is not None:
                self._loaded.move_to_end(key)
                return known
        places = self._read_places(*key)
        with self._lock:
            self._loaded[key] = places
            if len(self._loaded) > _RUNS:
                self._loaded.popitem(last=False)
        return places

    def _read_places(self, segment: int, stream: int) -> Places:
        with self._connections.connection() as db:
            found = db.execute(f"{RUNS} WHERE id = ?", (places_id(segment, stream),)).fetchone()
        if not found:
            return Places()
        if not is_right_run(found):
            raise DamagedFileError("a run is not as it was written")
        return Places.unpack(found[8], segment * self._segment)

    def entries(self, stream: int, positions: Sequence[int]) -> dict[int, tuple[int, int, bytes]]:
        """Time, number and values of the entries at these positions (rising) that are as they were written."""
        found: dict[int, tuple[int, int, bytes]] = {}
        with self._connections.connection() as db:
            for start in range(0, len(positions), _AT_ONCE):
                wanted = positions[start : start + _AT_ONCE]
                for row in _select(db, stream, wanted):
                    if is_right(row) and row[1] == stream:
                        found[row[0]] = (row[2], row[3], row[5])
        return found

    def close(self) -> None:
        """Those that are reading go on to their end."""
        self._connections.close()


def _select(db: sqlite3.Connection, stream: int, positions: Sequence[int]) -> list[Row]:
    first, last = positions[0], positions[-1]
    if last - first < 4 * len(positions):
        return db.execute(_BETWEEN, (first, last, stream)).fetchall()
    size = next(n for n in _IN if n >= len(positions))
    return db.execute(_IN[size], [*positions, *[last] * (size - len(positions))]).fetchall()
