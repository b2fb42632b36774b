"""All that a file holds, at once, for the archive: what `Offer.load` gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from rta.ports.source import CloseSession, OpenSession, Publish, SessionBurst, UpdateSession
from rta.wire.burst import Event
from rta.wire.samples import SampleType
from rta.wire.values import ChannelId

__all__ = ["FileLoad", "LoadedColumn", "LoadedPart", "SessionColumns"]


@frozen(slots=True, eq=False)
class LoadedColumn:
    """Samples of one channel: two arrays of the shape (n,), in the order of the file."""

    channel: ChannelId
    kind: SampleType
    times: npt.NDArray[np.int64]
    """ns since the Unix epoch."""
    values: npt.NDArray[Any]
    interval: int | None = None
    """ns; they are periodic data."""


@frozen(slots=True, eq=False)
class SessionColumns:
    """Data of the open session, in place of bursts."""

    columns: Sequence[LoadedColumn]
    events: Sequence[Event] = field(factory=tuple)


LoadedPart = Publish | OpenSession | UpdateSession | SessionColumns | SessionBurst | CloseSession


class FileLoad(Protocol):
    """A file that is being loaded. Blocks."""

    @property
    def share(self) -> float:
        """How much of it has been read, from 0 to 1."""
        ...

    def __iter__(self) -> Iterator[LoadedPart]:
        """One session after the other, each with its documents before it.

        :raises RtaError: the file, or an option, is not fit; or it cannot be read any more.
        """
        ...

    def close(self) -> None: ...
