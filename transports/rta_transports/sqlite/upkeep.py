"""Upkeep: what is due in an archive, a bounded part of it at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from attrs import define, evolve, field

from rta.errors import ArchiveError
from rta.ports import ArchiveLimits, UpkeepReport
from rta.store.database import SUFFIXES, beside, damage_in, spoken
from rta.wire import glance
from rta_transports.sqlite.deleting import delete_session, finish_deletions
from rta_transports.sqlite.incoming import take_in
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.mending import mend
from rta_transports.sqlite.reading import end_idle_readings
from rta_transports.sqlite.sealing import Sealing
from rta_transports.sqlite.store import HELD, ArchiveStore
from rta_transports.sqlite.trimming import cut_of, trim
from rta_transports.sqlite.unsealed import UnsealedSession
from rta_transports.sqlite.walk import Walk

__all__ = ["DueWork", "upkeep"]

_TURN = 0.05  # seconds of one call, about
SECOND = 10**9
_SHORTEST, _LONGEST = 16 * SECOND, 64 * SECOND  # of a round
_ENOUGH = 2 << 20  # bytes for which a round is cut after the shortest time
LINGER = 30 * SECOND  # for which nothing has come to a closed session when it is sealed
ABANDONED = 3600 * SECOND  # and to one that nobody has closed
_MARKS = 10 * SECOND  # between two notes of the time
_DELETED = 20  # sessions that are deleted at once


@define
class DueWork:
    """What is under way."""

    sealing: Sealing | None = None
    walk: Walk = field(factory=Walk)
    told: int = 0
    """Sentences about damage."""
    noted: tuple[int, int] = (0, 0)
    """The last number of the log, and the time of the last note."""
    refused: dict[str, int] = field(factory=dict)
    """Sessions that could not be sealed, and when."""


def upkeep(store: ArchiveStore, now: int, keep: ArchiveLimits) -> UpkeepReport:
    """See `rta.ports.Archive`."""
    state = store.upkeep = store.upkeep or DueWork()
    turn = _Turn(store, state, now, keep)
    for work in (
        turn.end_what_is_over,
        turn.take_in,
        turn.load,
        turn.note_time,
        turn.cut,
        turn.mend,
        turn.delete,
        turn.trim,
        turn.seal,
        turn.walk,
    ):
        turn.try_to(work)
    if turn.error is not None:
        raise turn.error
    if store.trouble is not None:
        error, store.trouble = store.trouble, None
        raise error
    told = store.damage[state.told :]
    state.told += len(told)
    return UpkeepReport(
        turn.more, turn.sealed, turn.deleted, turn.adopted, turn.bytes, store.catalogue.count, tuple(told)
    )


@define
class _Turn:
    """One call."""

    store: ArchiveStore
    state: DueWork
    now: int
    keep: ArchiveLimits
    until: float = field(factory=lambda: time.monotonic() + _TURN)
    more: bool = False
    sealed: int = 0
    deleted: int = 0
    adopted: int = 0
    error: ArchiveError | None = None

    def try_to(self, work: Callable[[], None]) -> None:
        """What fails is told at the end: what frees room comes after what needs some."""
        try:
            work()
        except FAULTS as e:
            self.error = self.error or _error(self.store, e)
        except ArchiveError as e:
            self.error = self.error or e

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    @property
    def bytes(self) -> int:
        """On disk."""
        return self.store.catalogue.bytes + self._others(SUFFIXES)

    def _others(self, suffixes: Iterable[str]) -> int:
        """Bytes of what is no session."""
        size = 0
        for path in (self.store.places.log, self.store.places.catalogue):
            for suffix in suffixes:
                with suppress(OSError):
                    size += os.lstat(beside(path, suffix)).st_size
        return size

    # ---- each of these does a part

    def end_what_is_over(self) -> None:
        end_idle_readings(self.store)
        finish_deletions(self.store)

    def take_in(self) -> None:
        self.adopted, more = take_in(self.store, self.now, self.until)
        self.more |= more

    def load(self) -> None:
        """Sessions that were being recorded before the archive was opened."""
        for identity in self.store.log.recorded():
            if identity in self.store.unsealed:
                continue
            if self.is_over:
                self.more = True
                return
            with self.store.lock:
                session = self.store.session(identity)
            if session is not None:
                self.store.catalogue_session(session, True)

    def note_time(self) -> None:
        store, state = self.store, self.state
        touched = []
        for session in store.unsealed.values():
            if session.row.touched is None:
                session.row = evolve(session.row, touched=self.now, cut=cut_of(store, session))
                touched.append(session.row)
        last, at = state.noted
        mark = None
        if store.log.last != last and not at <= self.now < at + _MARKS:
            mark = state.noted = (store.log.last, self.now)
        if touched or mark:
            store.writing(lambda: store.log.note(touched, mark))

    def cut(self) -> None:
        for session in list(self.store.unsealed.values()):
            if session.changed and (session.begun is None or session.begun > self.now):
                session.begun = self.now
            if session.changed and self._is_round_due(session):
                self.store.cut(session)
            if self.is_over:
                self.more = True
                return

    def _is_round_due(self, session: UnsealedSession) -> bool:
        age = self.now - (session.begun or self.now)
        held = session.builder.held
        return age >= _LONGEST or held > HELD or (held >= _ENOUGH and age >= _SHORTEST)

    def mend(self) -> None:
        for path, reason in list(self.store.suspects.items()):
            if path.name not in self.store.left_alone:
                mend(self.store, path, reason)

    def delete(self) -> None:
        store, keep = self.store, self.keep
        if keep.max_age is not None:
            for identity in _some(store.catalogue.oldest(self.now - keep.max_age)):
                self._delete(identity)
        others = self._others(("",))  # deleting makes write-ahead logs longer, for a while
        while self.deleted < _DELETED and self._is_too_much(others):
            oldest = _some(store.catalogue.oldest(None), 1)
            if not oldest:
                return
            self._delete(*oldest)
        self.more |= self.deleted >= _DELETED

    def _delete(self, identity: str) -> None:
        self.deleted += delete_session(self.store, identity)

    def _is_too_much(self, others: int) -> bool:
        """`others`: bytes of what is no session."""
        most, free = self.keep.max_bytes, self.keep.min_free
        if most is not None and self.store.catalogue.bytes + others > most:
            return True
        if free is None:
            return False
        found = os.statvfs(self.store.places.folder)
        return found.f_bavail * found.f_frsize < free

    def trim(self) -> None:
        self.more |= trim(self.store, self.now, self.keep, self.until)

    def seal(self) -> None:
        store, state = self.store, self.state
        while not self.is_over:
            if state.sealing is None:
                session = self._to_seal()
                if session is None:
                    return
                state.refused[session.identity] = self.now
                state.sealing = Sealing(store, session)
            sealing = state.sealing
            if sealing.is_out_of_date or store.unsealed.get(sealing.session.identity) is not sealing.session:
                sealing.abandon()
                state.sealing = None
                continue
            try:
                if not sealing.step(self.until):
                    break
                head = sealing.finish()
            except BaseException as e:
                sealing.abandon()
                state.sealing = None
                if isinstance(e, FAULTS) and (reason := damage_in(e)) is not None:
                    for path in (store.places.sealed, store.places.open):
                        if path(sealing.session.identity).exists():
                            store.suspect(path(sealing.session.identity), reason)
                raise
            state.sealing = None
            del state.refused[sealing.session.identity]
            sealing.note(head)
            self.sealed += 1
        self.more = True

    def _to_seal(self) -> UnsealedSession | None:
        refused = self.state.refused
        for session in self.store.unsealed.values():
            touched = session.row.touched
            if self.store.places.sealed(session.identity).name in self.store.left_alone:
                continue
            if touched is None or 0 <= self.now - refused.get(session.identity, self.now - LINGER) < LINGER:
                continue
            linger = LINGER if glance(session.json).state.is_closed else ABANDONED
            if self.now - touched >= linger:
                return session
        return None

    def walk(self) -> None:
        self.more |= self.state.walk.step(self.store, self.until)


def _some(found: Iterator[str], most: int = _DELETED) -> list[str]:
    return list(islice(found, most))


def _error(store: ArchiveStore, error: Exception) -> ArchiveError:
    if isinstance(error, ArchiveError):
        return error
    found = spoken(ARCHIVE, store.places.folder, error)
    assert isinstance(found, ArchiveError)
    return found
