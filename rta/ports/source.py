"""Where telemetry arises: an actor that reports sessions and their bursts."""

from __future__ import annotations

from typing import Protocol

import trio
from attrs import frozen

from rta.wire.burst import Burst

__all__ = ["CloseSession", "OpenSession", "Publish", "SessionBurst", "Source", "SourceUpdate", "UpdateSession"]


@frozen(slots=True)
class Publish:
    """A configuration document that sessions will be bound to. Never changes once published."""

    identifier: str
    text: str


@frozen(slots=True)
class OpenSession:
    """A new session; an identity seen before starts again."""

    identity: str
    json: str


@frozen(slots=True)
class UpdateSession:
    """New session JSON for an open session."""

    identity: str
    json: str


@frozen(slots=True)
class CloseSession:
    """The last session JSON of an open session, in a closed state."""

    identity: str
    json: str


@frozen(slots=True)
class SessionBurst:
    """Data of an open session, with its time range now and then."""

    identity: str
    burst: Burst


SourceUpdate = Publish | OpenSession | UpdateSession | CloseSession | SessionBurst


class Source(Protocol):
    """One configured source."""

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        """Report until there is no more. The channel is bounded: sending waits while the buffer is behind.

        Sessions still open at the end, or at cancellation, are closed as truncated by the receiver.

        :raises NotConnectedError: the other side cannot be reached; `run` is called again.
        :raises UnreadableError: what it holds cannot be read; `run` is called again.
        """
        ...
