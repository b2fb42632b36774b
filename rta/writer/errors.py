"""What can go wrong for whoever writes."""

from __future__ import annotations

from rta.errors import RtaError

__all__ = ["WriteError", "WriterClosed", "WriterFull"]


class WriterFull(RtaError):
    """There is no room for it before the log takes some of what waits; nothing of it was taken."""


class WriterClosed(RtaError):
    """The session, or the writer, takes nothing any more."""


class WriteError(RtaError):
    """Some of what was taken has not been written, and will not be."""

    def __init__(self, message: str, waiting: int, samples: int) -> None:
        """Bytes before compression, and samples, that did not get to the log, as far as is known."""
        super().__init__(message)
        self.waiting = waiting
        self.samples = samples
