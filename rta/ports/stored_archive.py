"""An archive on disk, seen by people who are not its service: for the command line. Everything blocks.

It is only read, and may be read while a service has it open: a session may then be a little behind. What is to be
removed is left for the service as a note, or done at once if there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from rta.ports.archive import ArchivedSession, ArchiveLimits, DataRange
from rta.ports.values import Position
from rta.session_query import SessionQuery
from rta.wire.chunks import Chunk, DataKind

__all__ = ["RecordedChannel", "StoredArchive", "VerifiedArchive"]


@frozen
class RecordedChannel:
    """What chunks of one channel, row group, or of events are in the files of a session."""

    kind: DataKind
    channels: tuple[int, ...]
    chunks: int
    bytes: int
    """As they are packed."""
    start: int
    """ns since the Unix epoch: of the first sample."""
    end: int


@frozen
class VerifiedArchive:
    """What has been compared with its check sums."""

    files: int
    bytes: int
    damage: Sequence[str]
    """A sentence for each place that is not as it was written."""


class StoredArchive(Protocol):
    """One archive. Every method may raise an error:

    :raises ArchiveError: there is no archive, or it cannot be read or written.
    """

    @property
    def in_use(self) -> bool:
        """Whether a service has it open."""
        ...

    def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        """The sessions that a query asks for, in its order; their `runs` are left out."""
        ...

    def find(self, identity: str) -> ArchivedSession | None:
        """The session of this identity."""
        ...

    def channels(self, identity: str) -> Sequence[RecordedChannel]:
        """What is in the files of a session, by kind and channel; what has just come is not among it."""
        ...

    def configuration(self, identifier: str) -> str | None:
        """A configuration document."""
        ...

    def chunks(self, identity: str, wanted: DataRange) -> Generator[Chunk | None]:
        """The chunks in the files of a session, as `Archive.read` gives them, without `upto`; None for each that is
        damaged. What has just come is not among them. To be closed if it is not used up."""
        ...

    def flush_points(self) -> Mapping[str, Position]:
        """Of every stream that anything was recorded of."""
        ...

    def surplus(self, keep: ArchiveLimits, now: int) -> Sequence[ArchivedSession]:
        """The closed sessions that are over the limits, those first that are to go first. `now`: ns."""
        ...

    def delete(self, identities: Collection[str]) -> bool:
        """Whether they are gone; False: the service removes them, within seconds."""
        ...

    def verify(self, progress: Callable[[float], None]) -> VerifiedArchive:
        """Compare all that there is with its check sums, and say from 0 to 1 how far it is."""
        ...
