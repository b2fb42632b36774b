"""Where a status's attributes get their values from: plain values, as the configuration says it."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from rta.formatting import shown
from rta.ports import valid_topic
from rta.rsmp.message import Component

__all__ = [
    "ChannelSource",
    "ParameterSource",
    "SampleSource",
    "Selector",
    "StatusSources",
    "TopicSource",
    "read_source",
]

_LIKE = "parameter:<id or name>, parameter:<id or name>:<app>, channel:<number> or topic:<topic>"


@frozen
class ParameterSource:
    """A parameter of a session."""

    name: str
    """Its id or its name."""
    app: str | None = None
    """The application group it is to be of; None: any."""


@frozen
class ChannelSource:
    """A data channel of a session."""

    channel: int


@frozen
class TopicSource:
    """The last value on another topic of the bus."""

    topic: str
    path: tuple[str, ...] = ()
    """The field of the map that is the payload, from the outside in; empty: the payload is the value."""


SampleSource = ParameterSource | ChannelSource | TopicSource


@frozen
class Selector:
    """Which session a status looks at; all that is set holds."""

    pick: Literal["newest-open"] | None = "newest-open"
    """None where `identity` says which one."""
    identity: str | None = None
    details: dict[str, str] = field(factory=dict)
    """Details that the session must have, with these values."""


@frozen
class StatusSources:
    """What feeds the attributes of a status."""

    code: str
    selector: Selector = Selector()
    sources: dict[tuple[str, Component], SampleSource] = field(factory=dict)
    """By attribute and component (PLAIN where it has none)."""
    anew: bool = False
    """Every session is told as another clock, be it the same."""
    heard_only: bool = False
    """That something comes is what matters: a topic without a path need not have a single value."""


def read_source(text: str) -> SampleSource:
    """As in `parameter:RPM`, `parameter:RPM:app`, `channel:12`, `topic:plant/x`, `topic:plant/x#field.sub`.

    :raises ValueError: it is none of these.
    """
    kind, _, what = text.partition(":")
    if kind == "parameter" and what:
        name, colon, app = what.rpartition(":")
        if not colon:
            return ParameterSource(what)
        if name and app:
            return ParameterSource(name, app)
    elif kind == "channel" and what.isascii() and what.isdecimal() and len(what) <= 10 and int(what) < 1 << 32:
        return ChannelSource(int(what))
    elif kind == "topic":
        topic, hash_, field_path = what.partition("#")
        path = tuple(field_path.split(".")) if hash_ else ()
        if valid_topic(topic) and all(path):
            return TopicSource(topic, path)
    raise ValueError(f"expected {_LIKE}, got {shown(text)}")
