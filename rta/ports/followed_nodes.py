"""What a source of remote nodes knows of them, for people who look at the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attrs import frozen

__all__ = ["FollowedNode", "FollowedStream", "NodeFollower", "OpenGap"]


@frozen
class OpenGap:
    """Numbers of a stream that are missing between two entries, and may still come."""

    after_seq: int
    """The number of the entry before; 0 at the beginning of a run."""
    before_seq: int
    """The number of the entry behind."""
    since: int
    """The time of the entry before, ns since the Unix epoch."""
    until: int
    """The time of the entry behind."""
    missing: int
    """How many are missing."""


@frozen
class FollowedStream:
    """One stream of a node, as it was last heard of."""

    code: str
    name: str
    """Empty: the unnamed one."""
    state: str | None
    """`running` or `stopped`; None: the node has not said."""
    ts: int | None
    """Stream time of the newest entry, ns since the Unix epoch."""
    seq: int | None
    """Its number."""
    received: int | None
    """When it came, wall time, ns since the Unix epoch."""
    entries: int
    """How many have come, each counted once."""
    gaps: tuple[OpenGap, ...]
    """Those that are open, the oldest first."""
    healed: int
    """Gaps that were filled."""
    given_up: int
    """Gaps that were not."""
    lost: int
    """Entries that are missing for good in these."""
    replaying: bool
    """The node is sending what was missed."""


@frozen
class FollowedNode:
    """One node."""

    id: str
    presence: str
    """`online`, `offline`, `shutdown`; `unknown`: it has said nothing, or we are not connected."""
    since: int | None
    """When that was heard, wall time, ns since the Unix epoch."""
    retained: bool
    """It had been said before we listened, so it may be so for longer."""
    session: str | None
    """The identity of its session, if one is open."""
    heals: bool
    """Whether what is missing is fetched."""
    streams: tuple[FollowedStream, ...]
    """By code and name."""


@runtime_checkable
class NodeFollower(Protocol):
    """A source that follows remote nodes. Others need not have this."""

    def followed(self) -> Sequence[FollowedNode]:
        """The nodes, by id. A bounded number, of bounded size."""
        ...
