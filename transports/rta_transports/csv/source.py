"""The CSV source: plays a file as a session, once or for ever.

Owns the open file and, in each round, one session at a time: a file holds several where its time begins anew. Reads a
batch of rows at a time in a worker thread and sends rows when they are due, by deadlines counted from the start, so
that no delay adds up. Ends with the file, or when it is cancelled; the receiver closes a session that is open then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from uuid import uuid4

import trio

from rta.ports import Context, Publish, RtaError, SourceUpdate, UnreadableError
from rta_transports.csv.description import describe_in_a_line
from rta_transports.csv.opening import OpenedFile, open_file
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.session import CsvSession
from rta_transports.csv.table import CsvFile, RowBatch
from rta_transports.csv.timeline import Due

__all__ = ["CsvSource", "check_source", "open_source", "session_identity", "tell_batch", "tell_layout"]

_FAULTS = 1000  # that are told without letting others run

Updates = trio.MemorySendChannel[SourceUpdate]


class CsvSource:
    """Plays one file."""

    def __init__(
        self, options: CsvOptions, context: Context, new_identity: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._options = options
        self._context = context
        self._new_identity = new_identity
        self._path = context.folder / options.path
        self._was_fit = False
        self._sessions = 0

    async def run(self, updates: Updates) -> None:
        """Until the end of the file; with `loop`, until it is cancelled.

        :raises RtaError: the file or the options are not fit: the lines of `check_source`.
        :raises UnreadableError: the file was fit before, but cannot be read now.
        """
        while await self._play(updates) and self._options.loop:
            pass

    async def _play(self, updates: Updates) -> bool:
        """One round; False if there was no row to play."""
        opened = await self._open()
        documents: list[Publish] = []
        session: CsvSession | None = None
        start = trio.current_time()
        with closing(opened.table):
            while not opened.table.ended:
                batch = await self._read(opened.table)
                documents += batch.documents
                if session is not None and batch.documents:
                    await _publish(updates, batch.documents)
                    await updates.send(session.bind(batch.documents))
                for segment in batch.segments:
                    if session is not None and segment.begins:
                        await _end(updates, session, start)
                        session = None
                    if session is None and segment.rows:
                        start, now = trio.current_time(), self._context.clock()
                        said, first, identity = opened.understood.recording, segment.rows[0].time, self._identity()
                        session = CsvSession(
                            self._options, opened.table.channels, documents, said, first, now, identity
                        )
                        await _publish(updates, documents)
                        await updates.send(session.begin())
                    if session is not None:
                        await _send(updates, session, start, session.timeline.add(segment.rows))
            if session is None:
                return False
            await _end(updates, session, start, at_least=self._options.burst_interval if self._options.loop else 0)
        return True

    def _identity(self) -> str:
        """Of the next session."""
        self._sessions += 1
        return session_identity(self._options, self._sessions) or self._new_identity()

    # The worker threads are waited for even when cancelled: nobody else may close the file under them.

    async def _open(self) -> OpenedFile:
        try:
            opened = await trio.to_thread.run_sync(open_file, self._path, self._options, self._context.clock())
        except RtaError as e:
            if self._was_fit:
                raise UnreadableError(str(e)) from e
            raise
        self._was_fit = True
        tell_layout(opened, self._path, self._options, self._context)
        return opened

    async def _read(self, table: CsvFile) -> RowBatch:
        try:
            batch = await trio.to_thread.run_sync(table.read)
        except OSError as e:
            raise UnreadableError(f"{self._path}: cannot be read: {e.strerror or e}") from e
        for number, _ in enumerate(tell_batch(batch, self._path, self._context), 1):
            if number % _FAULTS == 0:  # a row may have thousands of columns
                await trio.lowlevel.checkpoint()
        return batch


def session_identity(options: CsvOptions, number: int) -> str:
    """The identity that is set, told apart where the file holds several sessions; empty: none is set."""
    return f"{options.identity} {number}" if options.identity and number > 1 else options.identity


def tell_layout(opened: OpenedFile, path: Path, options: CsvOptions, context: Context) -> None:
    """Say in a line how the file is read."""
    line = describe_in_a_line(opened.understood, options)
    context.report.notice(context.name, "layout", f"{path}: {line}")


def tell_batch(batch: RowBatch, path: Path, context: Context) -> Iterator[None]:
    """Say what has been left out of some rows; one step for each fault."""
    name, report = context.name, context.report
    report.count("rta_source_cells_total", batch.cells, source=name)
    for fault in batch.faults:
        yield
        detail = f"{path}: {fault.detail}"
        if fault.cells:
            report.count("rta_source_cells_lost_total", fault.cells, source=name)
            report.malformed(name, fault.kind, detail, fault.column)
        else:
            report.notice(name, fault.kind, detail)


async def _publish(updates: Updates, documents: Sequence[Publish]) -> None:
    for document in documents:
        await updates.send(document)


async def _send(updates: Updates, session: CsvSession, start: float, dues: Sequence[Due]) -> None:
    for due in dues:
        await trio.sleep_until(start + due.after)
        for burst in session.bursts(due):
            await updates.send(burst)


async def _end(updates: Updates, session: CsvSession, start: float, at_least: float = 0) -> None:
    """Close the session, `at_least` so many seconds after its start."""
    await _send(updates, session, start, session.timeline.rest())
    if at_least:  # a file of one moment must not be played again and again within it
        await trio.sleep_until(start + at_least)
    await updates.send(session.end())


@asynccontextmanager
async def open_source(options: CsvOptions, context: Context) -> AsyncIterator[CsvSource]:
    """A source that opens its file when it runs."""
    yield CsvSource(options, context)


def check_source(options: CsvOptions, context: Context) -> list[str]:
    """Why the source would not run, one line for each reason."""
    try:
        open_file(context.folder / options.path, options, context.clock()).table.close()
    except RtaError as e:
        return str(e).splitlines()
    return []
