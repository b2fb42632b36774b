"""Mending a session file that could not be read on: what is right in it goes into a new one, and it is set aside."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from rta.errors import DamagedFileError
from rta.state_file import set_aside
from rta.store.database import SUFFIXES, check_sum, connect, create, move, transaction
from rta.store.pages import Value, rows
from rta_transports.sqlite.chunk_rows import KINDS, insert_chunk, is_right_chunk
from rta_transports.sqlite.kind import PAGE
from rta_transports.sqlite.places import digest_of
from rta_transports.sqlite.sealed_file import SMALL_PAGE
from rta_transports.sqlite.session_file import (
    SESSION_FILE,
    SessionHead,
    read_head,
    write_head,
)
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["mend"]

_PIECE, _HEAD, _DOCUMENT, _CHUNK = 2, 4, 3, 17  # columns of the tables
_AT_ONCE = 500


def mend(store: ArchiveStore, path: Path, reason: str) -> None:
    """A damaged file of a session.

    :raises sqlite3.Error, OSError: it is as it was, and will be tried again.
    """
    if path.exists():
        store.files.close_path(path)
        new = store.places.work / path.name
        create(new, SESSION_FILE, lambda db: None)
        found = _Found(store, path)
        try:
            _copy(path, new, found)
            head = found.head
        except DamagedFileError:
            head = None
        aside = set_aside(path, SUFFIXES)
        if head is None:
            store.damaged(f"nothing of the session in {path.name} can be read: it is set aside as {aside.name}")
        else:
            _write_head(new, head, found)
            move(new, path)
            lost = max(0, head.chunks - found.chunks)
            store.damaged(
                f"the session {head.identity!r} is mended: {lost} of {head.chunks} chunks are lost; "
                f"the damaged file is set aside as {aside.name}"
            )
    _load_anew(store, path)


def _load_anew(store: ArchiveStore, path: Path) -> None:
    """What is in memory of the session is made anew."""
    with store.lock:
        del store.suspects[path]
        for identity in [i for i in store.unsealed if path in (store.places.open(i), store.places.sealed(i))]:
            store.files.close(store.unsealed[identity])
            del store.unsealed[identity]


class _Found:
    """What has been found in the damaged file."""

    def __init__(self, store: ArchiveStore, path: Path) -> None:
        self._store = store
        self._digest = path.name.partition(".")[0]
        self._sealed = not path.name.endswith(".open.sqlite")
        self.chunks = 0
        self._last = 0
        self.longest = [0] * len(KINDS)
        self._head: SessionHead | None = None

    def add_head(self, found: SessionHead) -> None:
        """The newest one counts."""
        if digest_of(found.identity) == self._digest and (
            self._head is None or (found.generation, found.cut) >= (self._head.generation, self._head.cut)
        ):
            self._head = found

    def add_chunk(self, kind: int, duration: int, last: int) -> None:
        """One that is right. `last`: the last row of the log that it was made of."""
        self.chunks += 1
        self._last = max(self._last, last)
        self.longest[kind] = max(self.longest[kind], duration)

    @property
    def head(self) -> SessionHead | None:
        """If it is gone, what the catalogue has."""
        if self._head is not None:
            return self._head
        known = self._store.catalogue.in_folder(self._digest[:2]).get(self._digest)
        if known is None:
            return None
        session = self._store.catalogue.find(known)
        return SessionHead(
            known,
            self._store.catalogue.json_of(known) or "",
            None if session is None else session.span,
            sealed=self._sealed,
            log=self._store.log.name,
            cut=min(self._last, self._store.log.last),
        )


def _copy(path: Path, new: Path, found: _Found) -> None:
    db = connect(new)
    try:
        with transaction(db):
            for number, row in rows(path, _page_of(path), frozenset({_PIECE, _DOCUMENT, _HEAD})):
                if len(row) == _PIECE and isinstance(row[1], bytes):
                    db.execute("REPLACE INTO pieces VALUES (?, ?)", (number, row[1]))
                elif len(row) == _DOCUMENT and isinstance(row[2], bytes):
                    db.execute("REPLACE INTO documents VALUES (?, ?, ?)", (number, *row[1:]))
                elif len(row) == _HEAD:
                    _add_head_or_round(db, found, number, row)
        with transaction(db):
            for number, row in rows(path, _page_of(path), frozenset({_CHUNK})):
                _add_chunk(db, found, number, row)
    finally:
        db.close()


def _page_of(path: Path) -> int:
    """Bytes of a page. The head of the file may be what is damaged."""
    with open(path, "rb") as file:
        found = int.from_bytes(file.read(18)[16:], "big")
    return SMALL_PAGE if found == SMALL_PAGE or path.stat().st_size % PAGE else PAGE


def _add_head_or_round(db: Any, found: _Found, number: int, row: list[Value]) -> None:
    if number == 1 and isinstance(row[2], bytes) and check_sum(1, row[1], row[2]) == row[3]:
        db.execute("REPLACE INTO head VALUES (?, ?, ?, ?)", (1, *row[1:]))
        with suppress(DamagedFileError):
            found.add_head(read_head(db))
    elif check_sum(row[1], row[2]) == row[3]:
        db.execute("REPLACE INTO rounds VALUES (?, ?, ?, ?)", (number, *row[1:]))


def _add_chunk(db: Any, found: _Found, number: int, row: list[Any]) -> None:
    kind, channel, start, end, raw, first, last, channels, summed, whole, seen, _, piece, place, size, packed = row[1:]
    data = packed
    if piece is not None:
        held = db.execute("SELECT data FROM pieces WHERE id = ?", (piece,)).fetchone()
        if held is None or not isinstance(place, int) or not isinstance(size, int):
            return
        data = held[0][place : place + size]
    values = (number, kind, channel, start, end, raw, first, last, seen, summed, channels, whole)
    if isinstance(data, bytes) and is_right_chunk(values, data):
        insert_chunk(db, number, row[1:])
        found.add_chunk(kind, end - start, last)


def _write_head(new: Path, head: SessionHead, found: _Found) -> None:
    db = connect(new)
    try:
        with transaction(db):
            write_head(db, evolve(head, chunks=found.chunks, longest=tuple(found.longest), in_pieces=False))
    finally:
        db.close()
