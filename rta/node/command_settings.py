"""The options of commands that the configuration adds, and the check of a call's values. Plain code."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs import define
from attrs.validators import deep_iterable

from rta.formatting import nearest, shown
from rta.node.node_stream import Refused
from rta.ports import option, valid_topic
from rta.rsmp.names import ATTRIBUTE, CODE, COMPONENT, Keyed

__all__ = ["CommandSettings", "ParameterSettings", "Scalar", "check_values"]

_TYPES: dict[str, tuple[str, tuple[type[Any], ...]]] = {
    "bool": ("true or false", (bool,)),
    "integer": ("a whole number", (int,)),
    "number": ("a number", (int, float)),
    "text": ("text", (str,)),
}

Scalar = str | int | float | bool


def _topic(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if not valid_topic(value):
        raise ValueError(f"expected a topic to publish to, without wildcards, got {value!r:.80}")


@define
class ParameterSettings:
    """What one value of a call may be."""

    type: Literal["bool", "integer", "number", "text"] = option("Its type.")
    min: float | None = option("The least a number may be.", None)
    max: float | None = option("The most a number may be.", None)
    choices: list[Scalar] | None = option("What it may be, if not anything of its type.", None)
    default: Scalar | None = option("What it is where the call leaves it out; unset: a call must have it.", None)
    description: str = option("For people.", "")


@define
class CommandSettings:
    """A command of the node: what a valid call brings is passed on to a topic, as
    `{"components": […], "values": {…}, "sender": "…"}`."""

    code: str = option("What it is called in topics.", validator=CODE)
    topic: str = option("Where valid calls are passed on to.", validator=_topic)
    description: str = option("For people.", "")
    qos: Literal[0, 1] = option("1: the call is answered when the broker has taken it on.", 1)
    components: list[str] = option("Ids of what it can be for; empty: it takes no component.", factory=list,
                                   validator=deep_iterable(COMPONENT))  # fmt: skip
    parameters: dict[str, ParameterSettings] = option(
        'Its values: `{ level = { type = "integer", min = 0, max = 100 } }`.', factory=dict, validator=Keyed(ATTRIBUTE)
    )


def check_values(values: dict[str, Any], known: dict[str, ParameterSettings]) -> dict[str, Scalar]:
    """Every known value, with defaults.

    :raises Refused: one is wrong, missing, or not known.
    """
    for name in values:
        if name not in known:
            raise Refused(f"there is no such value; {nearest(name, known)}", name)
    out: dict[str, Scalar] = {}
    for name, parameter in known.items():
        value = values.get(name)
        if value is None:
            value = parameter.default
        if value is None:
            raise Refused("is required, and not there", name)
        reason = _fault(value, parameter)
        if reason is not None:
            raise Refused(f"{reason}, got {shown(value)}", name)
        out[name] = value
    return out


def _fault(value: object, parameter: ParameterSettings) -> str | None:
    words, types = _TYPES[parameter.type]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return f"expected {words}"
    if parameter.choices is not None and not any(value == c and type(value) is type(c) for c in parameter.choices):
        return f"expected one of {', '.join(map(shown, parameter.choices))}"
    if isinstance(value, int | float):
        if parameter.min is not None and value < parameter.min:
            return f"expected at least {parameter.min:g}"
        if parameter.max is not None and value > parameter.max:
            return f"expected at most {parameter.max:g}"
    return None
