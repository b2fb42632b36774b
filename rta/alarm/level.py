"""One value compared with a threshold, with hysteresis and durations. No clock is read here.

Durations are measured in two ways, and the first to be over counts. By the times of samples: a value holds until the
next sample, so these tell how long it was beyond a limit, however late they come. And by our clock, from when the
sample came: where no other sample comes, the value holds for that time too.
"""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from rta.alarm.definition import Threshold
from rta.stream.attribute_state import NEVER
from rta.wire.values import Ns

__all__ = ["Level", "LevelChange"]


@frozen(slots=True)
class LevelChange:
    """The alarm is raised, or over."""

    active: bool
    ts: Ns
    """Stream time."""
    value: float | None
    """The value at that time."""


class Level:
    """The state of one component. `ts` is stream time, `at` is steady time, both in ns."""

    __slots__ = ("_began", "_heard", "_last", "_newest", "_pace", "_since", "_threshold", "_value", "active")

    def __init__(self, threshold: Threshold) -> None:
        self.active = False
        self._threshold = threshold
        self._pace = Fraction(1)
        self._newest = self._last = NEVER
        self._heard = Ns(0)
        self._value: float | None = None
        self._since: Ns | None = None
        """Since when the value has been one that raises or ends the alarm if it lasts; stream time."""
        self._began = Ns(0)
        """When that sample came; steady time."""

    def begin_anew(self, pace: Fraction) -> None:
        """Another stream time begins, of `pace` seconds a second. An active alarm stays so until a value ends it."""
        self._pace = pace
        self._newest = self._last = NEVER
        self._value = self._since = None

    def feed(self, ts: Ns, value: float | None, at: Ns) -> list[LevelChange] | None:
        """A sample: what follows for the time before it; None: it is older than the newest, and is left out. What
        follows from the sample itself comes from `advance`. An unknown value neither raises nor ends an alarm, and
        durations begin anew behind it."""
        if ts < self._newest:
            return None
        turns = self._pass(ts)
        self._newest, self._heard, self._value = ts, at, value
        if value is None or not self._would_turn(value):
            self._since = None
        elif self._since is None:
            self._since, self._began = ts, at
        return turns

    def advance(self, at: Ns) -> list[LevelChange]:
        """What follows from the time on our clock."""
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

    def _would_turn(self, value: float) -> bool:
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

    def _pass(self, ts: Ns) -> list[LevelChange]:
        """What follows from the value until `ts`, by the times of samples."""
        if self._since is None:
            return []
        end, max_age = self._since + self._span, self._threshold.max_age
        expiry = None if max_age is None else self._newest + max_age
        if end <= ts and (expiry is None or end <= expiry):
            return [self._turn(self._since)]
        if expiry is not None and expiry <= ts:
            self._since = None
        return []

    def _turn(self, since: Ns) -> LevelChange:
        ts = max(Ns(since + self._span), self._last)  # our clock may have been ahead of late samples
        self.active, self._since, self._last = not self.active, None, ts
        return LevelChange(self.active, ts, self._value)
