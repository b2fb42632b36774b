"""The session JSON model: read leniently, written only for sessions that are ours.

Other writers' session JSON is forwarded byte for byte; for that, the service only reads it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from attrs import define, field

from rta.errors import MalformedError
from rta.wire.json_model import converter, dump, load, required
from rta.wire.json_text import SESSION_LIMITS, JsonLimits, parse_json
from rta.wire.values import TimeRange

__all__ = [
    "ConfigBinding",
    "Glance",
    "SessionModel",
    "SessionState",
    "TimeRangeModel",
    "glance",
    "inspect_session",
    "read_session",
    "read_span",
    "write_session",
]


class SessionState(IntEnum):
    """States by their number; closed means `CLOSED` and above."""

    UNKNOWN = 0
    WAITING = 1
    OPEN = 2
    CLOSED = 4
    TRUNCATED = 12
    FAILED = 28
    ABANDONED = 44

    @property
    def is_closed(self) -> bool:
        return self >= SessionState.CLOSED

    @classmethod
    def read(cls, value: object) -> SessionState:
        """A name in any case or a number; what we do not know counts as not closed."""
        if isinstance(value, str):
            text = value.strip().lower()
            value = _NAMES.get(text, int(text) if text.isdecimal() and len(text) < 10 else 0)
        return _NUMBERS.get(value, cls.UNKNOWN) if isinstance(value, int) else cls.UNKNOWN


_NAMES = {s.name.lower(): s.value for s in SessionState}
_NUMBERS = {s.value: s for s in SessionState}

converter.register_structure_hook(SessionState, lambda v, _: SessionState.read(v))
converter.register_unstructure_hook(SessionState, lambda s: s.name.lower())


@define
class TimeRangeModel:
    """What the session covers: ns since the Unix epoch, inclusive."""

    start_time: int = required()
    end_time: int = required()
    extra: dict[str, Any] = field(factory=dict)


@define
class ConfigBinding:
    """Ids on the wire are the configuration's plus `channel_offset`."""

    identifier: str = required()
    channel_offset: int = required(default=0)
    extra: dict[str, Any] = field(factory=dict)


@define
class SessionModel:
    """A session as clients see it. Source: docs/protocol.md, "Session JSON"."""

    identity: str = required()
    state: SessionState = required(default=SessionState.UNKNOWN)
    timestamp: str = required(default="")
    identifier: str = required(default="")
    start_timestamp: str | None = None
    end_timestamp: str | None = None
    time_range: TimeRangeModel | None = None
    type: str | None = None
    group: str | None = None
    version: int | None = None
    quality: float | None = None
    details: dict[str, Any] | None = None
    ext_details: dict[str, Any] | None = None
    children: list[str] | None = None
    alternates: list[str] | None = None
    config_bindings: list[ConfigBinding] | None = None
    extra: dict[str, Any] = field(factory=dict)

    @property
    def span(self) -> TimeRange | None:
        """The `timeRange`, if it has one."""
        return None if self.time_range is None else TimeRange(self.time_range.start_time, self.time_range.end_time)


@define(frozen=True, slots=True)
class Glance:
    """What the service itself needs of a session JSON."""

    identity: str | None
    state: SessionState
    span: TimeRange | None


_NOTHING = Glance(None, SessionState.UNKNOWN, None)


def glance(text: str) -> Glance:
    """What the service needs of a session JSON, whatever the rest is like. Never fails.

    Parses all of it, which takes up to 40 ns for each character: see `rta.large_json` for what may be large.
    """
    try:
        return inspect_session(text)
    except MalformedError:
        return _NOTHING


def inspect_session(text: str, limits: JsonLimits = SESSION_LIMITS) -> Glance:
    """The same within limits. A text that is no JSON object says nothing.

    :raises MalformedError: kind `oversize`.
    """
    try:
        document = parse_json(text, "session JSON", limits)
    except MalformedError as e:
        if e.kind == "oversize":
            raise
        return _NOTHING
    if not isinstance(document, dict):
        return _NOTHING
    fields = {str(k).lower(): v for k, v in document.items()}
    identity = fields.get("identity")
    span = read_span(fields.get("timerange"))
    return Glance(identity if isinstance(identity, str) else None, SessionState.read(fields.get("state")), span)


def read_span(value: object) -> TimeRange | None:
    """The value of `timeRange`, its keys in any case; None if it is none."""
    if not isinstance(value, dict):
        return None
    ends = {str(k).lower(): v for k, v in value.items()}
    start, end = ends.get("starttime"), ends.get("endtime")
    ok = isinstance(start, int) and isinstance(end, int) and -(1 << 63) <= start <= end < 1 << 63
    return TimeRange(start, end) if ok else None  # type: ignore[arg-type]


def read_session(text: str) -> SessionModel:
    """Read a session JSON.

    :raises MalformedError: kind `json`.
    """
    return load(text, SessionModel, "session JSON", SESSION_LIMITS)


def write_session(model: SessionModel) -> str:
    """Session JSON of our own: camelCase keys, nulls left out."""
    return dump(model)
