"""What waits over all sessions of a writer, and what happens at its bound. Plain code."""

from __future__ import annotations

from enum import Enum, auto
from itertools import count

from rta.writer.errors import WriterFull
from rta.writer.outbox import SessionOutbox
from rta.writer.settings import WriterSettings

__all__ = ["Admission", "Backlog"]


class Admission(Enum):
    """What becomes of what is to be added."""

    TAKEN = auto()
    WAIT = auto()
    DROPPED = auto()


class Backlog:
    """The outboxes of a writer under one bound."""

    def __init__(self, settings: WriterSettings) -> None:
        self.settings = settings
        self.dropped = 0
        """Samples dropped at the bound."""
        self._outboxes: set[SessionOutbox] = set()
        self._numbers = count()

    def new_outbox(self) -> SessionOutbox:
        outbox = SessionOutbox(self._numbers, self.settings.target, self.settings.delay)
        self._outboxes.add(outbox)
        return outbox

    def remove(self, outbox: SessionOutbox) -> None:
        self._outboxes.discard(outbox)

    @property
    def waiting(self) -> int:
        """Bytes, before compression."""
        return sum(outbox.size for outbox in self._outboxes)

    @property
    def samples(self) -> int:
        return sum(outbox.samples for outbox in self._outboxes)

    def admit(self, size: int, samples: int = 0) -> Admission:
        """Whether so many bytes may be added now; at the bound of `drop`, older data make room.

        `samples`: how many are in it; 0: it is no data, and must not be dropped.

        :raises WriterFull: it does not fit, and is neither to wait nor to be dropped.
        """
        drop = self.settings.on_full == "drop"
        while not self._fits(size):
            if drop and self._drop_oldest():
                continue
            if drop and samples:
                self.dropped += samples
                return Admission.DROPPED
            if self.settings.on_full == "wait":
                return Admission.WAIT
            raise WriterFull(
                f"{size} bytes do not fit: {self.waiting} bytes, of at most {self.settings.max_bytes}, wait for the log"
            )
        return Admission.TAKEN

    def _fits(self, size: int) -> bool:
        waiting = self.waiting
        return not waiting or waiting + size <= self.settings.max_bytes

    def _drop_oldest(self) -> bool:
        ages = {age: outbox for outbox in self._outboxes if (age := outbox.oldest_droppable) is not None}
        if not ages:
            return False
        self.dropped += ages[min(ages)].drop_oldest()
        return True
