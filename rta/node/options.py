"""The options of statuses and streams: in the configuration file, in commands and over HTTP, with the same keys.

`rta.node.status_settings` and `rta.node.stream_settings` make definitions of them.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import attrs
from attrs import define, frozen
from attrs.validators import and_, deep_iterable, ge, le, optional

from rta.ports import Duration, option
from rta.rsmp.names import ATTRIBUTE, CODE, COMPONENT, NODE, STREAM, Keyed
from rta.stream.definition import Aggregate, Trigger

__all__ = [
    "AttributeSettings",
    "HistorySettings",
    "PruneSettings",
    "ReplaySettings",
    "SelectorSettings",
    "StatusSettings",
    "StreamSettings",
]

Off = Literal["off"]

_LONGEST = 366 * 86400.0  # s; so that all moments have a date


@frozen
class _Span:
    """A validator of durations: whole ms, since moments are written in ms. Words are not checked."""

    bound: float
    """s."""
    zero: bool = False
    """0 is allowed too."""

    @property
    def compare_op(self) -> str:
        """As the validators of attrs have it, for docs and schema."""
        return "" if self.zero else ">="

    def __call__(self, _: object, attribute: attrs.Attribute[Any], value: float | str | None) -> None:
        if value is None or isinstance(value, str) or (self.zero and value == 0):
            return
        if value < self.bound:
            raise ValueError(f"expected at least {self.bound * 1000:g} ms, got {value:g} s")
        if value > _LONGEST:
            raise ValueError(f"expected at most {_LONGEST / 86400:g} days, got {value:g} s")
        if not math.isclose(value * 1000, round(value * 1000), rel_tol=1e-12, abs_tol=1e-9):
            raise ValueError(f"expected whole milliseconds, got {value!r} s")


_MS = _Span(0.001)
_MS_OR_ZERO = _Span(0.001, zero=True)
_UPDATE = _Span(0.01)


@define
class SelectorSettings:
    """Which session the values of a status are taken from."""

    pick: Literal["newest-open"] | None = option(
        "The newest of the open sessions that fit; unset: this, unless `identity` names the one.", None
    )
    identity: str | None = option("The identity of the one session.", None)
    detail: dict[str, str | int | float] = option(
        'Details the session must have: `{ vehicle = "Subaru WRX STI" }`.', factory=dict
    )


@define
class AttributeSettings:
    """An attribute of a status: `from` where it has one value, or `components`."""

    from_: str | None = option(
        "Where its value is from: `parameter:RPM` (its id, with or without `:<application>`, its name, or its "
        "description, which for a CSV file is the cell of the header; where several are called so: its id), "
        "`channel:12`, `topic:plant/x` (the last value on another topic of the bus) or `topic:plant/x#field.sub` (a "
        "field of it).",
        None,
    )
    components: dict[str, str] = option(
        'Where it is from for each component: `{ "sg/1" = "parameter:SG1" }`.',
        factory=dict,
        validator=Keyed(COMPONENT),
    )
    round: int | None = option(
        "Digits behind the point its numbers are rounded to; 0 gives whole numbers. Unset: not rounded.",
        None,
        validator=optional(and_(ge(0), le(15))),
    )
    max_age: Duration | None = option("A value older than this is null; unset: it never is.", None, validator=_MS)
    description: str = option("For people.", "")


@define
class PruneSettings:
    """When a stream stops by itself."""

    timeout: Duration | Off = option("This long after its last start; a start may bring its own.", "off", validator=_MS)
    consumers: list[str] = option(
        "Ids of the nodes it is for, besides those that start it.", factory=list, validator=deep_iterable(NODE)
    )
    grace: Duration = option(
        "All its consumers away for this long: it stops; 0: at once.", Duration(60.0), validator=_MS_OR_ZERO
    )


@define
class HistorySettings:
    """How much is kept of what a stream has sent, for those who fetch it."""

    age: Duration = option("Entries older than this go.", Duration(86400.0), validator=_MS)
    entries: int = option("And the oldest over this many.", 10_000, validator=and_(ge(1), le(100_000_000)))


@define
class ReplaySettings:
    """How what could not be delivered is sent later, beside what is live."""

    rate: float = option(
        "Messages a second, each of several entries, up to 8 KiB.", 10.0, validator=and_(ge(0.01), le(1000))
    )


@define
class StreamSettings:
    """A way to deliver a status; a status may have several."""

    name: str = option(
        'The last level of its topics. Empty, or "default": it has none, and is the only stream of its status.',
        "",
        validator=STREAM,
    )
    description: str = option("For people.", "")
    attributes: dict[str, Trigger] = option(
        "What it delivers, and what a change does: `change` triggers an update, `along` is carried in every update. "
        "Empty: all attributes of the status as `change`, or none if it aggregates.",
        factory=dict,
    )
    aggregate: dict[str, list[Aggregate]] = option(
        'What it makes of the samples of each `update` interval: `{ rpm = ["avg", "max"] }`.', factory=dict
    )
    update: Duration | Off = option(
        "Between full updates, by the clock. Where it aggregates, it is the windows' length and divides a day.",
        Duration(60.0),
        validator=_UPDATE,
    )
    first: Literal["now", "known"] = option(
        "When the first full update after a start is sent: at once, with null for what is unknown, or `known`: as soon "
        "as every attribute that triggers updates has a value; nothing is sent before it.",
        "now",
    )
    first_within: Duration = option(
        "With `known`: after this long it is sent with what there is.", Duration(30.0), validator=_MS
    )
    delta: Literal["on_change"] | Duration | Off = option(
        "When what changed is sent: at once, at an interval, or only with the full updates. None where it aggregates.",
        "on_change",
        validator=_MS,
    )
    min_interval: Duration | Off = option(
        "With `on_change`: changes closer together than this are one update.", "off", validator=_MS_OR_ZERO
    )
    batch: Duration | Off = option("Updates are collected for this long and sent together.", "off", validator=_MS)
    lateness: Duration = option(
        "Where it aggregates: how long a window is kept open for late samples behind its end.",
        Duration(1.0),
        validator=_MS_OR_ZERO,
    )
    empty: Literal["null", "zero"] = option("The sum of a window without samples.", "null")
    default: Literal["on", "off"] = option("Whether it runs from the beginning, or once somebody starts it.", "on")
    qos: Literal[0, 1] = option("1: every message is acknowledged.", 0)
    prune: PruneSettings = option("When it stops by itself.", factory=PruneSettings)
    history: HistorySettings | None = option(
        "Keep what it sends, in the state directory; `{}` for the defaults. Unset: it is not kept.", None
    )
    replay: ReplaySettings | None = option(
        "After an outage, send what could not be delivered; `{}` for the default rate. Needs `history` and `qos = 1`. "
        "Unset: only the newest picture is sent.",
        None,
    )


@define
class StatusSettings:
    """What the node reports under a code: one `[[status]]` for each."""

    code: str = option("What it is called in topics; `tlc/2` is read as `tlc.2`.", validator=CODE)
    description: str = option("For people.", "")
    session: SelectorSettings = option("Which session its values are from.", factory=SelectorSettings)
    attributes: dict[str, AttributeSettings] = option(
        "What it consists of, by name.", factory=dict, validator=Keyed(ATTRIBUTE)
    )
    stream: list[StreamSettings] = option("How it is delivered.", factory=list)
