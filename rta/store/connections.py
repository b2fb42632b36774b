"""Connections that read one SQLite file, for any threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rta.store.database import connect

__all__ = ["ReadConnections"]

_IDLE = 4  # connections that are kept


def _reading(path: Path) -> sqlite3.Connection:
    return connect(path, reading=True)


class ReadConnections:
    """Of one file. Any thread may use them, also at the same time."""

    def __init__(self, path: Path, opened: Callable[[Path], sqlite3.Connection] = _reading) -> None:
        self._path = path
        self._opened = opened
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """One that nobody else uses."""
        with self._lock:
            db = self._idle.pop() if self._idle else None
        db = db or self._opened(self._path)
        try:
            yield db
        finally:
            with self._lock:
                kept = not self._closed and len(self._idle) < _IDLE
                if kept:
                    self._idle.append(db)
            if not kept:
                db.close()

    def close(self) -> None:
        """Those that are reading go on to their end."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()
