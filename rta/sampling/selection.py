"""Which session a status follows. Plain code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from rta.errors import MalformedError
from rta.ports import Position, SessionRecord
from rta.sampling.sources import Selector
from rta.wire import SessionState
from rta.wire.json_text import SESSION_LIMITS, parse_json

__all__ = [
    "Candidate",
    "OpenSession",
    "choose",
    "followed_next",
    "has_details",
    "open_sessions",
    "read_details",
    "read_open_session",
]

_LINGER = 5.0  # s that a closed session is followed when there is no other


OpenSession = tuple[float, dict[str, str]]
"""When a session began, seconds since the Unix epoch, and its details."""


@frozen(slots=True)
class Candidate:
    """An open session, as far as choosing needs to know it."""

    identity: str
    began: float
    """When it began by its JSON, seconds since the Unix epoch; -inf where the JSON does not say."""
    position: Position
    """Where it begins in its stream of the buffer."""
    details: dict[str, str] = field(factory=dict)


def open_sessions(
    records: Iterable[SessionRecord],
    read: Callable[[SessionRecord], OpenSession | None] = lambda record: read_open_session(record.json or ""),
) -> list[Candidate]:
    """The sessions that can be followed. One without readable JSON cannot. `read`: what a session's JSON says."""
    out = []
    for record in records:
        found = read(record)
        if found is not None:
            began, details = found
            out.append(Candidate(record.identity, began, record.stream_position, details))
    return out


def choose(selector: Selector, sessions: Iterable[Candidate]) -> str | None:
    """The identity of the newest session that fits; of equally old ones, of the one that came last."""
    fits = [
        session
        for session in sessions
        if selector.identity in (None, session.identity) and has_details(session.details, selector.details)
    ]
    newest = max(fits, key=lambda s: (s.began, s.position, s.identity), default=None)
    return newest.identity if newest is not None else None


def has_details(details: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a session with these details has all the wanted ones, with their values."""
    return all(details.get(name) == value for name, value in wanted.items())


def followed_next(current: str | None, newest: str | None, closed_for: float | None, done: bool) -> str | None:
    """The session that a status follows from now on. A session that has ended is followed until all of it has come.

    `current`: the one it follows; None: none. `newest`: the one that `choose` found. `closed_for`: seconds since the
    current one was closed; None: it is open. `done`: all of the current one has been delivered.
    """
    if current is None:
        return newest
    if closed_for is None:
        return newest or current
    if not done or (newest is None and closed_for < _LINGER):
        return current
    return newest


def read_open_session(text: str) -> OpenSession | None:
    """None: it is closed, or its JSON cannot be read."""
    try:
        document = parse_json(text, "session JSON", SESSION_LIMITS)
    except MalformedError:
        return None
    if not isinstance(document, dict):
        return None
    fields = {str(key).lower(): value for key, value in document.items()}
    if SessionState.read(fields.get("state")).is_closed:
        return None
    return _moment(fields.get("timestamp")), read_details(fields.get("details"))


def read_details(value: object) -> dict[str, str]:
    """The `details` of a session JSON, numbers and so on as the JSON writes them."""
    return {str(k): _text(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(value: object) -> float:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None:
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    return float("-inf")
