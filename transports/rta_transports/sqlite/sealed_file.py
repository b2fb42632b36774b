"""Writing a sealed file of a session: under another name, so that it is there whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from rta.archive import combine_overviews
from rta.ports import DataKind
from rta.state_file import MODE, give_to_owner
from rta.store.database import SUFFIXES, beside
from rta_transports.sqlite.chunk_rows import KINDS, ChunkRow, write_group
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.pieces import ChunkSink
from rta_transports.sqlite.session_file import SESSION_FILE, SessionHead, write_head

__all__ = ["SMALL_PAGE", "SealedFile", "remove_database"]

SMALL_PAGE = 4096
"""Bytes of a page of a session that is small: each table takes one at least."""

_HELD = 256 << 10
_GROUP = 16  # chunks that have an overview in common


class SealedFile:
    """One that is being written."""

    def __init__(self, path: Path, large: bool, held: int = _HELD) -> None:
        """:param large: whether it will have some megabytes.
        :param held: bytes that may be in memory.
        :raises sqlite3.Error, OSError: it cannot be written.
        """
        self.path = path
        remove_database(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        try:
            give_to_owner(descriptor, path)
        finally:
            os.close(descriptor)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        """In a transaction."""
        self._longest = [0] * len(KINDS)
        self._chunks = 0
        self._groups: dict[tuple[DataKind, int], list[tuple[int, bytes]]] = {}
        try:
            self.db.execute(f"PRAGMA page_size = {PAGE if large else SMALL_PAGE}")
            self.db.execute("PRAGMA journal_mode = OFF")
            self.db.execute("PRAGMA synchronous = OFF")
            self.db.execute("BEGIN")
            for statement in SESSION_FILE.made.values():
                self.db.execute(statement)
            self._sink = ChunkSink(self.db, held)
        except BaseException:
            self.discard()
            raise

    def add(self, row: ChunkRow) -> None:
        """Those of one channel by their starts."""
        self._sink.add(row)
        kind = KINDS.index(row.chunk.kind)
        self._longest[kind] = max(self._longest[kind], row.chunk.end - row.chunk.start)
        self._chunks += 1
        if len(row.chunk.channels) == 1:
            self._look_at(row)

    def _look_at(self, row: ChunkRow) -> None:
        """Several chunks have one overview besides, unless one between them has none."""
        key = (row.chunk.kind, row.chunk.channels[0])
        if not row.overview:
            self._groups.pop(key, None)
            return
        group = self._groups.setdefault(key, [])
        group.append((row.chunk.start, row.overview))
        if len(group) == _GROUP:
            write_group(self.db, *key, group[0][0], group[-1][0], combine_overviews([one for _, one in group]))
            group.clear()

    def finish(self, head: SessionHead) -> SessionHead:
        """It is on the disk when this returns: what `head` says, and how many chunks there are."""
        self._sink.flush()
        head = evolve(head, sealed=True, longest=tuple(self._longest), chunks=self._chunks, in_pieces=True)
        write_head(self.db, head)
        self.db.execute("COMMIT")
        self.db.close()
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return head

    def discard(self) -> None:
        """It is not to be."""
        with suppress(sqlite3.Error):
            self.db.close()
        remove_database(self.path)


def remove_database(path: Path) -> None:
    """With its log."""
    for suffix in reversed(SUFFIXES):
        beside(path, suffix).unlink(missing_ok=True)
