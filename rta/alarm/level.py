"""One value against its limits, with hysteresis and durations. No clock is read here.

Durations are counted twice. By samples: a value holds until the next sample, so that from the times of samples it is
known how long it was beyond a limit, however late they come. And by our clock, from when the sample came: where no
other sample comes, so much time has passed too. Whichever is first counts.
"""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from rta.alarm.definition import Threshold
from rta.stream.attribute_state import NEVER
from rta.wire.values import Ns

__all__ = ["Level", "Turn"]


@frozen(slots=True)
class Turn:
    """It has become an alarm, or is one no longer."""

    active: bool
    ts: Ns
    """Stream time."""
    value: float | None
    """At that time."""


class Level:
    """The state of one component. `ts` is stream time, `at` our steady clock, ns both."""

    __slots__ = ("_began", "_heard", "_last", "_newest", "_pace", "_since", "_threshold", "_value", "active")

    def __init__(self, threshold: Threshold) -> None:
        self.active = False
        self._threshold = threshold
        self._pace = Fraction(1)
        self._newest = self._last = NEVER
        self._heard = Ns(0)
        self._value: float | None = None
        self._since: Ns | None = None
        """From when the value has been what would turn it; stream time."""
        self._began = Ns(0)
        """When we heard of that; steady."""

    def begin_anew(self, pace: Fraction) -> None:
        """Another stream time, of `pace` seconds a second. What is active stays so until a value says otherwise."""
        self._pace = pace
        self._newest = self._last = NEVER
        self._value = self._since = None

    def feed(self, ts: Ns, value: float | None, at: Ns) -> list[Turn] | None:
        """What a sample tells of the time before it; None: it is older than the newest, and counts for nothing. What
        it tells of itself is due. An unknown value neither raises nor clears, and what was about to begins anew."""
        if ts < self._newest:
            return None
        turns = self._pass(ts)
        self._newest, self._heard, self._value = ts, at, value
        if value is None or not self._turns(value):
            self._since = None
        elif self._since is None:
            self._since, self._began = ts, at
        return turns

    def advance(self, at: Ns) -> list[Turn]:
        """What our clock tells."""
        if self._since is None:
            return []
        due, expiry = self._due(), self._expiry()
        if due <= at and (expiry is None or due <= expiry):
            return [self._turn(self._since)]
        if expiry is not None and expiry <= at:
            self._since = None
        return []

    def due(self) -> Ns | None:
        """When to call `advance` at the latest."""
        return None if self._since is None else self._due()

    def _turns(self, value: float) -> bool:
        return self._threshold.fine(value) if self.active else self._threshold.beyond(value)

    @property
    def _span(self) -> Ns:
        return self._threshold.clear_lasting if self.active else self._threshold.lasting

    def _due(self) -> Ns:
        return Ns(self._began + self._steady(self._span))

    def _expiry(self) -> Ns | None:
        return None if self._threshold.max_age is None else Ns(self._heard + self._steady(self._threshold.max_age))

    def _steady(self, span: Ns) -> int:
        """Rounded up, so that nothing is due before its time."""
        return -(-span * self._pace.denominator // self._pace.numerator)

    def _pass(self, ts: Ns) -> list[Turn]:
        """What the value came to until then, as samples tell."""
        if self._since is None:
            return []
        end, max_age = self._since + self._span, self._threshold.max_age
        expiry = None if max_age is None else self._newest + max_age
        if end <= ts and (expiry is None or end <= expiry):
            return [self._turn(self._since)]
        if expiry is not None and expiry <= ts:
            self._since = None
        return []

    def _turn(self, since: Ns) -> Turn:
        ts = max(Ns(since + self._span), self._last)  # our clock may have been ahead of late samples
        self.active, self._since, self._last = not self.active, None, ts
        return Turn(self.active, ts, self._value)
