"""Whether something was trimmed that a reader had not read, without having seen it.

Redis does not say which entries it trimmed, only how many: of all that were ever added, those that are no longer
there. So it is enough to know how many had been added up to where a reader stands.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from rta.ports import START, Position
from rta_transports.redis.entries import position_of

__all__ = ["Anchors", "Edges", "was_lost"]


@frozen(slots=True)
class Edges:
    """What there is of a stream."""

    length: int
    added: int | None
    """Entries ever added; None: this Redis (before 7.0) does not say."""
    first: Position | None
    last: Position

    @classmethod
    def read(cls, reply: Sequence[Any]) -> Edges:
        """The answer of the `EDGES` script."""
        length, added, first, last = reply
        return cls(length, None if added < 0 else added, position_of(first) if first else None, position_of(last))


def was_lost(after: Position, edges: Edges, count: int | None) -> bool:
    """Whether an entry behind `after` is gone. `count`: at least so many had been added up to there; None: unknown.

    Where it cannot be known it counts as lost: a gap that is told is better than one that is not.
    """
    if edges.last <= after or (edges.first is not None and edges.first <= after):
        return False
    if edges.added is None:
        return after != START
    return edges.added - edges.length > (count or 0)


class Anchors:
    """Places in streams of which it is known how many entries had been added up to there. Bounded."""

    _STREAMS = 4096
    _PER_STREAM = 16

    def __init__(self) -> None:
        self._known: OrderedDict[str, deque[tuple[Position, int]]] = OrderedDict()

    def note(self, stream: str, edges: Edges) -> None:
        """The end of a stream is such a place."""
        if edges.added is None:
            return
        places = self._known.get(stream)
        if places is None:
            places = self._known[stream] = deque(maxlen=self._PER_STREAM)
            if len(self._known) > self._STREAMS:
                self._known.popitem(last=False)
        if places and (edges.last < places[-1][0] or edges.added < places[-1][1]):
            places.clear()  # the stream began anew
        if not places or edges.last > places[-1][0]:
            places.append((edges.last, edges.added))

    def count(self, stream: str, position: Position) -> int | None:
        """At least so many entries had been added up to there; None: nothing is known."""
        return max((n for p, n in self._known.get(stream, ()) if p <= position), default=None)
