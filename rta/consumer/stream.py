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

__all__ = ["RemoteStream", "Taking"]


@define
class Taking:
    """What became of some entries."""

    entries: list[StatusEntry] = field(factory=list)
    """Those that were not there before."""
    opened: list[Gap] = field(factory=list)
    closed: list[Gap] = field(factory=list)
    left_out: int = 0
    """Values there was no room for."""


@define(eq=False)
class RemoteStream:
    """A stream, as it was last heard of. While its node is away this is what it was before."""

    code: str
    name: str
    _allowance: Allowance
    state: State | None = None
    """None: nothing was heard of it."""
    values: dict[str, Any] = field(factory=dict)
    """By attribute, and by component below those that have such."""
    value_at: dict[Path, Ns] = field(factory=dict)
    """By path, the time (`ts`) of the entry that a value is from."""
    last_at: Ns | None = None
    """When we heard the newest entry, wall time."""
    entries: int = 0
    """Received, each counted once."""
    doubles: int = 0
    """Received once more."""
    lost: int = 0
    """Missing for good, as far as the numbers tell."""
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
        """The open ones, those found first first."""
        return self._received.gaps

    def changed(self, state: State | None) -> bool:
        """Its state was heard; whether it is another than before."""
        before, self.state = self.state, state
        if state == "stopped":
            self._received.stopped()
        return state != before

    def live(self, entries: Iterable[StatusEntry], retained: bool, now: Ns) -> Taking:
        """Entries of a status message, heard at `now` (wall time)."""
        taking = Taking()
        for entry in entries:
            taken = self._received.live(entry, retained)
            if taken.opened is not None:
                taking.opened.append(taken.opened)
                if len(self.gaps) > OPEN_GAPS:
                    taking.closed.append(self.give_up(self.gaps[0]))
            if taken.place is Placement.FIRST:
                clear(self.values, self.value_at, self._allowance)
            self._take(entry, taken.place, now, taking)
        self._close_filled(taking)
        return taking

    def late(self, entries: Iterable[StatusEntry], source: str, now: Ns) -> Taking:
        """Entries that were replayed or fetched; `source` says which."""
        taking = Taking()
        for entry in entries:
            self._take(entry, self._received.late(entry, source).place, now, taking)
        self._close_filled(taking)
        return taking

    def give_up(self, gap: Gap) -> Gap:
        """What is missing of it will not come any more."""
        self._received.close(gap)
        self.lost += gap.missing
        return gap

    def forget(self) -> list[Gap]:
        """Give back what it holds, and up what it misses."""
        clear(self.values, self.value_at, self._allowance)
        return [self.give_up(gap) for gap in [*self.gaps]]

    def _take(self, entry: StatusEntry, place: Placement, now: Ns, taking: Taking) -> None:
        if place is Placement.DOUBLE:
            self.doubles += 1
            return
        self.entries += 1
        taking.entries.append(entry)
        newest = place is not Placement.EARLIER
        if newest:
            self.last_at = now
        taking.left_out += merge(self.values, self.value_at, entry.values, entry.ts, self._allowance, newest)

    def _close_filled(self, taking: Taking) -> None:
        for gap in [g for g in self.gaps if not g.missing]:
            taking.closed.append(self.give_up(gap))
