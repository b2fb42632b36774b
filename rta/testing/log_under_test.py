"""What a log's author tells the kit, and how the kit reads a log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise

import pytest
import trio

from rta.ports import START, Batch, BurstLog, Entry, Position, SessionRecord, Tail, Trim
from rta.testing.bursts import number_of, numbered_burst
from rta.testing.patience import within
from rta.wire.burst import SizeLimits

__all__ = ["Follower", "LogUnderTest", "numbers"]

_PLENTY = 64 << 20


class LogUnderTest:
    """The hooks of `BurstLogContract`. Override `open_log`; `open_again` and `outage` too if the log is a server's. The
    others have defaults: override them where they do not fit."""

    pytestmark = pytest.mark.trio

    patience: float = 60.0
    """Real seconds that the kit waits for something; a test that waits longer fails."""

    gap_ms: int = 20
    """What `pass_time` is asked for: well above the resolution of the log's clock."""

    slack: int = 0
    """How many entries of a stream `trim` may leave over its bounds; 0: it trims exactly."""

    limits: SizeLimits = SizeLimits()
    """The largest bursts the log takes."""

    def open_log(self) -> AbstractAsyncContextManager[BurstLog]:
        """A log with nothing in it, with room for at least 64 MiB and no age bound of its own."""
        raise NotImplementedError(f"{type(self).__name__} must say how to open its log")

    @asynccontextmanager
    async def open_again(self, log: BurstLog) -> AsyncIterator[BurstLog]:
        """The same log as another process would have it: its own connection. Default: the log itself."""
        yield log

    async def pass_time(self, log: BurstLog, ms: int) -> None:
        """Return when the log's clock has moved on by `ms` or more. Default: wait; override to step it."""
        end = await log.now() + ms
        while (left := end - await log.now()) > 0:
            await trio.sleep(left / 1000)

    def outage(self, log: BurstLog) -> AbstractAsyncContextManager[None] | None:
        """The log's other side cannot be reached inside this block. Default, None: it always can."""
        return None

    async def everything(self, log: BurstLog, stream: str, after: Position = START) -> list[Entry]:
        """All entries there are behind a position, in order."""
        upto = await log.head(stream)
        entries: list[Entry] = []
        with within(self.patience, f"reading {stream!r} up to {upto}"):
            while after < upto:
                batch = await log.read(stream, after, upto, _PLENTY)
                assert batch.position > after, "a batch got no further"
                entries += batch.entries
                after = batch.position
        return entries

    @asynccontextmanager
    async def follow(self, log: BurstLog, stream: str, after: Position) -> AsyncIterator[Follower]:
        """A follower whose batches are checked as they come."""
        async with log.follow(stream, after) as tail:
            yield Follower(tail, after, self.patience)

    async def append_numbers(self, log: BurstLog, session: SessionRecord, numbers: Iterable[int]) -> list[Position]:
        """One numbered burst each."""
        return [await log.append(session, numbered_burst(i)) for i in numbers]

    async def displace(self, log: BurstLog, stream: str) -> None:
        """Trim so that nothing of what the stream holds now is left."""
        filler = await log.open_session("filler", stream)
        await self.append_numbers(log, filler, [-1] * self.slack)
        await log.trim(Trim(max_entries=0))


class Follower:
    """A tail of which every batch is checked as it comes."""

    def __init__(self, tail: Tail, after: Position, patience: float) -> None:
        self._tail = tail
        self._patience = patience
        self.position = after
        """Up to where it has read."""
        self.entries: list[Entry] = []
        """All it has had."""
        self.lost = False
        """Whether any batch said so."""

    async def next(self) -> Batch:
        """The next batch, checked."""
        batch = await self._tail.next()
        assert batch.position > self.position, f"the batch behind {self.position} is at {batch.position}"
        positions = [self.position, *(e.position for e in batch.entries)]
        assert all(a < b for a, b in pairwise(positions)), "entries out of order"
        assert positions[-1] <= batch.position, "the batch's position is before its last entry"
        self.position = batch.position
        self.entries += batch.entries
        self.lost |= batch.lost
        return batch

    async def reach(self, position: Position) -> list[Entry]:
        """All entries it has had once it has read up to there."""
        with within(self._patience, f"following up to {position}; got as far as {self.position}"):
            while self.position < position:
                await self.next()
        return self.entries


def numbers(entries: list[Entry]) -> list[int]:
    """The numbers of numbered bursts."""
    return [number_of(e.burst) for e in entries]
