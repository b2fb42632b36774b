"""The archive of all sessions, in one folder. Blocking: it has a process of its own.

What writes is for one thread at a time, what reads for any threads at any time. `lock` guards what is in memory; it is
never held while the disk is waited for, but for the opening of a session's files.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from rta.archive import ChannelTypes
from rta.errors import ArchiveError
from rta.ports import START, ArchivedSession, Portion, Position
from rta.store.database import connect, damage_in, spoken
from rta.store.hold import Hold
from rta.wire import ConfigBinding
from rta_transports.sqlite.appending import Appending
from rta_transports.sqlite.bound_types import BoundTypes, bindings_of
from rta_transports.sqlite.catalogue_file import Catalogue, CataloguedSession, open_catalogue
from rta_transports.sqlite.chunk_rows import ChunkRow
from rta_transports.sqlite.documents import Documents
from rta_transports.sqlite.folder import check_format, make_folders, size_of
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.log_entries import burst_of, rows_of_runs
from rta_transports.sqlite.log_file import ArchiveLog
from rta_transports.sqlite.log_opening import open_log_file
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.open_files import OpenFiles
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.sealed_file import remove_database
from rta_transports.sqlite.session_file import SessionHead, read_head, write_round
from rta_transports.sqlite.unfinished import left_alone
from rta_transports.sqlite.unsealed import RunKey, UnsealedSession

if TYPE_CHECKING:
    from rta_transports.sqlite.reading import SessionReading
    from rta_transports.sqlite.upkeep import DueWork

__all__ = ["ArchiveStore", "joined_run"]

HELD = 16 << 20
"""Bytes of unpacked bursts of one session that are held in memory."""

_SENTENCES = 100
T = TypeVar("T")


class ArchiveStore:
    """One archive."""

    def __init__(self, folder: Path, patience: float = 0.0, unusable: str | None = None) -> None:
        """Opens the archive, or makes it; a damaged log or catalogue is set aside.

        :param patience: seconds to wait for another process to leave it.
        :param unusable: why log and catalogue are not to be used in any case.
        :raises ArchiveError: another process has it, it is of a newer version, or it cannot be read or written.
        """
        self.damage: list[str] = []
        """What was found damaged, a sentence each; the first hundred."""
        self.places = ArchivePlaces(folder)
        self.lock = threading.RLock()
        self.unsealed: dict[str, UnsealedSession] = {}
        """Those that have been loaded, by identity."""
        self.suspects: dict[Path, str] = {}
        """Files that could not be read on, and why: they are mended by `upkeep`."""
        self.documents = Documents(self.places)
        self.trouble: Exception | None = None
        """What could not be done, and is tried again: `upkeep` tells it."""
        self.readings: dict[int, SessionReading] = {}
        """Those under way, by the numbers of their cursors."""
        self.upkeep: DueWork | None = None
        """What of the upkeep is under way."""
        self.is_new = False
        """Catalogue or log have been begun anew: what is in the folders is found as quickly as may be."""
        self._incomplete: set[str] = set()
        """Sessions of which chunks are damaged, as far as that has been told."""
        self._types = BoundTypes(self.documents)
        self.files = OpenFiles(self.places)
        self._unusable: str | None = None
        try:
            check_format(self.places)
            self._held: Hold | None = Hold(ARCHIVE, self.places.log, patience)
        except OSError as e:
            raise ArchiveError(f"the archive {folder}: {e.strerror}") from e
        try:
            self.left_alone = left_alone(self.places)
            """Names of session files that are neither sealed nor mended: processes have ended at it again and again."""
            make_folders(self.places)
            self.log = self._opened_log(unusable)
            try:
                self.catalogue = self._opened_catalogue(unusable)
            except BaseException:
                self.log.close()
                raise
        except BaseException as e:
            self._held.release()
            if isinstance(e, FAULTS):
                raise spoken(ARCHIVE, folder, e) from e
            raise
        for name in self.left_alone:
            self.damaged(f"processes of the archive have ended again and again at {name}: it is left as it is for now")
        self._held.note(self.log.last)
        self.is_new = self.catalogue.count == 0 or not (self.log.sessions or self.log.first)
        self._names = {row.identity: row.id for row in self.log.sessions.values()}
        self._current = {
            (run.stream, run.session_id): number for number, (_, run) in self.log.runs.items() if not run.ended
        }

    def _opened_log(self, unusable: str | None) -> ArchiveLog:
        assert self._held is not None
        return open_log_file(self.places.log, self._held, self.damaged, unusable)

    def _opened_catalogue(self, unusable: str | None) -> Catalogue:
        return open_catalogue(self.places.catalogue, self.damaged, unusable)

    def damaged(self, sentence: str) -> None:
        """Something has been found damaged."""
        if len(self.damage) < _SENTENCES:
            self.damage.append(sentence)

    def incomplete(self, identity: str, count: int) -> None:
        """Chunks of a session have been left out of a reading: that is told once."""
        with self.lock:
            if identity not in self._incomplete:
                self._incomplete.add(identity)
                self.damaged(f"{count} chunks of {identity!r} in the archive cannot be read and are left out")

    def close(self) -> None:
        """End; what was appended is in the files. Closing again does nothing."""
        if self._held is None:
            return
        self.files.close_all()
        self.catalogue.close()
        self.log.close()
        self._held.release()
        self._held = None

    # ---- faults

    @contextmanager
    def faults(self, path: Path | None = None) -> Iterator[None]:
        """What goes wrong with files within it is an `ArchiveError`."""
        if self._held is None:
            raise ArchiveError(f"the archive {self.places.folder} is closed")
        try:
            yield
        except FAULTS as e:
            raise spoken(ARCHIVE, path or self.places.folder, e) from e

    def writing(self, write: Callable[[], T]) -> T:
        """Write to the log; if it turns out to be damaged, begin another one and write there.

        :raises ArchiveError: nothing has been written.
        """
        with self.faults(self.places.log):
            if self._unusable is None and not self.log.is_in_place():
                self._unusable = "somebody has moved or removed it"
            if self._unusable is None:
                try:
                    return write()
                except FAULTS as e:
                    self._unusable = damage_in(e)
                    if self._unusable is None:
                        self.log.checkpoint()  # a full disk may hold a log that could be in the file
                        raise
            self._begin_log_anew(self._unusable)
            self._unusable = None
            return write()

    def _begin_log_anew(self, reason: str) -> None:
        """What sessions have in memory goes into their files first: the new log does not know it."""
        with self.lock:
            for session in list(self.unsealed.values()):
                self.cut(session)
            self.log.close()
            self.log = self._opened_log(reason)
            self._names, self._current = {}, {}
            for session in self.unsealed.values():
                session.row = evolve(session.row, id=0)
                session.runs = {key: evolve(run, id=0) for key, run in session.runs.items()}

    # ---- sessions

    def session(self, identity: str) -> UnsealedSession | None:
        """A session that is not sealed, loaded if it was not; None: it is sealed, or unknown. Under the lock.

        :raises sqlite3.Error, OSError: its files cannot be read.
        """
        known = self.unsealed.get(identity)
        if known is None and identity in self._names:
            row = self.log.sessions[self._names[identity]]
            if not row.sealed:
                known = self.unsealed[identity] = self._load(row)
        return known

    def is_recorded(self, identity: str) -> bool:
        """Whether it is not sealed."""
        number = self._names.get(identity)
        return number is not None and not self.log.sessions[number].sealed

    def recorded(self) -> list[str]:
        """Identities of sessions that are not sealed."""
        return [identity for identity in self._names if self.is_recorded(identity)]

    def record_again(self, row: SessionRow) -> None:
        """A session has an open file that the log does not know."""
        row = evolve(row, id=self.log.new_id("sessions"))
        self.writing(lambda: self.log.note([row]))
        with self.lock:
            self._names[row.identity] = row.id

    def waiting(self) -> Iterator[str]:
        """Identities of sessions that are not sealed and have not been loaded."""
        for identity, number in list(self._names.items()):
            if identity not in self.unsealed and not self.log.sessions[number].sealed:
                yield identity

    def _load(self, row: SessionRow) -> UnsealedSession:
        """From its files and the rows of the log that these do not have."""
        sealed = self.head_of(self.places.sealed(row.identity))
        opened = self.head_of(self.places.open(row.identity))
        if opened is not None and sealed is not None and opened.generation <= sealed.generation:
            remove_database(self.places.open(row.identity))
            opened = None
        newest = opened or sealed
        head = opened or SessionHead(row.identity, generation=1 if sealed is None else sealed.generation + 1)
        session = UnsealedSession(
            row=row,
            head=head,
            has_file=opened is not None,
            sealed=sealed,
            json=newest.json if newest else "",
            span=newest.span if newest else None,
            runs={(run.stream, run.session_id, run.start): run for run in newest.runs} if newest else {},
            described=newest.described if newest else 0,
        )
        cut = newest.cut if newest is not None and newest.log == self.log.name else 0
        session.newest = cut
        if newest is not None and newest.log != self.log.name:
            session.newest = newest.cut
        session.size = size_of(self.places, row.identity)
        keys: dict[int, RunKey] = {}
        for number, (of, run) in self.log.runs.items():
            if of == row.id:
                key = keys[number] = (run.stream, run.session_id, run.start)
                known = session.runs.get(key)
                session.runs[key] = run if known is None else joined_run(run, known)
        if keys:
            self._feed_from_log(session, keys, max(cut, row.cut if newest is not None else 0))
        return session

    def _feed_from_log(self, session: UnsealedSession, keys: dict[int, RunKey], after: int) -> None:
        lost = 0
        with self.log.connections.connection() as db:
            for row in rows_of_runs(db, list(keys), after, self.log.last):
                if row is None:
                    lost += 1
                else:
                    session.feed(row.number, keys[row.run], row.position, burst_of(row))
        if lost:
            self.damaged(f"{lost} bursts of {session.identity!r} cannot be read and are left out")

    def head_of(self, path: Path) -> SessionHead | None:
        """What is in a session file; None: it is not there, or damaged: then it will be mended.

        :raises sqlite3.Error, OSError: it cannot be read, and not because it is damaged.
        """
        if not path.exists():
            return None
        try:
            db = connect(path, reading=True)
            try:
                return read_head(db)
            finally:
                db.close()
        except FAULTS as e:
            reason = damage_in(e)
            if reason is None:
                raise
            self.suspect(path, reason)
            return None

    def suspect(self, path: Path, reason: str) -> None:
        """A file could not be read on."""
        with self.lock:
            if path not in self.suspects:
                self.suspects[path] = reason
                self.damaged(f"{path.name} in the archive was damaged ({reason})")

    def points(self) -> dict[str, Position]:
        """The flush points of all streams. Under the lock."""
        return {name: upto for name, (_, upto) in self.log.streams.items()}

    # ---- appending

    def append(self, portion: Portion) -> None:
        """See `rta.ports.Archive`."""
        plan = self.writing(lambda: self._append(portion))
        assert self._held is not None
        self._held.note(self.log.last)
        self.log.checkpoint_if_due()
        try:
            for session in plan.told:
                self.catalogue_session(session, True)
            for session in plan.changed:
                if session.builder.held > HELD:
                    self.cut(session)
        except FAULTS as e:  # what was appended is in the log, and these are tried again
            self.trouble = spoken(ARCHIVE, self.places.folder, e)

    def _append(self, portion: Portion) -> Appending:
        with self.lock:
            plan = Appending(self, portion)
        if not plan.is_empty:
            written = (plan.rows, {portion.stream: (plan.stream, portion.upto)}, plan.session_rows, plan.run_rows)
            self.log.append(*written)
            with self.lock:
                self.log.has_appended(*written)
                self._has_appended(plan)
        return plan

    def _has_appended(self, plan: Appending) -> None:
        """Under the lock, so that nobody sees the flush point without what is before it."""
        for session, run in plan.runs.values():
            session.row = self.log.sessions[session.row.id]
            session.runs[run.stream, run.session_id, run.start] = run
            session.changed = True
            self.unsealed[session.identity] = session
            self._names[session.identity] = session.row.id
        for number in plan.currents:
            run = self.log.runs[number][1]
            self._current[run.stream, run.session_id] = number
        for session, number, key, entry in plan.fed:
            session.feed(number, key, entry.position, entry.burst)

    def current(self, stream: str, session_id: int) -> KeptRun | None:
        """The run that has an id now. Under the lock."""
        number = self._current.get((stream, session_id))
        return None if number is None or number not in self.log.runs else self.log.runs[number][1]

    def identity_of(self, run: KeptRun) -> str | None:
        """Of whom a run of the log is."""
        found = self.log.runs.get(run.id)
        return None if found is None else self.log.sessions[found[0]].identity

    def loaded(self, identity: str) -> UnsealedSession:
        """The session of an identity as it is, unsealed if it was sealed; in memory only."""
        known = self.session(identity)
        return known or self._load(self._row(identity))

    def _row(self, identity: str) -> SessionRow:
        number = self._names.get(identity)
        return SessionRow(0, identity) if number is None else self.log.sessions[number]

    def describe(self, identity: str, json: str) -> None:
        """See `rta.ports.Archive`.

        :raises ArchiveError: there is no such session.
        """
        with self.lock, self.faults():
            known = self.session(identity)
            session = known or self.loaded(identity)
            if known is None and session.sealed is None:
                raise ArchiveError(f"the archive has no session {identity!r} to describe")
            if session.json == json:
                return
        if known is None:
            row = evolve(session.row, id=session.row.id or self.log.new_id("sessions"), sealed=False, touched=None)
            self.writing(lambda: self.log.note([row]))
            session.row = row
        with self.lock:
            self.unsealed[identity] = session
            self._names[identity] = session.row.id
            session.json, session.described, session.changed = json, session.described + 1, True
        with self.faults(self.places.open(identity)):
            self.catalogue_session(session, True)
            self.cut(session)

    def delete(self, identity: str) -> bool:
        """Whether there was such a session. Its files are gone, or go when the archive is opened the next time.

        :raises ArchiveError: it is still there.
        """
        with self.lock, self.faults():
            session = self.session(identity)
            known = session is not None or self.places.sealed(identity).exists() or self.catalogue.find(identity)
        if not known:
            return False
        self.writing(lambda: self.log.delete(self._names.get(identity, 0), identity))
        with self.lock:
            self._drop(identity)
        with self.faults():
            self.finish_deletions()
        return True

    def finish_deletions(self) -> None:
        """Remove the files of sessions that have been deleted.

        :raises sqlite3.Error, OSError: they will be removed another time.
        """
        for number, identity in list(self.log.deletions.items()):
            for path in (self.places.sealed(identity), self.places.open(identity)):
                remove_database(path)
            for identifier in self.catalogue.remove(identity):
                self.documents.remove(identifier)
            self.log.deleted(number)

    def _drop(self, identity: str) -> None:
        """It is not in memory any more. Under the lock."""
        session = self.unsealed.pop(identity, None)
        self._names.pop(identity, None)
        self._current = {key: number for key, number in self._current.items() if number in self.log.runs}
        if session is not None:
            self.files.close(session)

    def has_trimmed(self) -> None:
        """Rows of the log are gone: what is in memory of their runs says so."""
        with self.lock:
            for of, run in self.log.runs.values():
                session = self.unsealed.get(self.log.sessions[of].identity)
                key = (run.stream, run.session_id, run.start)
                if session is not None and key in session.runs:
                    session.runs[key] = evolve(session.runs[key], held_from=run.held_from)

    def forget_trimmed(self) -> None:
        """Sealed sessions of which no row is in the log any more."""
        newest: dict[int, int] = {}
        for of, run in self.log.runs.values():
            newest[of] = max(newest.get(of, 0), run.newest)
        for row in list(self.log.sessions.values()):
            if row.sealed and newest.get(row.id, 0) < self.log.first:
                self.log.forget(row.id)
                with self.lock:
                    self._drop(row.identity)

    # ---- rounds

    def cut(self, session: UnsealedSession) -> None:
        """What is in memory of a session goes into its open file.

        :raises sqlite3.Error, OSError: it stays in memory.
        """
        if session.first_uncut is None and not session.changed:
            return
        rows: Sequence[ChunkRow] = session.round()  # takes a while, and nobody else changes what it is made of
        with self.lock:
            session.cover(rows)
            cut, head = session.next_round(), session.next_head(self.log.name, self.points())
        db = self.files.open(session, head)
        head = write_round(db, head, cut, rows)
        with self.lock:
            session.has_cut(head)
        with suppress(sqlite3.Error):  # the next one may do
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        session.size = size_of(self.places, session.identity)
        self.catalogue_session(session, False)

    # ---- the catalogue

    def catalogue_session(self, session: UnsealedSession, told: bool) -> None:
        """What is known of a session has changed. `told`: its JSON too."""
        entry = CataloguedSession(
            session.identity, session.span, False, session.version, session.size, session.row.touched or 0
        )
        if not told:
            self.catalogue.put(entry, None)
            return
        bindings = bindings_of(session.json)
        self.catalogue.put(entry, session.json, [binding.identifier for binding in bindings])
        self.learn_types(session, bindings)

    def learn_types(self, session: UnsealedSession, bindings: Sequence[ConfigBinding]) -> None:
        """Those of the channels of its configurations, as far as they are here."""
        types = self.types_of(bindings)
        with self.lock:
            session.types.update(types)

    def types_of(self, bindings: Sequence[ConfigBinding]) -> ChannelTypes:
        """The types of the channels of configurations, as far as these are here."""
        return self._types.of(bindings)

    def learn_from(self, identifier: str) -> None:
        """A configuration has come: sessions that are not sealed may have been waiting for it."""
        for session in list(self.unsealed.values()):
            bindings = bindings_of(session.json)
            if any(binding.identifier == identifier for binding in bindings):
                self.learn_types(session, bindings)

    def sealed_session(self, head: SessionHead, size: int, known: CataloguedSession | None) -> ArchivedSession:
        """Of a session that is sealed. Under the lock."""
        points = self.points()
        number = self._names.get(head.identity)
        held = {(r.stream, r.session_id, r.start): r for of, r in self.log.runs.values() if of == number}
        runs = tuple(
            held.get((run.stream, run.session_id, run.start), run).recorded(points.get(run.stream, START))
            if (run.stream, run.session_id, run.start) in held
            else run.recorded(START)
            for run in head.runs
        )
        version = known.version if known is not None else f"{head.generation}-{head.cut}-{head.described}"
        return ArchivedSession(head.identity, head.json, head.span, True, version, size, runs)

    def archived(self, session: UnsealedSession) -> ArchivedSession:
        """As the port has it. Under the lock."""
        session.cover_tail()
        points = self.points()
        runs = tuple(run.recorded(points.get(run.stream, START)) for run in session.runs.values())
        return ArchivedSession(session.identity, session.json, session.span, False, session.version, session.size, runs)


def joined_run(run: KeptRun, known: KeptRun) -> KeptRun:
    """A run as the log has it, and as a file does: the log may have lost its end."""
    for hole in known.holes:
        run = run.with_hole(hole)
    return evolve(run, last=max(run.last, known.last), upto=max(run.upto, min(known.upto, known.last)))
