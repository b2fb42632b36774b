"""What others lay down for an archive while nobody but its process may use it: sealed session files, and deletions.

Both are there whole or not at all: they are written under another name, and renamed.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from rta.errors import DamagedFileError
from rta.state_file import read_document, set_aside, sync_folder, write_document
from rta.store.database import connect, damage_in
from rta_transports.sqlite.bound_types import bindings_of
from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.deleting import delete_session, finish_deletions
from rta_transports.sqlite.documents import unpack_document
from rta_transports.sqlite.kind import FAULTS
from rta_transports.sqlite.places import ArchivePlaces, digest_of
from rta_transports.sqlite.session_file import SessionHead, read_documents, read_head
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["delete_marked", "mark_deletion", "take_in"]

_SESSION, _DELETION = ".sqlite", ".delete"
_LIMIT = 1 << 20  # bytes of a marker
_LEFT = 24 * 3600 * 10**9  # ns since the last write: whoever was writing it has been killed


def mark_deletion(folder: Path, identity: str) -> Path:
    """A session is to be deleted by the process that has the archive.

    :return: a file that is gone when the session is.
    :raises OSError: it cannot be written.
    """
    path = ArchivePlaces(folder).incoming / f"{digest_of(identity)}{_DELETION}"
    write_document(path, {"identity": identity})
    return path


def take_in(store: ArchiveStore, now: int, until: float) -> tuple[int, bool]:
    """How many sessions have been taken in, and whether there is more to be done at once.

    :raises ArchiveError, sqlite3.Error, OSError: not all of it can be.
    """
    folder = store.places.incoming
    names = sorted(os.listdir(folder), key=lambda name: (not name.endswith(_DELETION), name))
    adopted = 0
    for name in names:
        if name.endswith(_DELETION):
            _delete(store, folder / name)
        elif name.startswith("."):
            _clear(folder / name, now)
        elif name.endswith(_SESSION):
            adopted += _adopt(store, folder / name, now)
        if time.monotonic() >= until:
            return adopted, True
    return adopted, False


def delete_marked(store: ArchiveStore) -> None:
    """Delete what is marked, at once.

    :raises ArchiveError, sqlite3.Error, OSError: not all of it can be.
    """
    for path in store.places.incoming.glob(f"*{_DELETION}"):
        _delete(store, path)
    finish_deletions(store)


def _clear(path: Path, now: int) -> None:
    """Remove what is not going to be finished."""
    with suppress(FileNotFoundError):
        if path.lstat().st_mtime_ns < now - _LEFT:
            path.unlink()


def _delete(store: ArchiveStore, path: Path) -> None:
    try:
        identity = read_document(path, _LIMIT)["identity"]
    except FileNotFoundError:
        return
    except (DamagedFileError, KeyError) as e:
        _refuse(store, path, str(e))
        return
    delete_session(store, str(identity))
    path.unlink(missing_ok=True)


def _adopt(store: ArchiveStore, path: Path, now: int) -> bool:
    try:
        db = connect(path, reading=True)
        try:
            head = read_head(db)
            documents = [unpack_document(packed) for packed in read_documents(db)]
        finally:
            db.close()
    except FAULTS as e:
        reason = damage_in(e)
        if reason is None:
            raise
        _refuse(store, path, reason)
        return False
    if not head.sealed or store.log.is_recorded(head.identity):
        _refuse(store, path, f"{head.identity!r} is being recorded")
        return False
    for document in documents:
        store.documents.put(document)
    _put(store, head, path, now)
    return True


def _put(store: ArchiveStore, head: SessionHead, path: Path, now: int) -> None:
    """Into the catalogue first: a crash before the file is in its place leaves it here."""
    sealed = store.places.sealed(head.identity)
    version = f"{head.generation}-{head.cut}-{head.described}-{head.chunks}-{now}"
    entry = CataloguedSession(head.identity, head.span, True, version, os.lstat(path).st_size, now)
    store.catalogue.put(entry, head.json, [binding.identifier for binding in bindings_of(head.json)])
    sealed.parent.mkdir(parents=True, exist_ok=True)
    with store.lock:
        os.replace(path, sealed)
    sync_folder(sealed.parent)


def _refuse(store: ArchiveStore, path: Path, reason: str) -> None:
    with suppress(OSError):
        aside = set_aside(path)
        store.damaged(f"{path.name} cannot be taken into the archive ({reason}): it is set aside as {aside.name}")
