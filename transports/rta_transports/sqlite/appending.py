"""Appending a portion: which entries are new, of which runs, and what becomes of those."""

from __future__ import annotations

from attrs import evolve

from rta.ports import START, Entry, Portion
from rta.store.database import spoken
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.log_entries import LogRow
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.store import HELD, ArchiveStore
from rta_transports.sqlite.unsealed import RunKey, UnsealedSession

__all__ = ["append_portion"]


def append_portion(store: ArchiveStore, portion: Portion) -> None:
    """See `rta.ports.Archive`.

    :raises ArchiveError: nothing has been appended.
    """
    plan = store.writing(lambda: _append(store, portion))
    store.hold.note(store.log.last)
    store.log.checkpoint_if_due()
    try:
        for session in plan.told:
            store.catalogue_session(session, True)
        for session in plan.changed:
            if session.builder.held > HELD:
                store.cut(session)
    except FAULTS as e:  # what was appended is in the log, and these are tried again
        store.trouble = spoken(ARCHIVE, store.places.folder, e)


def _append(store: ArchiveStore, portion: Portion) -> _Appending:
    with store.lock:
        plan = _Appending(store, portion)
    if not plan.is_empty:
        written = (plan.rows, {portion.stream: (plan.stream, portion.upto)}, plan.session_rows, plan.run_rows)
        store.log.append(*written)
        with store.lock:  # nobody sees the flush point without what is before it
            store.log.has_appended(*written)
            _has_appended(store, plan)
    return plan


def _has_appended(store: ArchiveStore, plan: _Appending) -> None:
    for session, run in plan.runs.values():
        session.row = store.log.sessions[session.row.id]
        session.runs[run.stream, run.session_id, run.start] = run
        session.changed = True
        store.unsealed[session.identity] = session
    for session, number, key, entry in plan.fed:
        session.feed(number, key, entry.position, entry.burst)


class _Appending:
    """Of one portion. Nothing has changed yet when it is made."""

    def __init__(self, store: ArchiveStore, portion: Portion) -> None:
        """Under the lock."""
        self._store = store
        self._log = store.log
        known = self._log.streams.get(portion.stream)
        self.stream, self._before = known or (self._log.new_id("streams"), START)
        self.rows: list[LogRow] = []
        self.fed: list[tuple[UnsealedSession, int, RunKey, Entry]] = []
        self.runs: dict[int, tuple[UnsealedSession, KeptRun]] = {}
        """Those that are new or have changed."""
        self.new_sessions: list[UnsealedSession] = []
        self._sessions: dict[str, UnsealedSession] = {}
        self.is_empty = known is not None and known[1] == portion.upto and not portion.entries and not portion.holes
        if portion.upto < self._before:
            self._keep_flush_points(portion.stream)
        targets = {key: self._target(portion, key) for key in portion.runs}
        for session_id, hole in portion.holes.items():
            session, run = targets[session_id]
            if hole not in run.holes:
                targets[session_id] = session, self._change(session, run.with_hole(hole))
        number = self._log.last
        for entry in portion.entries:
            session, run = targets[entry.session_id]
            if entry.position <= run.last:
                continue
            number += 1
            run = self._change(session, evolve(run, last=entry.position, newest=number))
            targets[entry.session_id] = session, run
            burst = entry.burst
            self.rows.append(LogRow(number, run.id, entry.position, burst.raw_size, burst.packed))
            self.fed.append((session, number, (run.stream, run.session_id, run.start), entry))

    @property
    def changed(self) -> list[UnsealedSession]:
        """Those that have something new."""
        return list({id(session): session for session, _ in self.runs.values()}.values())

    @property
    def told(self) -> list[UnsealedSession]:
        """Those that are new, or whose JSON has come."""
        sessions = [*self.new_sessions, *(session for session, _, _, entry in self.fed if entry.burst.session_json)]
        return list({id(session): session for session in sessions}.values())

    @property
    def session_rows(self) -> list[SessionRow]:
        """Those that are new, or written to for the first time since the last upkeep."""
        rows = {session.row.id: session.row for session in self.new_sessions}
        for session, _ in self.runs.values():
            if session.row.touched is not None or session.row.sealed:
                rows[session.row.id] = evolve(session.row, touched=None, sealed=False)
        return list(rows.values())

    @property
    def run_rows(self) -> list[tuple[int, KeptRun]]:
        return [(session.row.id, run) for session, run in self.runs.values()]

    def _keep_flush_points(self, stream: str) -> None:
        """The stream has begun anew: its runs are recorded up to where they were."""
        for number, (session_row, run) in self._log.runs.items():
            if run.stream == stream and not run.ended:
                session = self._store.loaded(self._log.sessions[session_row].identity)
                self.runs[number] = session, evolve(run, upto=run.flush_point(self._before))

    def _target(self, portion: Portion, session_id: int) -> tuple[UnsealedSession, KeptRun]:
        identity, start = portion.runs[session_id]
        current = self._log.current(portion.stream, session_id)
        if (
            current is not None
            and current.is_of(portion.stream, session_id, start)
            and self._log.identity_of(current) == identity
        ):
            session = self._session(identity)
            return session, self.runs.get(current.id, (session, current))[1]
        if current is not None:
            owner = self._session(self._log.identity_of(current) or "")
            ended = self.runs.get(current.id, (owner, current))[1]
            self.runs[current.id] = owner, evolve(ended, ended=True, upto=max(ended.last, ended.upto, start))
        session = self._session(identity)
        known = session.runs.get((portion.stream, session_id, start))
        if known is None:
            return session, KeptRun(0, portion.stream, session_id, start)
        return session, known if known.id else evolve(known, held_from=known.last)

    def _session(self, identity: str) -> UnsealedSession:
        if identity not in self._sessions:
            self._sessions[identity] = self._store.loaded(identity)
        return self._sessions[identity]

    def _change(self, session: UnsealedSession, run: KeptRun) -> KeptRun:
        """The run is to be in the log as it is now, and so is its session."""
        if session.row.id == 0:
            session.row = SessionRow(self._log.new_id("sessions"), session.identity)
            self.new_sessions.append(session)
        if run.id == 0:
            run = evolve(run, id=self._log.new_id("runs"), ended=False)
        self.runs[run.id] = session, run
        return run
