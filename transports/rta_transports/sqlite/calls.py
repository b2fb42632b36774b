"""What the process of an archive is asked for, beside the readings: functions of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve

from rta.errors import ArchiveError, DamagedFileError
from rta.ports import START, ArchivedSession, Portion, Position, RecordedRun
from rta.session_query import Property, SessionQuery
from rta_transports.sqlite.appending import append_portion
from rta_transports.sqlite.bound_types import bindings_of
from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.deleting import delete_session
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.folder import size_of
from rta_transports.sqlite.session_file import SessionHead
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.unsealed import UnsealedSession

__all__ = [
    "append",
    "delete",
    "describe",
    "find",
    "flush_points",
    "properties",
    "publish",
    "read_document",
    "sealed_version",
    "select_sessions",
]


def flush_points(store: ArchiveStore) -> Mapping[str, Position]:
    """Of all streams."""
    with store.lock:
        return store.points()


def append(store: ArchiveStore, portion: Portion) -> None:
    """See `rta.ports.Archive`; so the others."""
    append_portion(store, portion)


def describe(store: ArchiveStore, identity: str, json: str) -> None:
    """:raises ArchiveError: there is no such session."""
    with store.lock, store.faults():
        known = store.session(identity)
        session = known or store.loaded(identity)
        if known is None and session.sealed is None:
            raise ArchiveError(f"the archive has no session {identity!r} to describe")
        if session.json == json:
            return
    if known is None:
        row = evolve(session.row, id=session.row.id or store.log.new_id("sessions"), sealed=False, touched=None)
        store.writing(lambda: store.log.note([row]))
        session.row = row
    with store.lock:
        store.unsealed[identity] = session
        session.json, session.described, session.changed = json, session.described + 1, True
    with store.faults(store.places.open(identity)):
        store.catalogue_session(session, True)
        store.cut(session)


def delete(store: ArchiveStore, identity: str) -> bool:
    return delete_session(store, identity)


def publish(store: ArchiveStore, document: Document) -> None:
    with store.faults():
        store.documents.put(document)
        for session in list(store.unsealed.values()):  # they may have been waiting for it
            bindings = bindings_of(session.json)
            if any(binding.identifier == document.identifier for binding in bindings):
                store.learn_types(session, bindings)


def read_document(store: ArchiveStore, identifier: str) -> str | None:
    with store.faults(store.places.configuration(identifier)):
        try:
            found = store.documents.get(identifier)
        except DamagedFileError as e:
            store.damaged(f"the configuration {identifier!r} in the archive was damaged ({e})")
            return None
    return None if found is None else found.text


def find(store: ArchiveStore, identity: str) -> ArchivedSession | None:
    with store.faults():
        found = _unsealed(store, identity)
        if found is not None:
            return found
        head = store.head_of(store.places.sealed(identity))  # not under the lock: the file may be opened
        if head is None:
            return None
        with store.lock:
            found = _unsealed(store, identity)
            return found or _sealed(store, head)


def _unsealed(store: ArchiveStore, identity: str) -> ArchivedSession | None:
    with store.lock:
        session = store.session(identity)
        return None if session is None else _archived(store, session)


def _sealed(store: ArchiveStore, head: SessionHead) -> ArchivedSession:
    """Under the lock."""
    version = sealed_version(head, store.catalogue.find(head.identity))
    size = size_of(store.places, head.identity)
    return ArchivedSession(head.identity, head.json, head.span, True, version, size, _sealed_runs(store, head))


def sealed_version(head: SessionHead, known: CataloguedSession | None) -> str:
    """Of a session that is sealed; see `rta.ports.ArchivedSession`."""
    return known.version if known is not None else f"{head.generation}-{head.cut}-{head.described}"


def _archived(store: ArchiveStore, session: UnsealedSession) -> ArchivedSession:
    """As the port has it. Under the lock."""
    session.cover_tail()
    points = store.points()
    runs = tuple(run.recorded(points.get(run.stream, START)) for run in session.runs.values())
    return ArchivedSession(session.identity, session.json, session.span, False, session.version, session.size, runs)


def _sealed_runs(store: ArchiveStore, head: SessionHead) -> tuple[RecordedRun, ...]:
    """What the file knows of runs, with what the log knows. Under the lock."""
    points, row = store.points(), store.log.session_of(head.identity)
    held = {
        (run.stream, run.session_id, run.start): run
        for of, run in store.log.runs.values()
        if row is not None and of == row.id
    }
    keys = [(run.stream, run.session_id, run.start) for run in head.runs]
    return tuple(
        held[key].recorded(points.get(run.stream, START)) if key in held else run.recorded(START)
        for key, run in zip(keys, head.runs, strict=True)
    )


def select_sessions(store: ArchiveStore, query: SessionQuery) -> Sequence[ArchivedSession]:
    with store.faults(store.places.catalogue):
        found = store.catalogue.select(query)
    out = []
    for known, json in found:
        with store.lock:
            session = store.unsealed.get(known.identity)
            if session is not None:
                out.append(evolve(_archived(store, session), runs=()))
                continue
        out.append(ArchivedSession(known.identity, json, known.span, known.sealed, known.version, known.size))
    return out


def properties(store: ArchiveStore, folder: str | None) -> Sequence[Property]:
    with store.faults(store.places.catalogue):
        return store.catalogue.properties(folder)
