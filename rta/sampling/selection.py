"""Which session a status looks at. Plain code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from attrs import field, frozen

from rta.ports import Position, SessionRecord
from rta.sampling.sources import Selector
from rta.wire import SessionState

__all__ = ["Candidate", "choose", "open_sessions"]


@frozen(slots=True)
class Candidate:
    """What choosing goes by."""

    identity: str
    began: float
    """By its JSON, seconds since the Unix epoch; before all others where the JSON does not say."""
    position: Position
    """Where it begins in its stream."""
    details: dict[str, str] = field(factory=dict)


def open_sessions(records: Iterable[SessionRecord]) -> list[Candidate]:
    """Those that can be followed; what has no readable JSON is none."""
    out = []
    for record in records:
        found = _described(record.json) if record.json is not None else None
        if found is not None:
            began, details = found
            out.append(Candidate(record.identity, began, record.stream_position, details))
    return out


def choose(selector: Selector, sessions: Iterable[Candidate]) -> str | None:
    """The identity of the newest that fits; of equally old ones, that which came last."""
    fits = [
        session
        for session in sessions
        if selector.identity in (None, session.identity)
        and all(session.details.get(name) == value for name, value in selector.details.items())
    ]
    newest = max(fits, key=lambda s: (s.began, s.position, s.identity), default=None)
    return newest.identity if newest is not None else None


@lru_cache(maxsize=1024)  # the same sessions are looked at every second
def _described(text: str) -> tuple[float, dict[str, str]] | None:
    """When it began, and its details; None for one that is closed or cannot be read."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = {str(key).lower(): value for key, value in document.items()}
    if SessionState.read(fields.get("state")).is_closed:
        return None
    details = fields.get("details")
    of_text = {str(k): _text(v) for k, v in details.items()} if isinstance(details, dict) else {}
    return _moment(fields.get("timestamp")), of_text


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
