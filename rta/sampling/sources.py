"""The sources of the values of a status, as the configuration names them. Plain values."""

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

_LIKE = "parameter:<id or name>, channel:<number> or topic:<topic>"


@frozen
class ParameterSource:
    """A parameter of a session."""

    name: str
    """What people call it, as `rta.wire.parameter_index` reads it."""


@frozen
class ChannelSource:
    """A data channel of a session."""

    channel: int


@frozen
class TopicSource:
    """The last value on another topic."""

    topic: str
    path: tuple[str, ...] = ()
    """The keys that lead to the value in a payload that is a map, from the outside in; empty: the payload is the
    value."""


SampleSource = ParameterSource | ChannelSource | TopicSource


@frozen
class Selector:
    """Which session a status follows. All conditions that are set must hold."""

    pick: Literal["newest-open"] | None = "newest-open"
    """None: `identity` is set."""
    identity: str | None = None
    details: dict[str, str] = field(factory=dict)
    """Details that the session must have, with these values."""


@frozen
class StatusSources:
    """The sources of all attributes of a status."""

    code: str
    selector: Selector = Selector()
    sources: dict[tuple[str, Component], SampleSource] = field(factory=dict)
    """By attribute and component; the component is PLAIN where the attribute has none."""
    anew: bool = False
    """The sampler sends `ClockChanged` for every other session, even if its clock is the same."""
    heard_only: bool = False
    """Only that something comes matters: a topic without a path need not have a single value."""


def read_source(text: str) -> SampleSource:
    """A source as text: `parameter:RPM`, `parameter:RPM:app`, `channel:12`, `topic:plant/x`, `topic:plant/x#field.sub`.

    :raises ValueError: the text is none of these.
    """
    kind, _, what = text.partition(":")
    if kind == "parameter" and what:
        return ParameterSource(what)
    if kind == "channel" and what.isascii() and what.isdecimal() and len(what) <= 10 and int(what) < 1 << 32:
        return ChannelSource(int(what))
    if kind == "topic":
        topic, hash_, field_path = what.partition("#")
        path = tuple(field_path.split(".")) if hash_ else ()
        if valid_topic(topic) and all(path):
            return TopicSource(topic, path)
    raise ValueError(f"expected {_LIKE}, got {shown(text)}")
