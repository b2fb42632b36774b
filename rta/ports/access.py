"""Who asks, and what they may do: what sign-in, the edge, REST and the audit file share.

Source: docs/security.md, "Routes and roles".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from typing import Protocol

from attrs import field, frozen

from rta.errors import RtaError

__all__ = ["ANYBODY", "ClientCertificate", "Gate", "NotAdmitted", "Revocations", "Role", "StreamRequest", "Subject"]


class Role(IntEnum):
    """What somebody may do. Each role includes those before it."""

    READ = 1
    """Sessions, data, live streams, streams and alarms as they are."""
    OPERATE = 2
    """Start and stop streams, give commands."""
    ADMINISTER = 3
    """Add, edit and remove streams; delete recorded sessions."""


@frozen
class Subject:
    """Somebody whose credentials are known to be right, or nobody in particular."""

    name: str
    """For the audit file and the log: what the issuer calls them, `token NAME`, or the subject of a certificate. Empty:
    nobody has signed in."""
    role: Role | None
    """The greatest one; None: they may do nothing."""
    ends: int | None = None
    """ns since the Unix epoch, from when on the credentials are not right any more; None: they do not end."""
    mark: str = field(default="", repr=False)
    """What revoking goes by: of a static token its hash. Empty: nothing can be revoked."""

    def may(self, role: Role) -> bool:
        """Whether they have a role."""
        return self.role is not None and self.role >= role


ANYBODY = Subject("", Role.ADMINISTER)
"""Where there is no sign-in. What changes something is held to this machine then: see `rta.rest.guard`."""


class NotAdmitted(RtaError):
    """A request is refused for who asks. Says what is missing, and quotes nothing of the credentials."""

    def __init__(self, status: int, why: str, reason: str, challenge: str | None = None) -> None:
        """`status`: 401: sign in, or again; 403: they may not; 503: it cannot be told now. `reason`: for the metric.
        `challenge`: for `WWW-Authenticate`."""
        super().__init__(why)
        self.status = status
        self.reason = reason
        self.challenge = challenge


@frozen
class ClientCertificate:
    """A client's, which the handshake of TLS has verified."""

    subject: str
    """As RFC 4514 writes it."""
    ends: int | None = None
    """ns since the Unix epoch; None: not in any time that we count."""


@frozen
class StreamRequest:
    """Somebody wants to open a WebSocket for a session."""

    identity: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; of a header that came several times the values, with commas between."""
    peer: str
    """The client's address."""
    secure: bool
    """It came over TLS, here or at a trusted proxy."""
    certificate: ClientCertificate | None = None
    """None: the client has shown none."""


Gate = Callable[[StreamRequest], Awaitable[Subject]]
"""Who asks for a stream, if they may have it.

Raises `NotAdmitted`.
"""


class Revocations(Protocol):
    """Knows whose credentials have been taken back."""

    def is_revoked(self, subject: Subject) -> bool:
        """Whether those of somebody who was let in have been taken back or changed."""
        ...

    async def changed(self) -> None:
        """Wait until `is_revoked` may say something else. Between two calls without a checkpoint nothing is missed."""
        ...
