"""For how long no sample of one source has come. No clock is read here."""

from __future__ import annotations

from fractions import Fraction

from rta.wire.values import Ns

__all__ = ["Silence"]


class Silence:
    """The state of one component. `at` is steady time, ns."""

    __slots__ = ("_after", "_heard", "_pace", "active", "last")

    def __init__(self, after: Ns, at: Ns) -> None:
        """`after`: the alarm is raised when no sample has come for this long, stream time. It counts from `at`, even if
        no sample ever comes."""
        self.active = False
        self.last: Ns | None = None
        """The time of the newest sample, stream time."""
        self._after = after
        self._heard = at
        self._pace = Fraction(1)

    def begin_anew(self, pace: Fraction, at: Ns) -> None:
        """Another stream time begins, of `pace` seconds a second. An active alarm stays so until a sample comes."""
        self._pace = pace
        self._heard = at
        self.last = None

    def feed(self, ts: Ns, at: Ns) -> bool:
        """A sample has come, of any time, known or unknown; whether that ends the alarm."""
        self._heard = at
        self.last = ts if self.last is None else max(self.last, ts)
        over, self.active = self.active, False
        return over

    def advance(self, at: Ns) -> bool:
        """Whether the alarm is raised now."""
        due = self.due()
        if due is None or due > at:
            return False
        self.active = True
        return True

    def due(self) -> Ns | None:
        """When to call `advance` at the latest."""
        if self.active:
            return None
        return Ns(self._heard - (-self._after * self._pace.denominator // self._pace.numerator))
