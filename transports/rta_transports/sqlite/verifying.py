"""Comparing all that an archive has with its check sums, beside the process that has it open. Nothing is changed.

Each file is looked at as it was at one moment. One that goes meanwhile is left out.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from rta.formatting import counted
from rta.ports import DataKind, DataRange, VerifiedArchive
from rta.store.database import SUFFIXES, beside, connect_beside, damage_in
from rta.store.opening import check_pages
from rta_transports.sqlite.catalogue_file import damaged_sessions
from rta_transports.sqlite.chunk_reading import FileChunks, chunks_in_order
from rta_transports.sqlite.documents import unpack_document
from rta_transports.sqlite.kind import FAULTS
from rta_transports.sqlite.log_tables import damaged_rows
from rta_transports.sqlite.pieces import damaged_pieces
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.session_file import read_documents, read_head, read_rounds

__all__ = ["verify"]

_MADE = 0.2  # seconds that the service takes to make a file, at the most


def verify(places: ArchivePlaces, progress: Callable[[float], None]) -> VerifiedArchive:
    """All of it. `progress`: from 0 to 1.

    :raises sqlite3.Error, OSError: a file cannot be read, and not because it is damaged.
    """
    files = list(_files(places))
    total, done = sum(size for _, size, _ in files), 0
    damage: list[str] = []
    for path, size, faults_of in files:
        name = path.relative_to(places.folder)
        faults = _faults(path, faults_of)
        if faults:  # or it was just being made
            time.sleep(_MADE)
            faults = _faults(path, faults_of)
        damage += [f"{name}: {fault}" for fault in faults]
        done += size
        progress(done / total)
    return VerifiedArchive(len(files), total, damage)


def _files(places: ArchivePlaces) -> Iterator[tuple[Path, int, Callable[[Path], Iterator[str]]]]:
    """Each with its size, and what finds faults in it."""
    found: list[tuple[Path, Callable[[Path], Iterator[str]]]] = [
        (places.log, _of_log),
        (places.catalogue, _of_catalogue),
        *((path, _of_session) for path in sorted(places.sessions.glob("??/*.sqlite"))),
        *((path, _of_session) for path in sorted(places.incoming.glob("*.sqlite"))),
        *((path, _of_document) for path in sorted(places.configurations.glob("??/*.lz4"))),
    ]
    for path, faults_of in found:
        size = 0
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                size += os.lstat(beside(path, suffix)).st_size
        yield path, size, faults_of


def _faults(path: Path, faults_of: Callable[[Path], Iterator[str]]) -> list[str]:
    try:
        return list(faults_of(path))
    except FAULTS as e:
        if not path.exists():
            return []
        reason = damage_in(e)
        if reason is None:
            raise
        return [reason]


def _of_log(path: Path) -> Iterator[str]:
    with _snapshot(path) as db:
        check_pages(db)
        yield from damaged_rows(db)


def _of_catalogue(path: Path) -> Iterator[str]:
    with _snapshot(path) as db:
        check_pages(db)
        if count := damaged_sessions(db):
            yield f"{counted(count, 'session')} not as written"


def _of_session(path: Path) -> Iterator[str]:
    with _snapshot(path) as db:
        head = read_head(db)
        check_pages(db)
        whole = damaged = 0
        for kind in DataKind:
            wanted = DataRange(kind)
            for chunk in chunks_in_order([FileChunks(db, head, wanted)], wanted):
                whole += chunk is not None
                damaged += chunk is None
        if damaged:
            yield f"{counted(damaged, 'chunk')} of {head.identity!r} not as written"
        if whole + damaged != head.chunks:
            yield f"{head.identity!r} has {whole + damaged} chunks, and had {head.chunks} when it was written"
        if pieces := damaged_pieces(db) if head.in_pieces else 0:
            yield f"{counted(pieces, 'piece')} of {head.identity!r} not as written"
        rounds = db.execute("SELECT count(*) FROM rounds").fetchone()[0] - len(read_rounds(db))
        if rounds:
            yield f"{counted(rounds, 'round')} of {head.identity!r} not as written"
        for packed in read_documents(db):
            unpack_document(packed)


def _of_document(path: Path) -> Iterator[str]:
    unpack_document(path.read_bytes())
    yield from ()


@contextmanager
def _snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_beside(path)) as db:
        db.execute("BEGIN")
        yield db
