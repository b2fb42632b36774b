"""Stream time: what "now" means to the streams of a status. Plain code: it is told the wall time.

And what the sampler tells of a status: its samples, and that its clock is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from rta.stream.sample import Sample
from rta.wire import SessionModel
from rta.wire.values import Ns

__all__ = ["LIVE", "ClockChanged", "Sampled", "StreamClock", "Tempo"]

_LONGEST_DELAY = 60.0  # seconds
_FASTEST = 1e5  # stream time is played through tick by tick
_LAST = (1 << 63) - 1  # ns; stream time stands still there
_LARGEST = 1e9
_NONE = Ns(0)


@frozen
class StreamClock:
    """Takes wall time to stream time and back; ns since the Unix epoch both. Without arguments: they are the same."""

    first: Ns | None = None
    """Of a session that keeps its time: its first sample."""
    wall: Ns = _NONE
    """When it was that time. Before, stream time stands still."""
    speed: Fraction = Fraction(1)
    """Seconds of stream time in one of wall time, above 0."""

    def now(self, wall: Ns) -> Ns:
        """Stream time at a wall time."""
        if self.first is None:
            return wall
        numerator, denominator = self.speed.as_integer_ratio()
        return Ns(min(self.first + max(wall - self.wall, 0) * numerator // denominator, _LAST))

    def wall_at(self, ts: Ns) -> Ns:
        """The first wall time at which it is `ts`."""
        if self.first is None:
            return ts
        numerator, denominator = self.speed.as_integer_ratio()
        return Ns(_LAST if ts > _LAST else self.wall - (self.first - ts) * denominator // numerator)


LIVE = StreamClock()
"""Stream time is wall time."""


@frozen
class Tempo:
    """How a session that keeps its time is played; see docs/protocol.md, "Sessions that keep their time"."""

    speed: Fraction = Fraction(1)
    delay: Ns = _NONE
    """Wall time by which a sample may come after its moment."""

    @staticmethod
    def from_session(model: SessionModel) -> Tempo | None:
        """None for a live session. Numbers that make no sense count as absent."""
        details = {str(name).lower(): value for name, value in (model.details or {}).items()}
        if details.get("time") != "kept":
            return None
        speed, delay = _number(details.get("speed")), _number(details.get("delay"))
        return Tempo(
            Fraction(str(speed)) if speed is not None and 1 / _LARGEST <= speed <= _FASTEST else Fraction(1),
            Ns(round(min(max(delay or 0.0, 0.0), _LONGEST_DELAY) * 1e9)),
        )


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return float(value)
    return None


@frozen(slots=True)
class Sampled:
    """New samples of a status, in any order."""

    code: str
    samples: Sequence[Sample]


@frozen(slots=True)
class ClockChanged:
    """From here on the streams of a status live by another clock. They begin with `LIVE`."""

    code: str
    clock: StreamClock
