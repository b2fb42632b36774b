"""How long nothing has come of one source. No clock is read here."""

from __future__ import annotations

from fractions import Fraction

from rta.wire.values import Ns

__all__ = ["Silence"]


class Silence:
    """The state of one component. `at` is our steady clock, ns."""

    __slots__ = ("_after", "_heard", "_pace", "active", "last")

    def __init__(self, after: Ns, at: Ns) -> None:
        """`after`: how long nothing must have come, stream time. It counts from `at`, whether or not anything ever
        comes."""
        self.active = False
        self.last: Ns | None = None
        """The time of the newest sample, stream time."""
        self._after = after
        self._heard = at
        self._pace = Fraction(1)

    def begin_anew(self, pace: Fraction, at: Ns) -> None:
        """Another stream time, of `pace` seconds a second. What is active stays so until something comes."""
        self._pace = pace
        self._heard = at
        self.last = None

    def feed(self, ts: Ns, at: Ns) -> bool:
        """A sample has come; whether that ends the alarm. Its time does not matter, nor whether its value is known."""
        self._heard = at
        self.last = ts if self.last is None else max(self.last, ts)
        over, self.active = self.active, False
        return over

    def advance(self, at: Ns) -> bool:
        """Whether it is an alarm from now on."""
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
