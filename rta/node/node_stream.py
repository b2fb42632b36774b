"""A stream at a node: its engine, whether and why it runs, and how much it sends."""

from __future__ import annotations

from enum import Enum

from attrs import define, field, frozen

from rta.errors import RtaError
from rta.stream.definition import StreamDefinition
from rta.stream.engine import StreamEngine
from rta.wire.values import Ns

__all__ = ["CONFIGURATION", "Initiator", "NodeStream", "Now", "Refusal", "Refused", "Activation"]


class Refusal(Enum):
    """What kind of reason something is refused for."""

    INVALID = "invalid"
    """What is asked for cannot be."""
    UNKNOWN = "unknown"
    """There is no such status or stream."""
    FORBIDDEN = "forbidden"
    """This node does not do it, whoever asks."""
    CONFLICT = "conflict"
    """Not beside what there is."""
    UNAVAILABLE = "unavailable"
    """It could be done another time."""


class Refused(RtaError):
    """What was asked for is not done. `field` is the dotted path of what is wrong in the request, if it is there."""

    def __init__(self, reason: str, field: str | None = None, kind: Refusal = Refusal.INVALID) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.kind = kind


@frozen
class Now:
    """A moment, by both clocks."""

    wall: Ns
    steady: float
    """Seconds of a clock that is never set."""


@frozen
class Initiator:
    """Who asked for something, as far as that is known."""

    via: str
    """`configuration`, `topic`, `http`, `pruning`."""
    who: str = ""
    """A node id or an address."""
    subject: str = ""
    """Who has signed in there, if somebody has."""

    def __str__(self) -> str:
        where = " at ".join(filter(None, (self.subject, self.who)))
        return f"{self.via} ({where})" if where else self.via


CONFIGURATION = Initiator("configuration")


@define(eq=False)
class Activation:
    """What a running stream was started with; a renewal makes a new one of it."""

    since: Ns
    """Wall time of the change from stopped to running."""
    by: Initiator
    """Who started it, or renewed it last."""
    timeout: Ns | None = None
    """Of the last start; None: the configured one."""
    consumers: dict[str, None] = field(factory=dict)
    """Those that have started it in this run."""
    renewed: float = 0.0
    """When it was started last, steady seconds."""
    away_since: float | None = None
    """Since when all its consumers have been away, steady seconds."""


@define(eq=False)
class NodeStream:
    """A stream and everything the node knows of it."""

    definition: StreamDefinition
    engine: StreamEngine
    run: Activation | None = None
    """None while it is stopped."""
    stopped_by: Initiator | None = None
    """Who stopped it last; None: it has not run since the process began."""

    key: tuple[str, str] = field(init=False)
    """Code and name."""

    @key.default
    def _key(self) -> tuple[str, str]:
        return self.definition.code, self.definition.name

    @property
    def consumers(self) -> list[str]:
        """Node ids of those it is for: the configured ones, and those that have started it."""
        started = self.run.consumers if self.run is not None else {}
        return list(dict.fromkeys([*self.definition.prune.consumers, *started]))

    @property
    def timeout(self) -> Ns | None:
        """After which it is pruned, since the last start."""
        if self.run is not None and self.run.timeout is not None:
            return self.run.timeout
        return self.definition.prune.timeout
