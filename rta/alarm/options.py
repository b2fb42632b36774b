"""The options of an alarm in the configuration file. `rta.alarm.defining` makes definitions of them."""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import define
from attrs.validators import and_, ge, le, optional

from rta.node.options import SelectorSettings
from rta.ports import Duration, option
from rta.rsmp.names import CODE, COMPONENT, Keyed

__all__ = ["AlarmSettings"]

_LONGEST = 366 * 86400.0  # s; so that all moments have a date


def _finite(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")


_SPAN = and_(ge(0.001), le(_LONGEST))
_SPAN_OR_ZERO = and_(ge(0.0), le(_LONGEST))


@define
class AlarmSettings:
    """What calls for attention: one `[[alarm]]` for each. It has a threshold (`above`, `below`), or `silent`, or
    `skew`."""

    code: str = option("What it is called in topics; `tlc/2` is read as `tlc.2`.", validator=CODE)
    description: str = option("For people.", "")
    session: SelectorSettings = option("Which session its values are from.", factory=SelectorSettings)
    from_: str | None = option(
        "What it looks at, as an attribute of a status: `parameter:OIL`, `channel:12`, `topic:plant/x#field`.", None
    )
    components: dict[str, str] = option(
        'What it looks at for each component, which is an alarm of its own: `{ "sg/1" = "parameter:SG1" }`.',
        factory=dict,
        validator=Keyed(COMPONENT),
    )
    above: float | None = option("Raised when the value is above this.", None, validator=optional(_finite))
    below: float | None = option("Raised when the value is below this.", None, validator=optional(_finite))
    hysteresis: float = option(
        "How far back from the limit it must be to be over, in the unit of the value; of a skew in seconds.",
        0.0,
        validator=and_(ge(0.0), _finite),
    )
    for_: Duration | None = option(
        "How long it must be beyond the limit to be raised. Unset: it is raised at once; a skew after 10 s.",
        None,
        validator=optional(_SPAN_OR_ZERO),
    )
    clear_for: Duration = option("How long it must be fine to be over.", Duration(0.0), validator=_SPAN_OR_ZERO)
    max_age: Duration | None = option(
        "With a threshold: a value older than this is not known, and neither raises nor clears. Unset: it never is.",
        None,
        validator=optional(_SPAN),
    )
    silent: Duration | None = option(
        "Raised when no sample has come for so long, whether or not there is a session.",
        None,
        validator=optional(_SPAN),
    )
    skew: Duration | None = option(
        "Raised when the time of the samples differs from our clock by more than this; live sessions only.",
        None,
        validator=optional(_SPAN),
    )
