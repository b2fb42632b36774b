"""The heads of session files: those of sealed ones, which do not change any more, are kept in memory."""

from __future__ import annotations

import threading
from pathlib import Path

from rta.store.database import connect
from rta_transports.sqlite.session_file import SessionHead, read_head

__all__ = ["SessionHeads"]

_KEPT = 64
_LARGEST = 64 << 10  # characters of a session JSON with which a head is kept

_Stamp = tuple[int, int, int]
"""Which file it is: its inode, the time of its last change, its size."""


class SessionHeads:
    """Of one archive; for any threads."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[_Stamp, SessionHead]] = {}
        self._lock = threading.Lock()

    def get(self, path: Path) -> SessionHead | None:
        """None: there is no such file.

        :raises sqlite3.Error, OSError, DamagedFileError: it cannot be read.
        """
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        with self._lock:
            kept = self._kept.pop(path, None)
            if kept is not None and kept[0] == stamp:
                self._kept[path] = kept  # the last one that goes
                return kept[1]
        head = _read(path)
        if head.sealed and len(head.json) <= _LARGEST:
            with self._lock:
                self._kept[path] = stamp, head
                while len(self._kept) > _KEPT:
                    del self._kept[next(iter(self._kept))]
        return head


def _read(path: Path) -> SessionHead:
    db = connect(path, reading=True)
    try:
        return read_head(db)
    finally:
        db.close()
