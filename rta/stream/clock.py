"""Stream time: what "now" means to the streams of a status. Plain code: it is told the wall time.

Also the messages of the sampler about a status: samples, and another clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from rta.stream.sample import Sample
from rta.wire import SessionModel
from rta.wire.values import Ns

__all__ = ["LIVE", "ClockChanged", "Sampled", "SampledTogether", "StreamClock", "Tempo"]

_LONGEST_DELAY = 60.0  # seconds
_FASTEST = 1e5  # speed: each tick of stream time costs time
_LAST = (1 << 63) - 1  # ns; stream time stands still there
_LARGEST = 1e9
_NONE = Ns(0)


@frozen
class StreamClock:
    """Converts wall time to stream time and back, both in ns since the Unix epoch. Without arguments they are equal."""

    first: Ns | None = None
    """The time of the first sample, for a session that keeps its time."""
    wall: Ns = _NONE
    """The wall time at that stream time. Before it, stream time stands still."""
    speed: Fraction = Fraction(1)
    """Seconds of stream time in one second of wall time, above 0."""

    def now(self, wall: Ns) -> Ns:
        """Stream time at a wall time."""
        if self.first is None:
            return wall
        numerator, denominator = self.speed.as_integer_ratio()
        return Ns(min(self.first + max(wall - self.wall, 0) * numerator // denominator, _LAST))

    def wall_at(self, ts: Ns) -> Ns:
        """The first wall time at which stream time is `ts`."""
        if self.first is None:
            return ts
        numerator, denominator = self.speed.as_integer_ratio()
        return Ns(_LAST if ts > _LAST else self.wall - (self.first - ts) * denominator // numerator)


LIVE = StreamClock()
"""Stream time is wall time."""


@frozen
class Tempo:
    """How fast a session that keeps its time is played; see docs/protocol.md, "Sessions that keep their time"."""

    speed: Fraction = Fraction(1)
    delay: Ns = _NONE
    """How late a sample may come, wall time."""

    @staticmethod
    def from_session(model: SessionModel) -> Tempo | None:
        """The tempo that a session's JSON gives; None: the session is live. Invalid numbers count as absent."""
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
    """From now on the streams of a status live by another clock. The first clock is `LIVE`."""

    code: str
    clock: StreamClock


@frozen(slots=True)
class SampledTogether:
    """What the sampler has for several statuses at once, in order: it travels as one message."""

    items: tuple[Sampled | ClockChanged, ...]
