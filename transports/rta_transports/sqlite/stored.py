"""The archive on disk as the command line sees it: read beside the process that has it, which is not asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from attrs import evolve

from rta.errors import ArchiveError, MalformedError
from rta.ports import (
    START,
    ArchivedSession,
    ArchiveLimits,
    Chunk,
    Context,
    DataKind,
    DataRange,
    Position,
    RecordedChannel,
    RecordedRun,
    VerifiedArchive,
)
from rta.session_query import SessionQuery
from rta.store.database import connect_beside, damage_in, spoken
from rta.store.hold import is_held
from rta_transports.sqlite.catalogue_file import Catalogue, CataloguedSession, read_catalogue_beside
from rta_transports.sqlite.chunk_reading import FileChunks, chunks_in_order
from rta_transports.sqlite.chunk_rows import made_chunk, read_channels
from rta_transports.sqlite.documents import Documents
from rta_transports.sqlite.folder import check_format
from rta_transports.sqlite.incoming import delete_marked, mark_deletion
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.loading import joined_run
from rta_transports.sqlite.log_file import ArchiveLog
from rta_transports.sqlite.log_opening import read_log_beside
from rta_transports.sqlite.options import SqliteArchiveOptions, folder_of
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.session_file import SessionHead, read_head
from rta_transports.sqlite.store import ArchiveStore
from rta_transports.sqlite.verifying import verify

__all__ = ["SqliteStoredArchive", "open_stored"]


@contextmanager
def open_stored(options: SqliteArchiveOptions, context: Context) -> Iterator[SqliteStoredArchive]:
    """See `rta.ports.Offer`."""
    folder = folder_of(options, context)
    if folder is None:
        raise ArchiveError("the archive has no place: set archive.path or a state directory, or name its folder")
    try:
        there = ArchivePlaces(folder).catalogue.exists()
    except OSError as e:
        raise spoken(ARCHIVE, folder, e) from e
    if not there:
        raise ArchiveError(f"there is no archive in {folder}")
    with closing(SqliteStoredArchive(folder)) as stored:
        yield stored


class SqliteStoredArchive:
    """Use `open_stored`."""

    def __init__(self, folder: Path) -> None:
        """:raises ArchiveError: it cannot be read."""
        self._places = ArchivePlaces(folder)
        check_format(self._places)
        with self._faults(self._places.catalogue):
            self._catalogue: Catalogue = read_catalogue_beside(self._places.catalogue)

    def close(self) -> None:
        self._catalogue.close()

    @contextmanager
    def _faults(self, path: Path | None = None) -> Iterator[None]:
        try:
            yield
        except FAULTS as e:
            raise spoken(ARCHIVE, path or self._places.folder, e) from e

    # ---- what there is

    @property
    def in_use(self) -> bool:
        return is_held(self._places.log)

    def totals(self) -> tuple[int, int]:
        """How many sessions there are, and the bytes of their files."""
        return self._catalogue.count, self._catalogue.bytes

    def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        with self._faults(self._places.catalogue):
            try:
                found = self._catalogue.select(query)
            except MalformedError as e:
                raise ArchiveError(str(e)) from None
        return [_listed(known, json) for known, json in found]

    def find(self, identity: str) -> ArchivedSession | None:
        with self._faults(), self._log() as log:
            known = self._catalogue.find(identity)
            heads = [head for head in map(_head_of, self._files(identity)) if head is not None]
            if known is None and not heads:
                return None
            newest = heads[-1] if heads else SessionHead(identity)
            json = self._catalogue.json_of(identity) or newest.json
            if known is None:
                known = CataloguedSession(identity, newest.span, newest.sealed, "", 0, 0)
            return evolve(_listed(known, json), runs=_runs(identity, newest, log))

    def _files(self, identity: str) -> list[Path]:
        return [path for path in (self._places.sealed(identity), self._places.open(identity)) if path.exists()]

    def channels(self, identity: str) -> Sequence[RecordedChannel]:
        found: dict[tuple[DataKind, tuple[int, ...]], RecordedChannel] = {}
        with self._faults():
            for path in self._files(identity):
                with closing(connect_beside(path)) as db:
                    for one in read_channels(db):
                        known = found.get((one.kind, one.channels))
                        found[one.kind, one.channels] = one if known is None else _both(known, one)
        order = list(DataKind)
        return sorted(found.values(), key=lambda one: (order.index(one.kind), one.channels))

    def configuration(self, identifier: str) -> str | None:
        with self._faults(self._places.configurations):
            found = Documents(self._places).get(identifier)
        return None if found is None else found.text

    def chunks(self, identity: str, wanted: DataRange) -> Generator[Chunk | None]:
        with self._faults(), ExitStack() as stack:
            sources = []
            for path in self._files(identity):
                db = stack.enter_context(closing(connect_beside(path)))
                db.execute("BEGIN")
                sources.append(FileChunks(db, read_head(db), wanted))
            for chunk in chunks_in_order(sources, wanted):
                yield None if chunk is None else made_chunk(wanted.kind, chunk)

    @contextmanager
    def _log(self) -> Iterator[ArchiveLog]:
        with closing(read_log_beside(self._places.log)) as log:
            yield log

    def flush_points(self) -> Mapping[str, Position]:
        with self._faults(self._places.log), self._log() as log:
            return log.points()

    # ---- removing

    def surplus(self, keep: ArchiveLimits, now: int) -> Sequence[ArchivedSession]:
        found: dict[str, ArchivedSession] = {}
        with self._faults(self._places.catalogue):
            if keep.max_age is not None:
                for identity in self._catalogue.oldest(now - keep.max_age):
                    self._add(found, identity)
            left = self._catalogue.bytes - sum(session.size for session in found.values())
            free = shutil.disk_usage(self._places.folder).free + sum(session.size for session in found.values())
            for identity in self._catalogue.oldest(None):
                enough = keep.max_bytes is None or left <= keep.max_bytes
                if enough and (keep.min_free is None or free >= keep.min_free):
                    break
                size = self._add(found, identity)
                left, free = left - size, free + size
        return list(found.values())

    def _add(self, found: dict[str, ArchivedSession], identity: str) -> int:
        """How many bytes it adds to what goes."""
        known = self._catalogue.find(identity)
        if known is None or identity in found:
            return 0
        found[identity] = _listed(known, self._catalogue.json_of(identity) or "")
        return known.size

    def delete(self, identities: Collection[str]) -> bool:
        with self._faults():
            for identity in identities:
                mark_deletion(self._places.folder, identity)
        if self.in_use:
            return False
        with closing(ArchiveStore(self._places.folder)) as store, self._faults():
            delete_marked(store)
        return True

    def verify(self, progress: Callable[[float], None]) -> VerifiedArchive:
        with self._faults():
            return verify(self._places, progress)


def _listed(known: CataloguedSession, json: str) -> ArchivedSession:
    return ArchivedSession(known.identity, json, known.span, known.sealed, known.version, known.size)


def _both(one: RecordedChannel, other: RecordedChannel) -> RecordedChannel:
    return evolve(
        one,
        chunks=one.chunks + other.chunks,
        bytes=one.bytes + other.bytes,
        start=min(one.start, other.start),
        end=max(one.end, other.end),
    )


def _head_of(path: Path) -> SessionHead | None:
    """None: it has gone meanwhile, or is damaged, as verifying says."""
    try:
        with closing(connect_beside(path)) as db:
            return read_head(db)
    except FAULTS as e:
        if damage_in(e) is None and path.exists():
            raise
        return None


def _runs(identity: str, newest: SessionHead, log: ArchiveLog) -> tuple[RecordedRun, ...]:
    """What the files know of its runs, with what the log knows."""
    runs = {(run.stream, run.session_id, run.start): run for run in newest.runs}
    row = log.session_of(identity)
    for of, run in log.runs.values():
        if row is not None and of == row.id:
            key = (run.stream, run.session_id, run.start)
            runs[key] = joined_run(run, runs[key]) if key in runs else run
    points = log.points()
    return tuple(run.recorded(points.get(run.stream, START) if run.id else START) for run in runs.values())
