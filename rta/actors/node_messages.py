"""What the node actor receives. Requests have a reply, which is given after their effect is on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from rta.inbox import Reply
from rta.node.administration import StreamPlan
from rta.node.node_stream import Initiator
from rta.stream.clock import ClockChanged, Sampled, SampledTogether

__all__ = [
    "ApplyChange",
    "EndNode",
    "LinkChanged",
    "ListStreams",
    "Listed",
    "NodeMessage",
    "OwesFull",
    "PlanAddition",
    "PlanEdit",
    "PlanRemoval",
    "PresenceHeard",
    "StartStream",
    "StopStream",
]

Listed = dict[str, Any]
"""A stream as it is listed; see `rta.node.listing`."""


@frozen(eq=False)
class ListStreams:
    """All streams, those of a status, or one."""

    code: str | None
    name: str | None
    reply: Reply[list[Listed]]


@frozen(eq=False)
class StartStream:
    """Start or renew a stream. `timeout` in seconds."""

    code: str
    name: str
    by: Initiator
    timeout: float | None
    consumer: str | None
    reply: Reply[Listed]


@frozen(eq=False)
class StopStream:
    """Stop a stream, or have it say again that it is stopped."""

    code: str
    name: str
    by: Initiator
    reply: Reply[Listed]


@frozen(eq=False)
class PlanAddition:
    """Is this new stream right?"""

    fields: Mapping[str, Any]
    reply: Reply[StreamPlan]


@frozen(eq=False)
class PlanEdit:
    """Can a stream have these settings?"""

    code: str
    name: str
    fields: Mapping[str, Any]
    reply: Reply[StreamPlan]


@frozen(eq=False)
class PlanRemoval:
    """Can a stream be removed?"""

    code: str
    name: str
    reply: Reply[StreamPlan]


@frozen(eq=False)
class ApplyChange:
    """A plan has been kept on disk, and takes effect. The reply is the stream as listed; None: it is gone."""

    plan: StreamPlan
    by: Initiator
    reply: Reply[Listed | None]


@frozen(eq=False)
class EndNode:
    """Send what is collected in batches, and nothing more. Whatever is asked from then on is refused."""

    reply: Reply[None]


@frozen
class OwesFull:
    """The picture of a stream is to be sent anew. Equal ones are one, so there is at most one a stream."""

    key: tuple[str, str]
    connection: int
    """For which; the answer has it too."""


@frozen(eq=False)
class LinkChanged:
    """There is a connection to the bus, or there is none."""

    up: bool


@frozen(eq=False)
class PresenceHeard:
    """What a consumer says of itself; None: nothing any more."""

    node: str
    presence: str | None


StreamRequest = ListStreams | StartStream | StopStream | PlanAddition | PlanEdit | PlanRemoval | ApplyChange | EndNode
NodeMessage = Sampled | ClockChanged | SampledTogether | StreamRequest | OwesFull | LinkChanged | PresenceHeard
