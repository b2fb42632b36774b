"""What an archive's author tells the kit, and how the kit writes and reads an archive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from rta.ports import (
    ALL_CHANNELS,
    START,
    Archive,
    ArchivedSession,
    ArchiveLimits,
    ChannelRanges,
    Chunk,
    ChunkReader,
    DataKind,
    DataRange,
    Entry,
    FlushPoint,
    Hole,
    Portion,
    Position,
    StreamSessionId,
)
from rta.testing.archive_samples import ArchivedSample, samples_in, samples_of
from rta.testing.patience import within
from rta.wire import Burst, ChunkParser

__all__ = ["ArchiveUnderTest", "at", "portion", "sample_numbers"]

_MOST_TURNS = 10_000


class ArchiveUnderTest:
    """The hooks of `ArchiveContract`. Override `open_archive`; `open_again` too if the archive outlives its opening."""

    pytestmark = pytest.mark.trio

    patience: float = 60.0
    """Real seconds that the kit waits for something; a test that waits longer fails."""

    now: int = 1_700_000_000 * 10**9
    """What the time is at the first upkeep, ns since the Unix epoch."""

    def open_archive(self) -> AbstractAsyncContextManager[Archive]:
        """An archive with nothing in it, and room for at least 64 MiB."""
        raise NotImplementedError(f"{type(self).__name__} must say how to open its archive")

    @asynccontextmanager
    async def open_again(self, archive: Archive) -> AsyncIterator[Archive]:
        """The same archive, opened anew after an end without a farewell. Default: the archive itself."""
        yield archive

    async def upkeep(self, archive: Archive, seconds: float = 0.0) -> None:
        """All that is due when so much time has passed since the first upkeep."""
        with within(self.patience, "upkeep"):
            for _ in range(_MOST_TURNS):
                report = await archive.upkeep(self.now + int(seconds * 1e9), ArchiveLimits())
                if not report.more:
                    return
        raise AssertionError(f"upkeep has more to do after {_MOST_TURNS} calls")

    async def found(self, archive: Archive, identity: str) -> ArchivedSession:
        """A session that is there."""
        session = await archive.find(identity)
        assert session is not None, f"{identity!r} is not found"
        return session

    async def flush_point(self, archive: Archive, identity: str) -> FlushPoint:
        """Up to where a session is recorded."""
        point = (await self.found(archive, identity)).flush_point
        assert point is not None
        return point

    async def chunks(
        self,
        archive: Archive,
        identity: str,
        kind: DataKind = DataKind.TIMESTAMPED,
        channels: ChannelRanges = ALL_CHANNELS,
        *,
        start: int | None = None,
        end: int | None = None,
        upto: FlushPoint | None = None,
    ) -> list[Chunk]:
        """All chunks that are wanted, in the order in which they come."""
        async with archive.read(identity, DataRange(kind, channels, start, end, upto)) as reader:
            return await self.rest(reader, ChunkParser(kind))

    async def rest(self, reader: ChunkReader, parser: ChunkParser) -> list[Chunk]:
        """What a reader still gives. `parser`: has been fed what it has given before."""
        out: list[Chunk] = []
        with within(self.patience, "reading chunks"):
            while data := await reader.next():
                out += parser.feed(data)
        parser.end()
        assert reader.damaged == 0
        return out

    async def samples(
        self, archive: Archive, identity: str, kind: DataKind, upto: FlushPoint | None = None
    ) -> list[ArchivedSample]:
        """All samples of a kind, sorted."""
        return sorted(samples_of(await self.chunks(archive, identity, kind, upto=upto)))

    async def all_samples(self, archive: Archive, identity: str) -> dict[DataKind, list[ArchivedSample]]:
        """The same of all kinds."""
        return {kind: await self.samples(archive, identity, kind) for kind in DataKind}

    def expected(self, bursts: Iterable[Burst]) -> dict[DataKind, list[ArchivedSample]]:
        """What `all_samples` has to give of these bursts."""
        entries = list(bursts)
        return {kind: sorted(s for burst in entries for s in samples_in(burst, kind)) for kind in DataKind}


def at(number: int) -> Position:
    """A position."""
    return Position(1000 + number, 0)


def portion(
    bursts: Sequence[tuple[int, Burst]],
    *,
    identity: str = "a",
    stream: str = "s",
    session_id: StreamSessionId = 7,
    start: Position = START,
    upto: int | None = None,
    hole: Hole | None = None,
) -> Portion:
    """Bursts of one run, each at the position of its number."""
    entries = [Entry(at(number), session_id, burst) for number, burst in bursts]
    return Portion(
        stream,
        entries,
        {session_id: (identity, start)} if entries or hole else {},
        at(bursts[-1][0] if upto is None else upto),
        {} if hole is None else {session_id: hole},
    )


def sample_numbers(chunks: Iterable[Chunk]) -> list[int]:
    """The numbers of the numbered bursts that the chunks were made of, in order."""
    return sorted(int(sample.number) for sample in samples_of(chunks))
