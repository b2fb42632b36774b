"""A gap in a stream's numbers, and which of them are still missing. Plain code."""

from __future__ import annotations

from attrs import define, field

from rta.wire.values import Ns

__all__ = ["Gap"]

_PIECES = 256  # ranges of missing numbers in one gap


@define(eq=False)
class Gap:
    """Numbers that are missing between two entries."""

    after_seq: int
    """The number of the entry before; 0 where the gap is at the beginning of a run."""
    before_seq: int
    since: Ns
    """The time of the entry before the gap."""
    until: Ns
    """The time of the entry behind the gap."""
    mixed: bool = False
    """The stream has begun anew within the gap: several entries may have one number."""
    _pieces: list[tuple[int, int]] = field(init=False)
    _last: dict[str, tuple[Ns, int]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._pieces = [(self.after_seq + 1, self.before_seq - 1)]

    @property
    def missing(self) -> int:
        """Numbers still missing."""
        return sum(last - first + 1 for first, last in self._pieces)

    @property
    def backwards(self) -> bool:
        """The clock was set back within the gap: times do not tell what belongs there."""
        return self.since > self.until

    def spans(self, ts: Ns) -> bool:
        """Whether a time may be between its ends."""
        return self.backwards or self.since <= ts <= self.until

    def lacks(self, seq: int) -> bool:
        """Whether a number is missing."""
        return any(first <= seq <= last for first, last in self._pieces)

    def covers(self, seq: int) -> bool:
        """Whether a number is between its ends."""
        return self.after_seq < seq < self.before_seq

    def is_end(self, ts: Ns, seq: int) -> bool:
        """Whether an entry is one of the two around the gap."""
        return (ts, seq) in ((self.since, self.after_seq), (self.until, self.before_seq))

    def heard(self, ts: Ns, seq: int, source: str) -> None:
        """An entry within the gap has come. `source`: the entries of one source come in order."""
        before = self._last.get(source)
        if before is not None and ts > before[0] and seq <= before[1]:
            self.mixed = True
        self._last[source] = ts, seq

    def fill(self, ts: Ns, seq: int, source: str) -> bool:
        """An entry within the gap has come; whether its number was missing."""
        self.heard(ts, seq, source)
        for i, (first, last) in enumerate(self._pieces):
            if first <= seq <= last:
                pieces = [p for p in ((first, seq - 1), (seq + 1, last)) if p[0] <= p[1]]
                if len(self._pieces) + len(pieces) - 1 > _PIECES:
                    return True  # too many ranges: the number stays missing
                self._pieces[i : i + 1] = pieces
                return True
        return False
