"""Reads of buffer and archive for clients: those who need the same at the same time wait for one read."""

from __future__ import annotations

import trio

from rta.backoff import Backoff
from rta.errors import ArchiveError, FlushPointError, TransportError
from rta.ports import Batch, BurstLog, FlushPoint, RecordedEntries
from rta.session.client import ReadLog
from rta.session.feed import SessionFeed
from rta.wire.block import TARGET

__all__ = ["SharedReads"]

_PATIENCE = 10.0  # seconds for the archive to have what the buffer has no more


class _ReadUnderWay:
    """What several wait for."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.lost: Batch | None = None
        """Neither buffer nor archive has it: that is the answer to all of them."""


class SharedReads:
    """Where the buffer no longer holds what comes next, the archive is read on."""

    def __init__(self, log: BurstLog, archive: RecordedEntries | None) -> None:
        self._log = log
        self._archive = archive
        self._under_way: dict[tuple[object, ...], _ReadUnderWay] = {}

    async def read(self, feed: SessionFeed, wanted: ReadLog) -> Batch | None:
        """What is held; None when somebody else has read it: it is in the feed's cache now.

        Waits as long as the buffer cannot be read, and a while for the archive. `lost` if neither has what comes next.
        """
        key = (feed, wanted.want, wanted.run.serial, wanted.after, wanted.upto, wanted.gapless, wanted.recorded)
        if (under_way := self._under_way.get(key)) is not None:
            await under_way.done.wait()
            return under_way.lost
        under_way = self._under_way[key] = _ReadUnderWay()
        try:
            batch = await self._read(wanted)
            if batch.lost and wanted.gapless:
                under_way.lost = batch  # nobody is to wait for the same in vain once more
            return batch
        finally:
            del self._under_way[key]
            under_way.done.set()

    async def _read(self, wanted: ReadLog) -> Batch:
        if wanted.recorded:
            return await self._from_archive(wanted)
        batch = await self._from_buffer(wanted)
        return await self._from_archive(wanted) if batch.lost and wanted.gapless else batch

    async def _from_buffer(self, wanted: ReadLog) -> Batch:
        backoff = Backoff()
        while True:
            try:
                return await self._log.read(wanted.run.stream, wanted.after, wanted.upto, TARGET)
            except TransportError:
                await backoff.pause()

    async def _from_archive(self, wanted: ReadLog) -> Batch:
        lost = Batch([], wanted.after, lost=True)
        if self._archive is None:
            return lost
        after = FlushPoint(wanted.run.stream, wanted.run.session_id, wanted.after)
        backoff = Backoff()
        with trio.move_on_after(_PATIENCE):
            while True:
                try:
                    batch = await self._archive.read_entries(after, wanted.upto, TARGET)
                except FlushPointError:
                    return lost
                except ArchiveError:
                    pass
                else:
                    # Where the archive ends at this very place, what was read last is about to be recorded.
                    if batch.lost or batch.position > wanted.after:
                        return batch
                await backoff.pause()
        return lost
