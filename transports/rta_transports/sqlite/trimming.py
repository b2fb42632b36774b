"""Removing rows of the log whose bursts are in session files, and what is known of sessions without any."""

from __future__ import annotations

import time
from functools import partial

from attrs import evolve

from rta.ports import ArchiveLimits
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.unsealed import UnsealedSession

__all__ = ["cut_of", "trim"]

_ROWS = 1000  # that are removed at once


def trim(store: ArchiveStore, now: int, keep: ArchiveLimits, until: float) -> bool:
    """Go on to a time of the steady clock, about. Whether there is more to be done.

    :raises ArchiveError: the log cannot be written.
    """
    log = store.log
    uncut = [cut_of(store, session) for session in store.unsealed.values()]
    uncut += [row.cut for row in log.sessions.values() if not row.sealed and row.identity not in store.unsealed]
    limit = min(uncut, default=log.last)
    old = max((number for number, at in log.marks if at <= now - keep.log_age), default=0)
    while time.monotonic() < until:
        upto = limit if log.bytes_held > keep.log_bytes else min(old, limit)
        if log.first > upto or not store.writing(partial(log.trim, upto, _ROWS)):
            _forget_sealed(store)
            return False
        _note_trimmed(store)
    return True


def cut_of(store: ArchiveStore, session: UnsealedSession) -> int:
    """Up to which row the files of a session have all of it."""
    return store.log.last if session.first_uncut is None else session.first_uncut - 1


def _note_trimmed(store: ArchiveStore) -> None:
    """What is in memory of runs of which rows are gone says so."""
    with store.lock:
        for of, run in store.log.runs.values():
            session = store.unsealed.get(store.log.sessions[of].identity)
            key = (run.stream, run.session_id, run.start)
            if session is not None and key in session.runs:
                session.runs[key] = evolve(session.runs[key], held_from=run.held_from)


def _forget_sealed(store: ArchiveStore) -> None:
    """Those of which no row is in the log any more."""
    newest: dict[int, int] = {}
    for of, run in store.log.runs.values():
        newest[of] = max(newest.get(of, 0), run.newest)
    for row in list(store.log.sessions.values()):
        if row.sealed and newest.get(row.id, 0) < store.log.first:
            store.log.forget(row.id)
            with store.lock:
                store.drop(row.identity)
