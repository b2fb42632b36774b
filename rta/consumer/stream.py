"""What is known of a stream of another node: its state, its newest values, what is missing. Plain code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from rta.consumer.events import State, StatusEntry
from rta.consumer.gaps import Gap
from rta.consumer.received import OPEN_GAPS, Placement, Received
from rta.consumer.values import Allowance, Path, clear, merge
from rta.wire.values import Ns

__all__ = ["RemoteStream", "MergeResult"]


@define
class MergeResult:
    """What has become of some entries."""

    entries: list[StatusEntry] = field(factory=list)
    """Those that had not been received before."""
    opened: list[Gap] = field(factory=list)
    closed: list[Gap] = field(factory=list)
    left_out: int = 0
    """Values for which there was no room."""


@define(eq=False)
class RemoteStream:
    """A stream, as it was last heard of. While its node is away it stays as it was."""

    code: str
    name: str
    _allowance: Allowance
    state: State | None = None
    """None: unknown."""
    values: dict[str, Any] = field(factory=dict)
    """By attribute, and by component below those that have such."""
    value_at: dict[Path, Ns] = field(factory=dict)
    """By path, the time (`ts`) of the entry that a value is from."""
    last_at: Ns | None = None
    """When the newest entry was received, wall time."""
    entries: int = 0
    """How many entries were received, each counted once."""
    doubles: int = 0
    """How many were received again."""
    lost: int = 0
    """How many are missing for good, as far as the numbers tell."""
    healed: int = 0
    """How many gaps were filled."""
    given_up: int = 0
    """How many gaps were closed with entries missing in them."""
    replayed_at: float | None = None
    """While it is being replayed: steady seconds of the last message."""
    _received: Received = field(factory=Received)

    @property
    def seq(self) -> int | None:
        """The number of the newest entry."""
        return self._received.seq

    @property
    def last_ts(self) -> Ns | None:
        """Its stream time."""
        return self._received.last_ts

    @property
    def gaps(self) -> list[Gap]:
        """The open gaps, those found first first."""
        return self._received.gaps

    def changed(self, state: State | None) -> bool:
        """Set its state; whether it is another than before."""
        before, self.state = self.state, state
        if state == "stopped":
            self._received.stopped()
        return state != before

    def live(self, entries: Iterable[StatusEntry], retained: bool, now: Ns) -> MergeResult:
        """Entries of a status message, received at `now` (wall time)."""
        result = MergeResult()
        for entry in entries:
            received = self._received.live(entry, retained)
            if received.opened is not None:
                result.opened.append(received.opened)
                if len(self.gaps) > OPEN_GAPS:
                    result.closed.append(self.give_up(self.gaps[0]))
            if received.place is Placement.FIRST:
                clear(self.values, self.value_at, self._allowance)
            self._merge(entry, received.place, now, result)
        self._close_filled(result)
        return result

    def late(self, entries: Iterable[StatusEntry], source: str, now: Ns) -> MergeResult:
        """Entries that were replayed or fetched; `source` says which."""
        result = MergeResult()
        for entry in entries:
            self._merge(entry, self._received.late(entry, source).place, now, result)
        self._close_filled(result)
        return result

    def give_up(self, gap: Gap) -> Gap:
        """Close a gap: what is missing in it will not come any more."""
        self._received.close(gap)
        self.lost += gap.missing
        if gap.missing:
            self.given_up += 1
        else:
            self.healed += 1
        return gap

    def forget(self) -> list[Gap]:
        """Release the room of its values, and close its gaps."""
        clear(self.values, self.value_at, self._allowance)
        return [self.give_up(gap) for gap in [*self.gaps]]

    def _merge(self, entry: StatusEntry, place: Placement, now: Ns, result: MergeResult) -> None:
        if place is Placement.DOUBLE:
            self.doubles += 1
            return
        self.entries += 1
        result.entries.append(entry)
        newest = place is not Placement.EARLIER
        if newest:
            self.last_at = now
        result.left_out += merge(self.values, self.value_at, entry.values, entry.ts, self._allowance, newest)

    def _close_filled(self, result: MergeResult) -> None:
        for gap in [g for g in self.gaps if not g.missing]:
            result.closed.append(self.give_up(gap))
