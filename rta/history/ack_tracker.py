"""What each stream still has to deliver, and when that is to be put on disk as a checkpoint.

Plain code. Times are steady seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from rta.history.delivery import Checkpoint, UnackedSpans, read_checkpoint, write_checkpoint
from rta.history.entry import Key

__all__ = ["AckTracker"]

_CHECKPOINT = 0.25  # seconds until an acknowledgement is on disk: what comes again after a crash
_CHECKPOINT_OF_NONE = 10.0  # the same, where no stream replays


class AckTracker:
    """Keeps account of the streams that replay."""

    def __init__(self) -> None:
        self._streams: dict[Key, UnackedSpans] = {}
        self._dirty = False
        self._written_at = float("-inf")

    def begin(self, checkpoint: bytes, last: int, streams: Iterable[Key]) -> None:
        """From a checkpoint that was kept. `last`: the last position of the history; `streams`: those that replay."""
        known = read_checkpoint(checkpoint)
        self._streams.update({key: UnackedSpans(known.owed(key, last)) for key in streams})
        self._dirty = True

    def spans(self, key: Key) -> UnackedSpans:
        """What a stream that replays has to deliver."""
        return self._streams.setdefault(key, UnackedSpans())

    def forget(self, key: Key) -> None:
        """The stream does not replay, or there is no such stream any more."""
        self._streams.pop(key, None)

    # ---- what becomes of entries

    def sent(self, key: Key, first: int, last: int) -> None:
        """A message of these entries is handed on; `settled` is to say what became of it."""
        self.spans(key).sent(first, last)

    def settled(self, key: Key, first: int, delivered: bool) -> bool:
        """What became of the message that begins with this entry; whether the stream has come to owe it."""
        spans = self._streams.get(key)
        if spans is None or not spans.in_flight(first):
            return False  # the stream has been removed since, and there may be another one of its name
        spans.settled(first, delivered)
        self._dirty = True
        return not delivered

    def replayed(self, key: Key, upto: int) -> None:
        """What was owed has been acknowledged up to this position."""
        if key in self._streams:
            self._streams[key].replayed(upto)
            self._dirty = True

    # ---- checkpoints

    def due(self) -> float:
        """When a checkpoint is to be written, if nothing else is."""
        if not self._dirty:
            return float("inf")
        return self._written_at + (_CHECKPOINT if self._streams else _CHECKPOINT_OF_NONE)

    def checkpoint(self, committed: int, now: float) -> bytes:
        """What is to be kept now. `committed`: the last position that is on disk."""
        self._written_at, self._dirty = now, False
        return write_checkpoint(Checkpoint(committed, {key: s.undelivered() for key, s in self._streams.items()}))

    def spoil(self) -> None:
        """The checkpoint that is on disk is no longer right, or never got there."""
        self._dirty = True
