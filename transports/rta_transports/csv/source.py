"""The CSV source: plays a file as a session, once or for ever.

Owns the open file and, in each round, one session. Reads a batch of rows at a time in a worker thread and
sends rows when they are due, by deadlines counted from the start, so that no delay adds up. Ends with the
file, or when it is cancelled; the receiver closes a session that is open then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from uuid import uuid4

import trio

from rta.ports import Context, Publish, RtaError, SourceUpdate, UnreadableError
from rta_transports.csv.configuration import published
from rta_transports.csv.opening import open_table
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.session import CsvSession
from rta_transports.csv.table import CsvFile, Row
from rta_transports.csv.timeline import Due

__all__ = ["CsvSource", "check_source", "open_source"]

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

    async def run(self, updates: Updates) -> None:
        """Until the end of the file; with `loop`, until it is cancelled.

        :raises RtaError: the file or the options are not fit: the lines of `check_source`.
        :raises UnreadableError: the file was fit before, but cannot be read now.
        """
        while await self._play(updates) and self._options.loop:
            pass

    async def _play(self, updates: Updates) -> bool:
        """One round; False if there was no row to play."""
        table, publish = await self._open()
        with closing(table):
            rows = await self._read(table)
            if not rows:
                return False
            start, now = trio.current_time(), self._context.clock()
            columns, first, identity = table.header.columns, rows[0].time, self._new_identity()
            session = CsvSession(self._options, columns, publish.identifier, first, now, identity)
            await updates.send(publish)
            await updates.send(session.begin())
            while rows:
                await _send(updates, session, start, session.timeline.add(rows))
                rows = await self._read(table)
            await _send(updates, session, start, session.timeline.rest())
        if self._options.loop:  # a file of one moment must not be played again and again within it
            await trio.sleep_until(start + self._options.burst_interval)
        await updates.send(session.end())
        return True

    # The worker threads are waited for even when cancelled: nobody else may close the file under them.

    async def _open(self) -> tuple[CsvFile, Publish]:
        try:
            opened = await trio.to_thread.run_sync(_open_and_describe, self._path, self._options)
        except RtaError as e:
            if self._was_fit:
                raise UnreadableError(str(e)) from e
            raise
        self._was_fit = True
        return opened

    async def _read(self, table: CsvFile) -> list[Row]:
        """The next batch that has rows; none at the end."""
        while not table.ended:
            try:
                batch = await trio.to_thread.run_sync(table.read)
            except OSError as e:
                raise UnreadableError(f"{self._path}: cannot be read: {e.strerror or e}") from e
            for fault in batch.faults:
                self._context.report.malformed(self._context.name, fault.kind, f"{self._path}: {fault.detail}")
            if batch.rows:
                return batch.rows
        return []


def _open_and_describe(path: Path, options: CsvOptions) -> tuple[CsvFile, Publish]:
    table = open_table(path, options)
    return table, published(table.header.columns, options)


async def _send(updates: Updates, session: CsvSession, start: float, dues: Sequence[Due]) -> None:
    for due in dues:
        await trio.sleep_until(start + due.after)
        for burst in session.bursts(due):
            await updates.send(burst)


@asynccontextmanager
async def open_source(options: CsvOptions, context: Context) -> AsyncIterator[CsvSource]:
    """A source that opens its file when it runs."""
    yield CsvSource(options, context)


def check_source(options: CsvOptions, context: Context) -> list[str]:
    """Why the source would not run, one line for each reason."""
    try:
        open_table(context.folder / options.path, options).close()
    except RtaError as e:
        return str(e).splitlines()
    return []
