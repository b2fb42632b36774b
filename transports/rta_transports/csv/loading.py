"""A file as sessions that are over: all of it at once. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

from rta.ports import Context, LoadedPart, Publish, RtaError
from rta_transports.csv.opening import open_file
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.session import CsvSession
from rta_transports.csv.source import session_identity, tell_batch, tell_layout
from rta_transports.csv.table import RowBatch

__all__ = ["CsvLoad", "load_file"]


class CsvLoad:
    """One file. `speed`, `loop` and `burst_interval` mean nothing."""

    def __init__(
        self, options: CsvOptions, context: Context, new_identity: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        """:raises RtaError: the file, or an option, is not fit; one line for each reason."""
        self._options = options
        self._context = context
        self._new_identity = new_identity
        self._path = context.folder / options.path
        self._now = context.clock()
        self._opened = open_file(self._path, options, self._now, arrays=options.kind != "row")
        self._sessions = 0
        tell_layout(self._opened, self._path, options, context)

    @property
    def share(self) -> float:
        return self._opened.table.share

    def close(self) -> None:
        self._opened.table.close()

    def __iter__(self) -> Iterator[LoadedPart]:
        table = self._opened.table
        documents: list[Publish] = []
        session: CsvSession | None = None
        while not table.ended:
            batch = self._read()
            documents += batch.documents
            if session is not None and batch.documents:
                yield from batch.documents
                yield session.bind(batch.documents)
            for segment in batch.segments:
                if session is not None and segment.begins:
                    yield from self._end(session)
                    session = None
                if session is None and segment.rows:
                    session = self._new_session(documents, segment.rows[0].time)
                    yield from documents
                    yield session.begin()
                if session is not None and segment.rows:
                    if self._options.kind == "row":
                        for due in session.timeline.add(segment.rows):
                            yield from session.bursts(due)
                    else:
                        yield session.columns(segment.rows)
        if session is not None:
            yield from self._end(session)

    def _end(self, session: CsvSession) -> Iterator[LoadedPart]:
        for due in session.timeline.rest():
            yield from session.bursts(due)
        self._now = session.span.end + 1  # where nothing else says when the next one began, it follows
        yield session.end()

    def _new_session(self, documents: list[Publish], first: int) -> CsvSession:
        self._sessions += 1
        identity = session_identity(self._options, self._sessions) or self._new_identity()
        said, channels = self._opened.understood.recording, self._opened.table.channels
        return CsvSession(self._options, channels, documents, said, first, self._now, identity, played=False)

    def _read(self) -> RowBatch:
        try:
            batch = self._opened.table.read()
        except OSError as e:
            raise RtaError(f"{self._path}: cannot be read: {e.strerror or e}") from e
        for _ in tell_batch(batch, self._path, self._context):
            pass
        return batch


def load_file(options: CsvOptions, context: Context) -> CsvLoad:
    """The file, at its first row.

    :raises RtaError: the file, or an option, is not fit; one line for each reason.
    """
    return CsvLoad(options, context)
