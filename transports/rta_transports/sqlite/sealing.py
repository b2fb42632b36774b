"""Sealing a session: all of its chunks, merged, go into a new file, which then takes the place of those that were."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from attrs import evolve

from rta.archive import seal
from rta.errors import DamagedFileError, MalformedError
from rta.ports import ALL_CHANNELS, Chunk, DataKind, DataRange
from rta.state_file import sync_folder
from rta.store.database import connect
from rta_transports.sqlite.bound_types import bindings_of
from rta_transports.sqlite.building import overview_of
from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.chunk_reading import FileChunks, Placed
from rta_transports.sqlite.chunk_rows import ChunkRow, made_chunk
from rta_transports.sqlite.folder import size_of
from rta_transports.sqlite.places import digest_of
from rta_transports.sqlite.sealed_file import SealedFile, remove_database
from rta_transports.sqlite.session_file import SessionHead, read_head
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.unsealed import UnsealedSession

__all__ = ["Sealing"]

_LARGE = 4 << 20  # bytes of the files of a session
_LATER = 1 << 48  # more than a file has rows

Numbered = tuple[int, Chunk]
"""A number that rises with the arrival, and the chunk."""


class Sealing:
    """Of one session; goes on in steps, so that others have their turns."""

    def __init__(self, store: ArchiveStore, session: UnsealedSession) -> None:
        """What is in memory goes into the open file first.

        :raises sqlite3.Error, OSError: it cannot be read or written.
        """
        self.session = session
        self._store = store
        store.cut(session)
        store.learn_types(session, bindings_of(session.json))
        self._version = session.version
        self._opened: list[sqlite3.Connection] = []
        self.damaged = 0
        self._file = SealedFile(store.places.work / f"{digest_of(session.identity)}.sqlite", session.size >= _LARGE)
        try:
            self._files = [self._open(path) for path in self._paths() if path.exists()]
        except BaseException:
            self.abandon()
            raise
        self._chunks = self._merged()

    def _paths(self) -> tuple[Path, Path]:
        return self._store.places.sealed(self.session.identity), self._store.places.open(self.session.identity)

    def _open(self, path: Path) -> tuple[sqlite3.Connection, SessionHead]:
        db = connect(path, reading=True)
        self._opened.append(db)
        db.execute("BEGIN")
        return db, read_head(db)

    @property
    def is_out_of_date(self) -> bool:
        """Something has come since it began."""
        return self.session.version != self._version

    def step(self, until: float) -> bool:
        """Go on to a time of the steady clock, about. Whether all is written."""
        for chunk in self._chunks:
            self._file.add(ChunkRow(chunk, 0, self.session.newest, overview_of(chunk, self.session.types)))
            if time.monotonic() >= until:
                return False
        return True

    def finish(self) -> SessionHead:
        """The new file takes the place of the others."""
        self._close()
        session = self.session
        head = self._file.finish(evolve(session.head, generation=max(h.generation for _, h in self._files)))
        sealed, opened = self._paths()
        os.replace(self._file.path, sealed)
        sync_folder(sealed.parent)
        self._store.files.close(session)
        remove_database(opened)
        return head

    def note(self, head: SessionHead) -> None:
        """Log and catalogue are to know that the session is in its sealed file, whole."""
        store, session = self._store, self.session
        if self.damaged:
            store.damaged(f"{self.damaged} chunks of {session.identity!r} cannot be read and are left out")
        row = evolve(session.row, sealed=True, cut=session.newest)
        store.writing(lambda: store.log.note([row]))
        with store.lock:
            store.unsealed.pop(session.identity, None)
            store.files.close(session)
        size = size_of(store.places, session.identity)
        version = f"{session.version}-{head.chunks}"
        store.catalogue.put(
            CataloguedSession(session.identity, head.span, True, version, size, session.row.touched or 0),
            session.json,
            [binding.identifier for binding in bindings_of(session.json)],
        )

    def abandon(self) -> None:
        """All stays as it is."""
        self._close()
        self._file.discard()

    def _close(self) -> None:
        opened, self._opened = self._opened, []
        for db in opened:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                db.close()

    def _merged(self) -> Iterator[Chunk]:
        for kind in DataKind:
            wanted = DataRange(kind, ALL_CHANNELS)
            files = [FileChunks(db, head, wanted) for db, head in self._files]
            for channel, _ in groupby(merge(*(file.channels() for file in files))):
                for channels in self._groups(kind, files, channel):
                    yield from self._sealed(self._of(kind, files, channel, channels))

    def _groups(self, kind: DataKind, files: list[FileChunks], channel: int) -> list[tuple[int, ...]]:
        """Of rows, all groups with this channel as their smallest."""
        if kind is not DataKind.ROW:
            return [() if kind is DataKind.EVENTS else (channel,)]
        return sorted({chunk[0] for file in files for _, _, chunk in file.of_channel(channel) if chunk is not None})

    def _of(
        self, kind: DataKind, files: list[FileChunks], channel: int, channels: tuple[int, ...]
    ) -> Iterator[Numbered]:
        parts = [self._numbered(file, channel, number * _LATER) for number, file in enumerate(files)]
        for _, number, chunk in merge(*parts, key=itemgetter(0)):
            if chunk is None:
                self.damaged += 1
            elif chunk[0] == channels:
                yield number, made_chunk(kind, chunk)

    def _numbered(self, file: FileChunks, channel: int, first: int) -> Iterator[Placed]:
        for start, number, chunk in file.of_channel(channel):
            yield start, first + number, chunk

    def _sealed(self, chunks: Iterator[Numbered]) -> Iterator[Chunk]:
        try:
            yield from seal(chunks, self.session.types)
        except MalformedError as e:
            raise DamagedFileError(f"a chunk cannot be read: {e}") from None
