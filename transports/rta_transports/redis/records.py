"""A session's hash in Redis, read leniently: other writers write most of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rta.errors import MalformedError
from rta.ports import START, Position, SessionRecord
from rta.wire.values import TimeRange
from rta_transports.redis.keys import text

__all__ = ["as_mapping", "read_record"]

_INT64 = 1 << 63


def as_mapping(reply: Sequence[bytes]) -> dict[bytes, bytes]:
    """The reply to `HGETALL`."""
    return dict(zip(reply[::2], reply[1::2], strict=True))


def read_record(identity: str, fields: Mapping[bytes, bytes]) -> SessionRecord:
    """What a hash says.

    :raises MalformedError: kind `session`: without these fields nothing can be streamed.
    """
    stream_session_id = _integer(fields.get(b"streamSessionId"))
    stream = fields.get(b"streamName")
    if stream_session_id is None or not stream:
        lacking = "streamSessionId" if stream_session_id is None else "streamName"
        raise MalformedError("session", f"session {identity!r} has no usable {lacking}")
    json = fields.get(b"json")
    return SessionRecord(
        identity,
        text(stream),
        stream_session_id,
        _position(fields.get(b"streamPosition")),
        _integer(fields.get(b"lastUpdated")) or 0,
        None if json is None else json.decode("utf-8", "replace"),
        _range(_integer(fields.get(b"tStart")), _integer(fields.get(b"tEnd"))),
    )


def _integer(value: bytes | None) -> int | None:
    if value is None or len(value) > 20:
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _position(value: bytes | None) -> Position:
    """The start of the stream where it is not known: too much is filtered by id, too little would be lost."""
    try:
        return Position.parse((value or b"").decode("ascii", "replace"))
    except ValueError:
        return START


def _range(start: int | None, end: int | None) -> TimeRange | None:
    if start is None or end is None or not -_INT64 <= start <= end < _INT64:
        return None
    return TimeRange(start, end)
