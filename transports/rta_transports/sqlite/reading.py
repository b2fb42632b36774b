"""Reading chunks of one session as it was when the reading began: files that stay as they are, and the tail.

A file that is replaced or removed meanwhile is read to its end all the same: it is open.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from attrs import define, field

from rta.archive import ChannelTypes
from rta.errors import ArchiveError, FlushPointError
from rta.ports import Chunk, DataKind, DataRange, FlushPoint
from rta.store.calls import WithBytes
from rta.store.database import connect, damage_in, spoken
from rta.wire import ChunkRun, ChunkWriter
from rta_transports.sqlite.bound_types import bindings_of
from rta_transports.sqlite.building import tail_of
from rta_transports.sqlite.calls import sealed_version
from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.chunk_reading import FileChunks, TailChunks, runs_in_order
from rta_transports.sqlite.chunk_rows import PackedChunk, made_chunk
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.log_entries import burst_of, rows_of_runs
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.session_file import Round, SessionHead, read_head, read_rounds
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.unsealed import UnsealedSession

__all__ = [
    "BegunReading",
    "ChunkBatch",
    "SessionReading",
    "begin_reading",
    "end_idle_readings",
    "end_reading",
    "next_chunks",
    "session_parts",
]

_SMALL = 4096  # bytes on average up to which parts are joined to be sent
_MOST = 256  # readings at once
_IDLE = 600.0  # seconds after which one that is not gone on with is ended


class ChunkBatch(NamedTuple):
    """What is said of some chunks; their bytes come with it, as they are transferred behind those before."""

    number: int
    """Of the batches of one reading, from 0 on."""
    is_last: bool
    damaged: int
    """How many chunks have been left out since the reading began."""


class BegunReading(NamedTuple):
    """A reading, and its first batch."""

    flush_point: FlushPoint | None
    version: str
    batch: ChunkBatch


@define(eq=False)
class SessionReading:
    """One that has begun."""

    identity: str
    flush_point: FlushPoint | None = None
    version: str = ""
    """Of the session; empty: there is none."""
    damaged: int = 0
    used: float = field(factory=time.monotonic)
    lock: threading.Lock = field(factory=threading.Lock)
    _given: int = 0
    _opened: list[tuple[Path, sqlite3.Connection]] = field(factory=list)
    _kind: DataKind = DataKind.TIMESTAMPED
    _chunks: Iterator[ChunkRun | PackedChunk | None] = field(factory=lambda: iter(()))
    _writer: ChunkWriter = field(factory=ChunkWriter)

    def open(self, path: Path) -> sqlite3.Connection:
        """A connection to a file, as the file is now."""
        db = connect(path, reading=True)
        self._opened.append((path, db))
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM head").fetchone()
        return db

    def begin(self, sources: Sequence[FileChunks | TailChunks], wanted: DataRange) -> None:
        """What is to be given."""
        self._kind = wanted.kind
        self._chunks = runs_in_order(sources, wanted)

    def next(self, size: int) -> WithBytes[ChunkBatch]:
        """Chunks of so many bytes, about.

        :raises sqlite3.Error, DamagedFileError: a file cannot be read on.
        """
        parts: list[bytes | memoryview] = []
        left = size
        for chunk in self._chunks:
            if chunk is None:
                self.damaged += 1
                continue
            parts += self._written(chunk)
            left -= len(parts[-2]) + len(parts[-1])
            if left <= 0:
                break
        self._given += 1
        if size - left < _SMALL * len(parts):
            parts = [b"".join(parts)]
        return WithBytes(ChunkBatch(self._given - 1, left > 0, self.damaged), parts)

    def _written(self, chunk: ChunkRun | PackedChunk) -> tuple[bytes, bytes | memoryview]:
        if isinstance(chunk, ChunkRun):
            return self._writer.write_run(chunk)
        made = made_chunk(self._kind, chunk)
        return self._writer.head(made), made.packed

    @property
    def files(self) -> list[Path]:
        return [path for path, _ in self._opened]

    def close(self) -> None:
        """Closing again does nothing."""
        opened, self._opened = self._opened, []
        self._chunks = iter(())
        for _, db in opened:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                db.close()


# ---- what is asked of the process


def begin_reading(
    store: ArchiveStore, cursor: int, identity: str, wanted: DataRange, size: int
) -> WithBytes[BegunReading]:
    """With the first chunks, of `size` bytes, about."""
    with store.lock:
        if len(store.readings) >= _MOST:
            raise ArchiveError(f"{_MOST} readings are under way in the archive; end some first")
    with store.faults():
        reading = _begun(store, identity, wanted)
    with store.lock:
        store.readings[cursor] = reading
    batch, data = next_chunks(store, cursor, size)
    if batch.is_last:
        end_reading(store, cursor)
    return WithBytes(BegunReading(reading.flush_point, reading.version, batch), data)


def next_chunks(store: ArchiveStore, cursor: int, size: int) -> WithBytes[ChunkBatch]:
    """The next chunks, of `size` bytes, about."""
    with store.lock:
        reading = store.readings.get(cursor)
    if reading is None:
        raise ArchiveError("the reading has been ended: nobody has gone on with it for too long")
    with reading.lock:
        reading.used = time.monotonic()
        try:
            found = reading.next(size)
        except FAULTS as e:
            if (reason := damage_in(e)) is not None:
                for path in reading.files:
                    store.suspect(path, reason)
            raise spoken(ARCHIVE, store.places.folder, e) from e
    if found.value.is_last and found.value.damaged:
        store.incomplete(reading.identity, found.value.damaged)
    return found


def end_reading(store: ArchiveStore, cursor: int) -> None:
    """It may have been ended already."""
    with store.lock:
        reading = store.readings.pop(cursor, None)
    if reading is not None:
        with reading.lock:
            reading.close()


def end_idle_readings(store: ArchiveStore) -> None:
    """Those that nobody has gone on with for long: they keep files that are gone, and logs from being shortened."""
    now = time.monotonic()
    with store.lock:
        idle = [cursor for cursor, reading in store.readings.items() if now - reading.used > _IDLE]
    for cursor in idle:
        end_reading(store, cursor)


def session_parts(
    store: ArchiveStore, identity: str, reading: SessionReading, wanted: Sequence[DataRange]
) -> tuple[list[tuple[sqlite3.Connection, SessionHead]], list[TailChunks], ChannelTypes]:
    """The files of a session, what is in none of them of what is wanted, and the types of its channels.

    :param reading: keeps the files open.
    """
    with store.lock:
        session = store.session(identity)
        paths = [store.places.sealed(identity), store.places.open(identity)]
        files = [reading.open(path) for path in paths if path.exists()]
        tails = [TailChunks(session.tail(one), one) for one in wanted] if session is not None else []
    found = [(db, read_head(db)) for db in files]
    text = session.json if session is not None else found[0][1].json if found else ""
    return found, tails, store.types_of(bindings_of(text))


# ---- how it begins


def _begun(store: ArchiveStore, identity: str, wanted: DataRange) -> SessionReading:
    reading = SessionReading(identity)
    try:
        with store.lock:
            session = store.session(identity)
            if session is not None:
                reading.version = session.version
                _begin_unsealed(store, session, reading, wanted)
                return reading
            path = store.places.sealed(identity)
            db = reading.open(path) if path.exists() else None
            known = store.catalogue.find(identity)
        if db is None:
            if wanted.upto is not None:
                raise FlushPointError(f"{wanted.upto} is no flush point of {identity}: there is no such session")
            return reading
        _begin_sealed(reading, db, known, wanted)
    except BaseException as e:
        if isinstance(e, FAULTS) and (reason := damage_in(e)) is not None:
            for file in reading.files:
                store.suspect(file, reason)
        reading.close()
        raise
    return reading


def _begin_sealed(
    reading: SessionReading, db: sqlite3.Connection, known: CataloguedSession | None, wanted: DataRange
) -> None:
    head = read_head(db)
    reading.version = sealed_version(head, known)
    run = head.runs[-1] if head.runs else None
    reading.flush_point = None if run is None else FlushPoint(run.stream, run.session_id, run.upto)
    if wanted.upto is not None:
        _check_whole(head, wanted.upto)
        reading.flush_point = wanted.upto
    reading.begin([FileChunks(db, head, wanted)], wanted)


def _check_whole(head: SessionHead, upto: FlushPoint) -> None:
    """:raises FlushPointError: what was recorded up to a flush point cannot be told from what is in a sealed file."""
    found = [i for i, run in enumerate(head.runs) if _names(run, upto)]
    if not found:
        raise FlushPointError(f"{upto} is no flush point of {head.identity}")
    later = [run for run in head.runs[found[-1] + 1 :] if run.newest]
    if later or upto.position < head.runs[found[-1]].last:
        raise FlushPointError(f"{upto}: what came behind it has been sealed together with what came before")


def _names(run: KeptRun, point: FlushPoint) -> bool:
    return (run.stream, run.session_id) == (point.stream, point.session_id) and run.start <= point.position


def _begin_unsealed(store: ArchiveStore, session: UnsealedSession, reading: SessionReading, wanted: DataRange) -> None:
    """Under the lock."""
    points = store.points()
    runs = list(session.runs.values())
    pinned: int | None = None
    opened = reading.open(store.places.open(session.identity)) if session.has_file else None
    sealed = reading.open(store.places.sealed(session.identity)) if session.sealed is not None else None
    tail: list[Chunk] = []
    if wanted.upto is None:
        if runs:
            upto = runs[-1].flush_point(points.get(runs[-1].stream, runs[-1].upto))
            reading.flush_point = FlushPoint(runs[-1].stream, runs[-1].session_id, upto)
        tail = session.tail(wanted)
    else:
        pinned, tail = _pinned(store, session, opened, wanted, wanted.upto)
        reading.flush_point = wanted.upto
    sources: list[FileChunks | TailChunks] = []
    if sealed is not None:
        sources.append(FileChunks(sealed, read_head(sealed), wanted))
    if opened is not None:
        sources.append(FileChunks(opened, read_head(opened), wanted, pinned))
    if tail:
        sources.append(TailChunks(tail, wanted))
    reading.begin(sources, wanted)


def _pinned(
    store: ArchiveStore,
    session: UnsealedSession,
    opened: sqlite3.Connection | None,
    wanted: DataRange,
    upto: FlushPoint,
) -> tuple[int | None, list[Chunk]]:
    """Up to which row of the log whole rounds are to be given, and what is to be given of the next round.

    :raises FlushPointError: the rows are not there any more.
    """
    run = _run_at(store, session, upto)
    behind = [r for r in list(session.runs.values())[list(session.runs.values()).index(run) + 1 :] if r.newest]
    if upto.position >= run.last and not behind:
        return None, session.tail(wanted)
    if session.sealed is not None and any(r.last > upto.position for r in session.sealed.runs if _same(r, run)):
        raise FlushPointError(f"{upto}: what came behind it has been sealed together with what came before")
    rounds = [] if opened is None else read_rounds(opened)
    whole = 0
    for cut in rounds:
        if not _is_within(cut, session, run, upto):
            if _begins_behind(cut, session, run, upto):
                return whole, []
            return whole, _rows_again(store, session, cut, run, upto, wanted)
        whole = cut.last
    current = session.next_round()
    if current is None or _begins_behind(current, session, run, upto):
        return whole, []
    return whole, _rows_again(store, session, current, run, upto, wanted)


def _same(run: KeptRun, other: KeptRun) -> bool:
    return run.is_of(other.stream, other.session_id, other.start)


def _run_at(store: ArchiveStore, session: UnsealedSession, upto: FlushPoint) -> KeptRun:
    found = [run for run in session.runs.values() if _names(run, upto)]
    if not found:
        raise FlushPointError(f"{upto} is no flush point of {session.identity}")
    run = max(found, key=lambda one: one.start)
    recorded = run.flush_point(store.points().get(run.stream, run.upto))
    if upto.position > recorded:
        raise FlushPointError(f"{upto} is behind the flush point of {session.identity}, {recorded}")
    return run


def _later(session: UnsealedSession, run: KeptRun) -> set[tuple[object, ...]]:
    keys = list(session.runs)
    return set(keys[keys.index((run.stream, run.session_id, run.start)) + 1 :])


def _is_within(cut: Round, session: UnsealedSession, run: KeptRun, upto: FlushPoint) -> bool:
    """Whether nothing in a round is behind the point."""
    later = _later(session, run)
    return not any(
        (one.stream, one.session_id, one.start) in later
        or (
            (one.stream, one.session_id, one.start) == (run.stream, run.session_id, run.start)
            and one.latest > upto.position
        )
        for one in cut.runs
    )


def _begins_behind(cut: Round, session: UnsealedSession, run: KeptRun, upto: FlushPoint) -> bool:
    """Whether all in a round is behind the point."""
    later = _later(session, run)
    return all(
        (one.stream, one.session_id, one.start) in later
        or (
            (one.stream, one.session_id, one.start) == (run.stream, run.session_id, run.start)
            and one.earliest > upto.position
        )
        for one in cut.runs
    )


def _rows_again(
    store: ArchiveStore, session: UnsealedSession, cut: Round, run: KeptRun, upto: FlushPoint, wanted: DataRange
) -> list[Chunk]:
    """What a round has up to the point, made of the log's rows once more."""
    ids = {r.id: r for r in session.runs.values() if r.id}
    later = _later(session, run)
    bursts = []
    seen = 0
    with store.log.connections.connection() as db:
        for row in rows_of_runs(db, list(ids), cut.first - 1, cut.last):
            if row is None:
                break
            seen += 1
            of = ids[row.run]
            behind = (of.stream, of.session_id, of.start) in later or (of is run and row.position > upto.position)
            if not behind:
                bursts.append(burst_of(row))
    if seen != sum(one.entries for one in cut.runs):
        raise FlushPointError(f"{upto}: the bursts around it are not held one by one any more")
    return tail_of(bursts, session.types, wanted)
