"""When gaps are to be healed: first the node may replay what is missing; then it is fetched, a few times at most. Plain
code; times are steady seconds.
"""

from __future__ import annotations

from attrs import define

from rta.consumer.gaps import Gap
from rta.consumer.picture import Picture
from rta.consumer.stream import RemoteStream

__all__ = ["Agenda"]

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
    working: bool = False


class Agenda:
    """The open gaps of a picture."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._cases: dict[Gap, _Case] = {}
        self._bare: dict[RemoteStream, float] = {}

    def look(self, now: float) -> None:
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

    def take(self, now: float) -> list[Gap]:
        """Those to be fetched now."""
        found = [g for g, case in self._cases.items() if not case.working and case.due <= now]
        for gap in found:
            self._cases[gap].working = True
        return found

    def due(self) -> float | None:
        """When there will be more to do."""
        return min((case.due for case in self._cases.values() if not case.working), default=None)

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
        case.working = False
        case.earliest = case.due = now + _AGAIN * 3 ** (case.tries - 1)
        return case.tries >= _TRIES
