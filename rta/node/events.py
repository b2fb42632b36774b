"""What a node has to say of its streams, on its way from the node over the history to the publisher.

Frozen: nobody on the way writes into what another one reads.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from attrs import frozen

from rta.rsmp.message import StatusMessage
from rta.stream.definition import StreamDefinition

__all__ = [
    "Cleared",
    "NodeEvent",
    "Outgoing",
    "Receipt",
    "RecordedUpdate",
    "Refreshed",
    "Removed",
    "StateChanged",
    "Turn",
    "Update",
]


class Receipt(NamedTuple):
    """Which entries of the history a message consists of: whoever sends it says with this what became of it."""

    key: tuple[str, str]
    """Code and name of the stream."""
    first: int
    """Position of the first entry."""


@frozen(slots=True)
class Update:
    """A status message."""

    values: ClassVar[None] = None
    receipt: ClassVar[None] = None

    stream: StreamDefinition
    message: StatusMessage


@frozen(slots=True)
class RecordedUpdate:
    """A status message that has been through the history."""

    stream: StreamDefinition
    message: StatusMessage
    values: tuple[bytes, ...]
    """Those of its events as CBOR."""
    receipt: Receipt | None
    """None: nobody has to be told what becomes of it."""


@frozen(slots=True)
class Cleared:
    """The retained status is to go."""

    stream: StreamDefinition


@frozen(slots=True)
class StateChanged:
    """The state is to be published; also as an acknowledgement, when it is the same as before."""

    stream: StreamDefinition
    running: bool


@frozen(slots=True)
class Refreshed:
    """From here on the updates of the stream can be sent again: what follows begins with its whole picture, if it
    runs and has one."""

    stream: StreamDefinition
    connection: int
    """The number of the connection for which it was asked."""


@frozen(slots=True)
class Removed:
    """There is no such stream any more; nothing of it is to stay retained."""

    stream: StreamDefinition


NodeEvent = Update | Cleared | StateChanged | Refreshed | Removed
"""What a node makes."""

Outgoing = NodeEvent | RecordedUpdate
"""What a publisher gets."""


@frozen(eq=False, slots=True)
class Turn:
    """What one turn of an actor has produced, in order."""

    events: tuple[Outgoing, ...]
