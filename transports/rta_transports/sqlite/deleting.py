"""Deleting a session: first the log says so, then its files go, so that a crash between the two leaves none."""

from __future__ import annotations

from rta_transports.sqlite.sealed_file import remove_database
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["delete_session", "finish_deletions"]


def delete_session(store: ArchiveStore, identity: str) -> bool:
    """Whether there was such a session. Its files are gone, or go when the archive is opened the next time.

    :raises ArchiveError: it is still there.
    """
    with store.lock, store.faults():
        session = store.session(identity)
        known = session is not None or store.places.sealed(identity).exists() or store.catalogue.find(identity)
    if not known:
        return False
    store.writing(lambda: _note(store, identity))
    with store.lock:
        store.drop(identity)
    with store.faults():
        finish_deletions(store)
    return True


def _note(store: ArchiveStore, identity: str) -> None:
    row = store.log.session_of(identity)
    store.log.delete(0 if row is None else row.id, identity)


def finish_deletions(store: ArchiveStore) -> None:
    """Remove the files of sessions that have been deleted.

    :raises sqlite3.Error, OSError: they will be removed another time.
    """
    for number, identity in list(store.log.deletions.items()):
        for path in (store.places.sealed(identity), store.places.open(identity)):
            remove_database(path)
        for identifier in store.catalogue.remove(identity):
            store.documents.remove(identifier)
        store.log.deleted(number)
