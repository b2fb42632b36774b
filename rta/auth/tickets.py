"""One-shot tickets: a page that has signed in gets one over HTTP, and opens a WebSocket with it. Plain.

A ticket says who has it and for which session and page it is, and is signed with a key of the service. That it is used
once is not told here: see `rta.auth.sign_in`.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from attrs import frozen

from rta.ports.access import Role, Subject

__all__ = ["LIFE", "SKEW", "Ticket", "read_ticket", "write_ticket"]

LIFE = 30_000_000_000  # ns that a ticket counts
SKEW = 5_000_000_000  # ns by which the clocks of machines that share a key may differ
_LONGEST = 8192  # characters; names and identities that are taken fit
_TEXT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_PURPOSE = b"rta websocket ticket 1\n"


@frozen
class Ticket:
    """What one says."""

    id: str
    subject: Subject
    identity: str
    """Of the session."""
    origin: str
    """Of the page."""
    ends: int
    """ns since the Unix epoch."""


def write_ticket(ticket: Ticket, key: bytes) -> str:
    """Its text: letters, digits, `.`, `-` and `_`."""
    s = ticket.subject
    role = None if s.role is None else int(s.role)
    said = [ticket.id, s.name, role, s.ends, s.mark, ticket.identity, ticket.origin, ticket.ends]
    body = _encoded(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return f"{body}.{_encoded(_sign(body, key))}"


def read_ticket(text: str, key: bytes, now: int) -> Ticket | None:
    """What a ticket says; None: it is not one of ours, or has ended. `now`: ns since the Unix epoch."""
    parts = _TEXT.fullmatch(text) if len(text) <= _LONGEST else None
    if parts is None or not hmac.compare_digest(parts[2], _encoded(_sign(parts[1], key))):
        return None
    said: list[Any] = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    identity_of_ticket, name, role, subject_ends, mark, identity, origin, ends = said
    if not now < ends + SKEW or ends > now + LIFE + SKEW:
        return None
    subject = Subject(name, None if role is None else Role(role), subject_ends, mark)
    return Ticket(identity_of_ticket, subject, identity, origin, ends)


def _sign(body: str, key: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + body.encode(), sha256).digest()


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
