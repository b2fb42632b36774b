"""When gaps are to be healed: first the node may replay what is missing; then it is fetched, a few times at most. Of a
node that is one gap at a time, so that none holds up the others. Plain code; times are steady seconds.
"""

from __future__ import annotations

from attrs import define

from rta.consumer.gaps import Gap
from rta.consumer.picture import Picture
from rta.consumer.stream import RemoteStream

__all__ = ["HealSchedule"]

_PATIENCE = 3.0  # s for a replay to begin
_REPLAYING = 10.0  # s without a message, and a replay is no longer waited for
_TRIES = 3
_AGAIN = 10.0  # s after the first fetch that failed; three times as long after the next
_BARE = 600.0  # s in which a stream of which nothing is kept is not asked again


@define
class _Case:
    earliest: float
    due: float
    tries: int = 0


class HealSchedule:
    """The open gaps of a picture."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._cases: dict[Gap, _Case] = {}
        self._busy: set[str] = set()  # nodes that are being asked
        self._bare: dict[RemoteStream, float] = {}

    def refresh(self, now: float) -> None:
        """Gaps may have been found or closed, nodes may have come back."""
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
        """Those to be fetched now. Of each, `done` is to be told."""
        found = []
        for gap, case in self._cases.items():
            node = self._node(gap)
            if case.due <= now and node not in self._busy:
                self._busy.add(node)
                found.append(gap)
        return found

    def done(self, node: str) -> None:
        """A node is not being asked any more."""
        self._busy.remove(node)

    def due(self) -> float | None:
        """When there will be more to do, unless `done` is told before."""
        free = (case.due for gap, case in self._cases.items() if self._node(gap) not in self._busy)
        return min(free, default=None)

    def _node(self, gap: Gap) -> str:
        return self._picture.gaps[gap][0].id

    def keeps_nothing(self, gap: Gap) -> bool:
        """Whether the stream was found to have no history."""
        return self._picture.gaps[gap][1] in self._bare

    def found_nothing(self, gap: Gap, now: float) -> None:
        """A fetch between two entries, both ends included, brought nothing at all."""
        self._bare[self._picture.gaps[gap][1]] = now + _BARE

    def failed(self, gap: Gap, now: float) -> bool:
        """No answer; whether it is to be given up."""
        case = self._cases[gap]
        case.tries += 1
        case.earliest = case.due = now + _AGAIN * 3 ** (case.tries - 1)
        return case.tries >= _TRIES
