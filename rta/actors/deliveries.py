"""What of each stream is still to be delivered, and when that is to be put on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import trio

from rta.history.delivery import Mark, UnackedSpans, read_mark, write_mark
from rta.history.entry import Key
from rta.node.node_stream import NodeStream

__all__ = ["AckTracker"]

_MARK = 0.25  # seconds until an acknowledgement is on disk: what comes again after a crash
_MARK_OF_NONE = 10.0  # the same, where no stream replays


class AckTracker:
    """Of the streams that replay."""

    def __init__(self, touched: Callable[[], None]) -> None:
        """`touched` is called when a mark will be due because of what has become of a message."""
        self.owing = trio.Event()
        """Set, and made anew, when a stream has come to owe something."""
        self._touched = touched
        self._of: dict[Key, UnackedSpans] = {}
        self._dirty = False
        self._marked_at = float("-inf")

    def begin(self, mark: bytes, last: int, streams: Iterable[NodeStream]) -> None:
        """From a mark that was kept; `last`: the last position of the history."""
        known = read_mark(mark)
        for stream in streams:
            if stream.definition.replay is not None:
                self._of[stream.key] = UnackedSpans(known.owed(stream.key, last))
        self._dirty = True

    def of(self, stream: NodeStream) -> UnackedSpans | None:
        """None: it does not replay."""
        if stream.definition.replay is None:
            self._of.pop(stream.key, None)
            return None
        return self._of.setdefault(stream.key, UnackedSpans())

    def forget(self, key: Key) -> None:
        """There is no such stream any more."""
        self._of.pop(key, None)

    # ---- what becomes of entries

    def sent(self, delivery: UnackedSpans, first: int, last: int) -> Callable[[bool], None]:
        """A message of these entries is handed on; what is to be told whether it was delivered."""
        delivery.sent(first, last)
        return partial(self._settled, delivery, first)

    def _settled(self, delivery: UnackedSpans, first: int, delivered: bool) -> None:
        delivery.settled(first, delivered)
        if not delivered:
            self.owing.set()
            self.owing = trio.Event()
        self._touch()

    def replayed(self, delivery: UnackedSpans, upto: int) -> None:
        """What was owed has been acknowledged up to this position."""
        delivery.replayed(upto)
        self._touch()

    def _touch(self) -> None:
        self._dirty = True
        self._touched()

    # ---- marks

    def due_mark(self, committed: int, at_once: bool = False) -> bytes | None:
        """What is to be kept now; None: nothing yet. `committed`: the last position that is on disk."""
        now = trio.current_time()
        if not at_once and now < self._marked_at + (_MARK if self._of else _MARK_OF_NONE):
            return None
        self._marked_at, self._dirty = now, False
        return write_mark(Mark(committed, {key: delivery.undelivered() for key, delivery in self._of.items()}))

    def spoil(self) -> None:
        """The mark that is on disk is no longer right, or never got there."""
        self._dirty = True

    @property
    def dirty(self) -> bool:
        """Whether it is not."""
        return self._dirty
