"""When gaps are to be healed. First the node has time to replay what is missing; then it is fetched, three times at
most. Of one node one gap is fetched at a time, so that no node holds up the others. Plain code; times are steady
seconds.
"""

from __future__ import annotations

from attrs import define

from rta.consumer.gaps import Gap
from rta.consumer.picture import Picture
from rta.consumer.stream import RemoteStream

__all__ = ["HealSchedule"]

_PATIENCE = 3.0  # s for a replay to begin
_REPLAYING = 10.0  # s without a message of a replay until it is no longer waited for
_TRIES = 3
_AGAIN = 10.0  # s after the first fetch that failed; three times as long after the next
_BARE = 600.0  # s for which a stream without a history is not asked again


@define
class _Case:
    earliest: float
    due: float
    tries: int = 0


class HealSchedule:
    """When each open gap of a picture is to be fetched."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._cases: dict[Gap, _Case] = {}
        self._busy: set[str] = set()  # nodes that are being asked
        self._bare: dict[RemoteStream, float] = {}

    def refresh(self, now: float) -> None:
        """Gaps may have been found or closed, and nodes may have come back."""
        for gap in [g for g in self._cases if g not in self._picture.gaps]:
            del self._cases[gap]
        for gap, (node, stream) in self._picture.gaps.items():
            case = self._cases.setdefault(gap, _Case(now + _PATIENCE, now + _PATIENCE))
            if node.presence is not None and not node.online:
                case.earliest = max(case.earliest, now + _PATIENCE)
            case.due = case.earliest
            if stream.replayed_at is not None:
                case.due = max(case.due, stream.replayed_at + _REPLAYING)
        for stream in [s for s, until in self._bare.items() if until <= now]:
            del self._bare[stream]

    def pop_due(self, now: float) -> list[Gap]:
        """The gaps to be fetched now. `done` is to be called after each fetch."""
        found = []
        for gap, case in self._cases.items():
            node = self._node(gap)
            if case.due <= now and node not in self._busy:
                self._busy.add(node)
                found.append(gap)
        return found

    def done(self, node: str) -> None:
        """A fetch from a node has ended."""
        self._busy.remove(node)

    def due(self) -> float | None:
        """When `pop_due` will have more, unless `done` is called before."""
        free = (case.due for gap, case in self._cases.items() if self._node(gap) not in self._busy)
        return min(free, default=None)

    def _node(self, gap: Gap) -> str:
        return self._picture.gaps[gap][0].id

    def keeps_nothing(self, gap: Gap) -> bool:
        """Whether the stream of a gap was found to have no history."""
        return self._picture.gaps[gap][1] in self._bare

    def found_nothing(self, gap: Gap, now: float) -> None:
        """A fetch between two entries, both included, brought nothing: the stream has no history."""
        self._bare[self._picture.gaps[gap][1]] = now + _BARE

    def failed(self, gap: Gap, now: float) -> bool:
        """A fetch had no answer; whether the gap is to be given up."""
        case = self._cases[gap]
        case.tries += 1
        case.earliest = case.due = now + _AGAIN * 3 ** (case.tries - 1)
        return case.tries >= _TRIES
