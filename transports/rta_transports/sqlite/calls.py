"""What the process of an archive is asked for, beside the readings: functions of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve

from rta.errors import DamagedFileError
from rta.ports import ArchivedSession, Portion, Position
from rta.session_query import Property, SessionQuery
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.folder import size_of
from rta_transports.sqlite.store import ArchiveStore

__all__ = [
    "append",
    "delete",
    "describe",
    "find",
    "flush_points",
    "properties",
    "publish",
    "read_document",
    "select_sessions",
]


def flush_points(store: ArchiveStore) -> Mapping[str, Position]:
    """Of all streams."""
    with store.lock:
        return store.points()


def append(store: ArchiveStore, portion: Portion) -> None:
    """See `rta.ports.Archive`; so the others."""
    store.append(portion)


def describe(store: ArchiveStore, identity: str, json: str) -> None:
    store.describe(identity, json)


def delete(store: ArchiveStore, identity: str) -> bool:
    return store.delete(identity)


def publish(store: ArchiveStore, document: Document) -> None:
    with store.faults():
        store.documents.put(document)
        store.learn_from(document.identifier)


def read_document(store: ArchiveStore, identifier: str) -> str | None:
    with store.faults(store.places.configuration(identifier)):
        try:
            found = store.documents.get(identifier)
        except DamagedFileError as e:
            store.damaged(f"the configuration {identifier!r} in the archive was damaged ({e})")
            return None
    return None if found is None else found.text


def find(store: ArchiveStore, identity: str) -> ArchivedSession | None:
    with store.faults(), store.lock:
        session = store.session(identity)
        if session is not None:
            return store.archived(session)
        known = store.catalogue.find(identity)
        head = store.head_of(store.places.sealed(identity))
        if head is None:
            return None
        return store.sealed_session(head, size_of(store.places, identity), known)


def select_sessions(store: ArchiveStore, query: SessionQuery) -> Sequence[ArchivedSession]:
    with store.faults(store.places.catalogue):
        found = store.catalogue.select(query)
    out = []
    for known, json in found:
        with store.lock:
            session = store.unsealed.get(known.identity)
            if session is not None:
                out.append(evolve(store.archived(session), runs=()))
                continue
        out.append(ArchivedSession(known.identity, json, known.span, known.sealed, known.version, known.size))
    return out


def properties(store: ArchiveStore, folder: str | None) -> Sequence[Property]:
    with store.faults(store.places.catalogue):
        return store.catalogue.properties(folder)
