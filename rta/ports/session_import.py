"""A closed session that is laid down beside those of an archive, which takes it in. Blocks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rta.wire.chunks import Chunk
from rta.wire.values import TimeRange

__all__ = ["SessionImport"]


class SessionImport(Protocol):
    """One session that is being written. It is there whole or not at all.

    :raises ArchiveError: it cannot be written.
    """

    def publish(self, identifier: str, text: str) -> None:
        """Add a configuration document that the session is bound to."""
        ...

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Add chunks: those of one kind and channel (or row group) by their times, without overlap."""
        ...

    def finish(self, json: str, span: TimeRange | None = None) -> Path:
        """Lay it down, with its last session JSON; on the disk when this returns. `span`: what it covers beside its
        data.

        :return: a file that is gone when the archive has taken the session in.
        """
        ...

    def discard(self) -> None:
        """It is not to be. Means nothing once it is finished."""
        ...
