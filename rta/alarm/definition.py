"""What an alarm watches, checked and with every default filled in. Plain values."""

from __future__ import annotations

from attrs import field, frozen

from rta.rsmp.message import PLAIN, Component
from rta.sampling.sources import StatusSources
from rta.wire.values import Ns

__all__ = ["VALUE", "AlarmDefinition", "Rule", "Silent", "Skew", "Threshold", "binding_code", "code_of"]

VALUE = "value"
"""The one attribute of an alarm's sources."""

_PREFIX = "alarm:"  # no code of a status begins so
_NONE = Ns(0)


@frozen(slots=True)
class Threshold:
    """A value is above or below what it may be, and for long enough."""

    above: float | None = None
    below: float | None = None
    hysteresis: float = 0.0
    """How far back within the limits it must be to be fine again."""
    lasting: Ns = _NONE
    """How long it must be beyond a limit for the alarm to be raised; stream time."""
    clear_lasting: Ns = _NONE
    """How long it must be fine for the alarm to be over; stream time."""
    max_age: Ns | None = None
    """An older value counts as unknown; stream time."""

    def beyond(self, value: float) -> bool:
        """Whether the value raises the alarm, if it lasts."""
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)

    def fine(self, value: float) -> bool:
        """Whether the value ends the alarm, if it lasts. A value that is neither beyond nor fine changes nothing."""
        return (self.above is None or value <= self.above - self.hysteresis) and (
            self.below is None or value >= self.below + self.hysteresis
        )


@frozen
class Silent:
    """No sample has come."""

    after: Ns
    """For this long; stream time."""


@frozen
class Skew:
    """The time of the newest samples differs from the wall clock."""

    limit: Ns
    """Raised when they differ by more than this."""
    hysteresis: Ns = _NONE
    """How much less than the limit they must differ for the alarm to be over."""
    lasting: Ns = _NONE
    """How long they must differ for the alarm to be raised; wall time."""
    clear_lasting: Ns = _NONE


Rule = Threshold | Silent | Skew


@frozen
class AlarmDefinition:
    """The alarms of one code, one for each component."""

    code: str
    rule: Rule
    binding: StatusSources
    description: str = ""
    sources: dict[Component, str] = field(factory=dict)
    """Where the value of each component is from, as the configuration says it; PLAIN where it has none."""

    @property
    def components(self) -> tuple[Component, ...]:
        """`(PLAIN,)` where it has none."""
        return tuple(self.sources) or (PLAIN,)


def binding_code(code: str) -> str:
    """The code under which the sampler sends the samples of an alarm."""
    return _PREFIX + code


def code_of(binding: str) -> str | None:
    """The code of the alarm that samples are for; None: they are for a status."""
    return binding.removeprefix(_PREFIX) if binding.startswith(_PREFIX) else None
