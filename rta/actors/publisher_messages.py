"""What the publisher receives, besides the turns of the node."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from rta.errors import TransportError
from rta.inbox import Reply
from rta.node.events import Receipt, Turn

__all__ = [
    "AlarmEvent",
    "AlarmFull",
    "AskRates",
    "ClearTopic",
    "CommandResult",
    "OwnPresenceHeard",
    "OwnStateHeard",
    "Flush",
    "KeptSettled",
    "LinkDown",
    "LinkUp",
    "PublisherMessage",
    "ResultSettled",
    "UpdateSettled",
]


@frozen
class LinkUp:
    """There is a connection: everything is announced anew."""

    number: int


@frozen
class LinkDown:
    """The connection of this number is lost."""

    number: int


@frozen(eq=False)
class AlarmEvent:
    """What has changed of an alarm. It is not kept: a full update follows it."""

    code: str
    payload: bytes
    count: int
    """How many changes it tells of."""


@frozen(eq=False)
class AlarmFull:
    """The full update of an alarm: the latest is kept until it could be sent; without a connection it is not needed,
    since all are due at the next one."""

    code: str
    payload: bytes


@frozen(eq=False)
class CommandResult:
    """The answer to a command, and where it goes."""

    topic: str
    payload: bytes
    correlation: bytes | None


@frozen
class ClearTopic:
    """Whatever is retained there goes."""

    topic: str


@frozen
class OwnPresenceHeard:
    """What was published as our own presence, by us or by others; None: it could not be read, or was cleared."""

    said: str | None
    retained: bool


@frozen
class OwnStateHeard:
    """What was published as the state of a stream of ours, by us or by others."""

    key: tuple[str, str]
    """Code and name."""
    running: bool | None
    """None: neither running nor stopped, or it was cleared."""


@frozen(eq=False)
class AskRates:
    """Messages and bytes a second of each stream, by code and name."""

    reply: Reply[Mapping[tuple[str, str], tuple[float, float]]]


@frozen(eq=False)
class Flush:
    """Answered when all that was sent to us before has been given to the bus, or kept, or left out."""

    reply: Reply[None]


@frozen(eq=False)
class UpdateSettled:
    """What became of a status update: None, it was acknowledged."""

    topic: str
    receipt: Receipt | None
    error: TransportError | None


@frozen(eq=False)
class KeptSettled:
    """What became of a retained message of the connection of this number."""

    topic: str
    connection: int
    error: TransportError | None


@frozen(eq=False)
class ResultSettled:
    """What became of a result; `number` counts those that were given to us."""

    number: int
    error: TransportError | None


PublisherMessage = (
    Turn
    | UpdateSettled
    | KeptSettled
    | ResultSettled
    | LinkUp
    | LinkDown
    | AlarmEvent
    | AlarmFull
    | CommandResult
    | ClearTopic
    | OwnPresenceHeard
    | OwnStateHeard
    | AskRates
    | Flush
)
