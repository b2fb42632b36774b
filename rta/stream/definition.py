"""What a stream is told to do: a status, its attributes and its streams, checked and with every default filled in.

Plain values. How they are written in a file or a command is `rta.node.stream_settings`.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from rta.ports.topic_bus import Qos
from rta.rsmp.message import PLAIN, Component
from rta.wire.values import Ns

__all__ = [
    "Aggregate",
    "AttributeDefinition",
    "History",
    "Prune",
    "StatusDefinition",
    "StreamDefinition",
    "Trigger",
]


class Trigger(StrEnum):
    """What an attribute's change does."""

    CHANGE = "change"
    """Triggers a delta update."""
    ALONG = "along"
    """Nothing: it is carried in every update."""


class Aggregate(StrEnum):
    """What is made of the samples of a window; the name that follows the attribute's."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"
    STD = "std"


@frozen
class AttributeDefinition:
    """One attribute of a status, as far as streams are concerned."""

    name: str
    components: tuple[Component, ...] = (PLAIN,)
    """`(PLAIN,)` for an attribute with a value of its own; otherwise its value is a map of these."""
    round: int | None = None
    """Digits behind the point that numbers are rounded to, as by `round`; 0 gives whole numbers (int)."""
    max_age: Ns | None = None
    """An older value is null; stream time."""
    description: str = ""


@frozen
class Prune:
    """When a stream stops by itself. Wall time."""

    timeout: Ns | None = None
    """Since the last start; a start's own replaces it for this run."""
    consumers: tuple[str, ...] = ()
    """Node ids of those it is for, besides those that start it."""
    grace: Ns = Ns(60_000_000_000)
    """All of them away for so long: stop."""


@frozen
class History:
    """How much of what it sent a stream keeps; the older goes first."""

    age: Ns = Ns(86_400_000_000_000)
    """Stream time."""
    entries: int = 10_000


@frozen
class StreamDefinition:
    """One configured way to deliver a status."""

    code: str
    name: str = ""
    """Empty: the only stream of its status."""
    description: str = ""
    attributes: dict[str, Trigger] = field(factory=dict)
    """Plain attributes it delivers, in this order."""
    aggregates: dict[str, tuple[Aggregate, ...]] = field(factory=dict)
    """Attributes of which it delivers aggregates; if there is one, there are no deltas and no update at the start."""
    update: Ns | None = None
    """Between full updates, by the clock; None: none but those at starts and reconnects. Divides a day if it
    aggregates. Stream time."""
    on_change: bool = True
    """A delta as soon as something changes."""
    delta: Ns | None = None
    """Between deltas, by the clock; only without `on_change`. Neither: no deltas. Stream time."""
    min_interval: Ns = Ns(0)
    """With `on_change`: changes closer together than this are one event. Stream time."""
    batch: Ns | None = None
    """How long events are collected, to be sent as one message. Wall time."""
    lateness: Ns = Ns(1_000_000_000)
    """How long a window is kept open behind its end. Stream time."""
    empty_sum: int | None = None
    """The sum of an empty window."""
    default_on: bool = True
    qos: Qos = 0
    prune: Prune = Prune()
    history: History | None = None
    """None: nothing is kept."""
    replay: float | None = None
    """Messages a second in which what could not be delivered is sent later; None: it is not. Needs history and
    QoS 1."""

    @property
    def aggregating(self) -> bool:
        """Whether its updates are of windows."""
        return bool(self.aggregates)


@frozen
class StatusDefinition:
    """What a node reports under a code."""

    code: str
    description: str = ""
    attributes: dict[str, AttributeDefinition] = field(factory=dict)
