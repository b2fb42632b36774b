"""The buffer: a log of recent bursts in named streams, and the sessions they belong to."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from rta.ports.values import Batch, Position, SessionRecord, StreamSessionId, Trim
from rta.wire.burst import Burst

__all__ = ["BurstLog", "Tail"]


class Tail(Protocol):
    """Follows one stream from a position on."""

    async def next(self) -> Batch:
        """Wait for the entries behind the last batch; at least one entry, or a position that has moved on.

        A cancelled call loses nothing: the next one goes on from the same place.

        :raises NotConnectedError: the log cannot be reached; the next call goes on from the same place.
        :raises UnreadableError: what it holds cannot be read; the next call goes on from the same place.
        """
        ...


class BurstLog(Protocol):
    """Every method may raise an error, and has then done nothing that a second try would repeat.

    :raises NotConnectedError: the log cannot be reached.
    :raises UnreadableError: it refuses the call, or what it holds cannot be read.
    """

    shared: bool
    """Whether other processes see the same log."""

    async def open_session(self, identity: str, stream: str) -> SessionRecord:
        """Give a session a fresh id on a stream.

        An identity that is already known is taken over: the record starts anew, without JSON and time range, and
        whatever the old run still appends does not touch it.
        """
        ...

    async def append(self, session: SessionRecord, burst: Burst) -> Position:
        """Append a burst; session JSON and time range in it become the record's, `last_updated` is now.

        Time ranges expand, they never shrink. Readers see the entry and the record change together or the entry first.
        """
        ...

    async def find(self, identity: str) -> SessionRecord | None:
        """The session of this identity, if the log knows it."""
        ...

    async def find_all(self, identities: Collection[str]) -> dict[str, SessionRecord]:
        """The sessions that the log knows of these, by identity; asked for together, as they are all looked up about
        once a second while they are followed."""
        ...

    async def sessions(self) -> list[SessionRecord]:
        """All sessions known, in no particular order."""
        ...

    async def forget(self, record: SessionRecord) -> bool:
        """Know nothing of a session any more, unless it has been written to since its record was found. Its entries
        stay, and are nobody's; whoever reads them finds no session with their id.
        """
        ...

    async def head(self, stream: str) -> Position:
        """The position of the last entry ever appended; `START` for a stream that has none."""
        ...

    async def last_data(
        self, stream: str, session_id: StreamSessionId, after: Position, upto: Position
    ) -> Position | None:
        """Where the last entry of a session is that has samples or events, with `after < position <= upto`.

        None: there is none. It holds nobody up, however much others have written behind it.
        """
        ...

    async def read(self, stream: str, after: Position, upto: Position, max_bytes: int) -> Batch:
        """Entries with `after < position <= upto`: at least one, more while they hold at most `max_bytes` unpacked.

        `position` of the batch is `upto` when nothing more is to be read, be there entries up to it or not.
        `lost` if an entry behind `after` has been trimmed: a gap to those who had read up to there.
        """
        ...

    def follow(self, stream: str, after: Position) -> AbstractAsyncContextManager[Tail]:
        """Follow a stream from behind `after`."""
        ...

    async def publish(self, identifier: str, text: str) -> None:
        """Keep a configuration document for `configuration`; it never changes, and the same again is nothing new."""
        ...

    async def configuration(self, identifier: str) -> str | None:
        """A document that has been published; whoever shares the log sees it. Old ones may be forgotten."""
        ...

    async def claim(self, stream: str, owner: str, ttl: float) -> bool:
        """Whether `owner`, of all who share the log, may act for a stream during the next `ttl` seconds.

        Whoever has a claim keeps it by claiming again before it has run out; until then nobody else gets one. Streams
        need not exist. The times are those of the log, and never shorter than `ttl`.
        """
        ...

    async def release(self, stream: str, owner: str) -> None:
        """Give a claim up; one that somebody else has stays."""
        ...

    async def now(self) -> int:
        """The clock that arrival times are from, ms since the Unix epoch."""
        ...

    async def trim(self, keep: Trim) -> int:
        """Drop what is over the bounds; how many entries went."""
        ...
