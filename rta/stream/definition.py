"""The definitions of a status, its attributes and its streams, checked and with every default filled in.

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
    """What the change of an attribute does."""

    CHANGE = "change"
    """Triggers a delta update."""
    ALONG = "along"
    """Nothing; the attribute is carried in every update."""


class Aggregate(StrEnum):
    """What is computed from the samples of a window. The value follows the name of the attribute."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"
    STD = "std"


@frozen
class AttributeDefinition:
    """One attribute of a status."""

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
    """After the last start; a start may bring its own for this activation."""
    consumers: tuple[str, ...] = ()
    """Ids of the nodes it is for, besides those that start it."""
    grace: Ns = Ns(60_000_000_000)
    """It stops when all of them have been away for this long."""


@frozen
class History:
    """How much a stream keeps of what it has sent. The oldest entries go first."""

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
    """Attributes of which it delivers aggregates. If there are any, there are no deltas and no update at the start."""
    update: Ns | None = None
    """The time between full updates, aligned to the clock; None: only at starts and reconnects. Divides a day if it
    aggregates. Stream time."""
    first_known: bool = False
    """The first full update of a run waits until all send-on-change attributes have a value, and nothing is sent before
    it. Otherwise it is sent at the start."""
    first_within: Ns = Ns(30_000_000_000)
    """After this time it waits no longer. Stream time."""
    on_change: bool = True
    """A delta as soon as something changes."""
    delta: Ns | None = None
    """The time between deltas, aligned to the clock; only without `on_change`. Neither: no deltas. Stream time."""
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
    """Messages a second in which entries that could not be delivered are sent later; None: they are not sent. Needs
    history and QoS 1."""

    @property
    def aggregating(self) -> bool:
        """Whether its updates are of windows."""
        return bool(self.aggregates)

    @property
    def key(self) -> tuple[str, str]:
        """Code and name."""
        return self.code, self.name


@frozen
class StatusDefinition:
    """What a node reports under a code."""

    code: str
    description: str = ""
    attributes: dict[str, AttributeDefinition] = field(factory=dict)
