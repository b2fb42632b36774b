"""The archive: recorded sessions on disk. What the recorder writes, and what REST, exports and late clients read.

A recorded *session* has one or several *runs*: whoever writes it may begin anew, on another stream or with another id.
What has been read of a stream is appended as a *portion*, whole or not at all, and is on the disk when `append`
returns: up to there, the position of the portion is the stream's *flush point*. Samples are read as *chunks*, as REST
sends them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, Self
from urllib.parse import quote, unquote

from attrs import field, frozen

from rta.ports.values import Batch, Entry, Position, StreamSessionId
from rta.session_query import Property, SessionQuery
from rta.wire.chunks import Chunk, DataKind
from rta.wire.values import TimeRange

__all__ = [
    "ALL_CHANNELS",
    "Archive",
    "ArchivedSession",
    "ChannelOverview",
    "ChannelRanges",
    "Chunk",
    "ChunkReader",
    "DataKind",
    "DataRange",
    "FlushPoint",
    "Hole",
    "Portion",
    "RecordedEntries",
    "RecordedRun",
    "ArchiveLimits",
    "UpkeepReport",
]

ChannelRanges = tuple[tuple[int, int], ...]
"""Channel ids: ranges, both ends inclusive, that rise and do not touch."""

ALL_CHANNELS: ChannelRanges = ((0, 0xFFFFFFFF),)


class FlushPoint(NamedTuple):
    """Up to where a session is in an archive: a place in one of its runs, and all of the runs before."""

    stream: str
    session_id: StreamSessionId
    position: Position

    def __str__(self) -> str:
        return f"{self.position}:{self.session_id}:{quote(self.stream, safe='')}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str`.

        :raises ValueError: it is something else.
        """
        m = re.fullmatch(r"([0-9]{1,20}-[0-9]{1,20}):([0-9]{1,20}):([^:]{1,1000})", text)
        if m is None:
            raise ValueError(f"{text[:80]!r} is not a flush point like 1700000000000-0:42:car")
        return cls(unquote(m[3], errors="strict"), int(m[2]), Position.parse(m[1]))


@frozen(slots=True)
class Hole:
    """Entries that were gone before they could be recorded: some or all of `after < position <= upto`."""

    after: Position
    upto: Position
    reason: str
    """In words."""


@frozen(slots=True)
class RecordedRun:
    """One run of a session, as far as it has been recorded."""

    stream: str
    session_id: StreamSessionId
    start: Position
    """Nothing of the run is at or before this position."""
    upto: Position
    """The flush point of its stream, or where another run took its id over."""
    held_from: Position
    """Entries behind this position can be had one by one, as `read_entries` gives them; samples before it as chunks."""
    holes: tuple[Hole, ...] = ()


@frozen(slots=True)
class Portion:
    """What has been read of a stream since its last flush point."""

    stream: str
    entries: Sequence[Entry]
    """Those that are to be recorded, in order."""
    runs: Mapping[StreamSessionId, tuple[str, Position]]
    """Of each session id in `entries`: the identity, and the start of its run (see `RecordedRun.start`). The same id
    with another start is another run."""
    upto: Position
    """The flush point of the stream from now on. Smaller than the last one where the stream has begun anew."""
    holes: Mapping[StreamSessionId, Hole] = field(factory=dict)
    """What is missing of runs since the last portion. Runs that have holes only are in `runs` too."""


@frozen(slots=True)
class ArchivedSession:
    """A recorded session."""

    identity: str
    json: str
    """The last session JSON, as its writer wrote it."""
    span: TimeRange | None
    """What the data in the archive cover, together with the time ranges that were written. ns since the Unix epoch."""
    sealed: bool
    """Its chunks do not change any more, unless data come late."""
    version: str
    """Changes whenever anything of the session does; fit for an ETag."""
    size: int
    """Bytes on disk, about."""
    runs: tuple[RecordedRun, ...] = ()
    """In the order in which they began."""

    @property
    def flush_point(self) -> FlushPoint | None:
        """Up to where it is recorded."""
        run = self.runs[-1] if self.runs else None
        return None if run is None else FlushPoint(run.stream, run.session_id, run.upto)


@frozen(slots=True)
class DataRange:
    """Which data of a session are wanted."""

    kind: DataKind
    channels: ChannelRanges = ALL_CHANNELS
    """Channels of another kind, or unknown, yield nothing. A row is given whole if one of its channels is wanted. Means
    nothing for events."""
    start: int | None = None
    """ns since the Unix epoch, inclusive, as `end`. What is given is rounded outwards to whole chunks."""
    end: int | None = None
    upto: FlushPoint | None = None
    """Nothing that was recorded behind this point; None: all there is."""


class ChunkReader(Protocol):
    """Chunks of one session, as it was when the reading began."""

    flush_point: FlushPoint | None
    """The chunks hold all of the session that is wanted up to here, and nothing behind it."""
    version: str
    """Of the session, see `ArchivedSession`; empty: there is none."""
    damaged: int
    """How many chunks have been left out up to now because they were not as they were written."""

    async def next(self) -> bytes | memoryview:
        """The next ones, whole, some megabytes at most, as REST transfers them: `ChunkParser` reads them. Empty: there
        are no more. Those of one channel rise with the time.

        :raises ArchiveError: the archive cannot be read.
        """
        ...


@frozen(slots=True, eq=False)
class ChannelOverview:
    """Minimum, maximum and mean of stretches of one channel. Stretches without samples are left out.

    All lists are of the same length.
    """

    channel: int
    starts: Sequence[int]
    """ns since the Unix epoch, where each stretch begins, inclusive; rising."""
    ends: Sequence[int]
    """Where it ends, exclusive."""
    counts: Sequence[int]
    """Samples in it; NaN are none."""
    minima: Sequence[float]
    maxima: Sequence[float]
    means: Sequence[float]


@frozen(slots=True)
class ArchiveLimits:
    """How much is kept; None: no bound of this kind. The oldest closed sessions go first, by the end of their data."""

    max_age: int | None = None
    """ns since the session was last written to."""
    max_bytes: int | None = None
    min_free: int | None = None
    """Bytes that are to stay free on the disk."""
    log_age: int = 3600 * 10**9
    """ns for which entries can be had one by one."""
    log_bytes: int = 1 << 30


@frozen(slots=True)
class UpkeepReport:
    """What an `upkeep` has found and done."""

    more: bool = False
    """There is more to be done at once."""
    sealed: int = 0
    deleted: int = 0
    adopted: int = 0
    """Sessions that somebody has laid down to be taken in."""
    bytes: int = 0
    """On disk."""
    sessions: int = 0
    damage: Sequence[str] = ()
    """What has been found damaged since the last time, a sentence each."""


class RecordedEntries(Protocol):
    """What late clients are served from: which runs a session has, and their entries one by one."""

    async def find(self, identity: str) -> ArchivedSession | None:
        """The session of this identity.

        :raises ArchiveError: the archive cannot be read.
        """
        ...

    async def read_entries(self, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
        """Entries of a run with `after.position < position <= upto`, as `BurstLog.read` gives them.

        `position` of the batch is never behind the flush point. `lost` if entries of the run behind `after` are not
        held one by one any more, or were never recorded; what follows the loss is not given then.

        :raises ArchiveError: the archive cannot be read.
        """
        ...


class Archive(RecordedEntries, Protocol):
    """One archive, which one process has open. Every method that waits may raise an error:

    :raises ArchiveError: the disk is full, or the archive cannot be read or written. A second try repeats nothing.
    """

    # ---- for the recorder

    async def flush_points(self) -> Mapping[str, Position]:
        """Of every stream that anything was recorded of."""
        ...

    async def append(self, portion: Portion) -> None:
        """On the disk when it returns. The same portion may be appended again: it is there once.

        Session JSON and time ranges in it become the sessions' own.
        """
        ...

    async def describe(self, identity: str, json: str) -> None:
        """The JSON of a recorded session that did not come by its stream."""
        ...

    async def publish(self, identifier: str, text: str) -> None:
        """Keep a configuration document; the same again is nothing new."""
        ...

    async def upkeep(self, now: int, keep: ArchiveLimits) -> UpkeepReport:
        """Do some of what is due, for some tens of milliseconds: cut chunks, seal, delete, adopt. `now`: ns."""
        ...

    # ---- for those who read

    async def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        """The sessions that a query asks for, in its order; their `runs` are left out. Those whose JSON is none are not
        listed.

        :raises MalformedError: kind `query`; it is too much work. So does `properties`.
        """
        ...

    async def properties(self, folder: str | None) -> Sequence[Property]:
        """What properties the sessions have, for the metamodel. `folder`: of these only."""
        ...

    async def configuration(self, identifier: str) -> str | None:
        """A configuration document."""
        ...

    def read(self, identity: str, wanted: DataRange) -> AbstractAsyncContextManager[ChunkReader]:
        """Read data of a session. Of an unknown one there are none.

        :raises FlushPointError: `wanted.upto` is not held any more, or is of another session.
        """
        ...

    async def overview(
        self, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
    ) -> Sequence[ChannelOverview]:
        """About so many stretches for each channel, of equal length and exact at their limits. Rows have none."""
        ...

    async def delete(self, identity: str) -> bool:
        """Whether there was such a session."""
        ...
