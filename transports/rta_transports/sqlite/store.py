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
from rta.ports import Position
from rta.store.database import damage_in, spoken
from rta.store.hold import Hold
from rta.wire import ConfigBinding
from rta_transports.sqlite.bound_types import BoundTypes, bindings_of
from rta_transports.sqlite.catalogue_file import Catalogue, CataloguedSession, open_catalogue
from rta_transports.sqlite.chunk_rows import ChunkRow
from rta_transports.sqlite.documents import Documents
from rta_transports.sqlite.folder import check_format, make_folders, size_of
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.loading import load_session
from rta_transports.sqlite.log_file import ArchiveLog
from rta_transports.sqlite.log_opening import open_log_file
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.open_files import OpenFiles
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.sealed_file import remove_database
from rta_transports.sqlite.session_file import SessionHead, write_round
from rta_transports.sqlite.session_heads import SessionHeads
from rta_transports.sqlite.unfinished import left_alone
from rta_transports.sqlite.unsealed import UnsealedSession

if TYPE_CHECKING:
    from rta_transports.sqlite.reading import SessionReading
    from rta_transports.sqlite.upkeep import DueWork

__all__ = ["HELD", "ArchiveStore"]

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
        self._heads = SessionHeads()
        self.files = OpenFiles(self.places)
        self._unusable: str | None = None
        self._is_closed = False
        try:
            check_format(self.places)
            self.hold = Hold(ARCHIVE, self.places.log, patience)
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
            self.hold.release()
            if isinstance(e, FAULTS):
                raise spoken(ARCHIVE, folder, e) from e
            raise
        for name in self.left_alone:
            self.damaged(f"processes of the archive have ended again and again at {name}: it is left as it is for now")
        self.hold.note(self.log.last)
        self.is_new = self.catalogue.count == 0 or not (self.log.sessions or self.log.first)

    def _opened_log(self, unusable: str | None) -> ArchiveLog:
        return open_log_file(self.places.log, self.hold, self.damaged, unusable)

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
        if self._is_closed:
            return
        self.files.close_all()
        self.catalogue.close()
        self.log.close()
        self.hold.release()
        self._is_closed = True

    # ---- faults

    @contextmanager
    def faults(self, path: Path | None = None) -> Iterator[None]:
        """What goes wrong with files within it is an `ArchiveError`."""
        if self._is_closed:
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
            for session in self.unsealed.values():
                session.row = evolve(session.row, id=0)
                session.runs = {key: evolve(run, id=0) for key, run in session.runs.items()}

    # ---- sessions

    def session(self, identity: str) -> UnsealedSession | None:
        """A session that is not sealed, loaded if it was not; None: it is sealed, or unknown. Under the lock.

        :raises sqlite3.Error, OSError: its files cannot be read.
        """
        known = self.unsealed.get(identity)
        if known is None:
            row = self.log.session_of(identity)
            if row is not None and not row.sealed:
                known = self.unsealed[identity] = self._load(row)
        return known

    def loaded(self, identity: str) -> UnsealedSession:
        """The session of an identity as it is, unsealed if it was sealed; in memory only."""
        return self.session(identity) or self._load(self.log.session_of(identity) or SessionRow(0, identity))

    def _load(self, row: SessionRow) -> UnsealedSession:
        sealed = self.head_of(self.places.sealed(row.identity))
        opened = self.head_of(self.places.open(row.identity))
        if opened is not None and sealed is not None and opened.generation <= sealed.generation:
            remove_database(self.places.open(row.identity))
            opened = None
        session, lost = load_session(row, self.log, sealed, opened)
        session.size = size_of(self.places, row.identity)
        if lost:
            self.damaged(f"{lost} bursts of {row.identity!r} cannot be read and are left out")
        return session

    def drop(self, identity: str) -> None:
        """It is not in memory any more. Under the lock."""
        session = self.unsealed.pop(identity, None)
        if session is not None:
            self.files.close(session)

    def head_of(self, path: Path) -> SessionHead | None:
        """What is in a session file; None: it is not there, or damaged: then it will be mended.

        :raises sqlite3.Error, OSError: it cannot be read, and not because it is damaged.
        """
        try:
            return self._heads.get(path)
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
        return self.log.points()

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
