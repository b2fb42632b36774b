"""What crosses the ports."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from attrs import field, frozen

from rta.wire.burst import Burst
from rta.wire.session_json import Glance
from rta.wire.values import TimeRange

__all__ = ["START", "Batch", "Entry", "Position", "SessionRecord", "StreamSessionId", "Trim"]

StreamSessionId = int
"""Which session of a stream an entry belongs to."""

_POSITION = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_LIMIT = 1 << 64


class Position(NamedTuple):
    """A place in a stream: arrival in ms since the Unix epoch by the log's clock, and a count within it.

    Positions of one stream are ordered; those of different streams are not comparable.
    """

    ms: int
    seq: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str`.

        :raises ValueError: not of the form `ms-seq`.
        """
        m = _POSITION.fullmatch(text)
        if m is None or int(m[1]) >= _LIMIT or int(m[2]) >= _LIMIT:
            raise ValueError(f"{text!r} is not a position like 1700000000000-0")
        return cls(int(m[1]), int(m[2]))

    def before(self) -> Position:
        """The greatest position smaller than this: reading after it includes this one."""
        if self.seq:
            return Position(self.ms, self.seq - 1)
        return Position(self.ms - 1, (1 << 64) - 1) if self.ms else START

    def after(self) -> Position:
        """The smallest position greater than this."""
        return Position(self.ms, self.seq + 1) if self.seq < _LIMIT - 1 else Position(self.ms + 1, 0)


START = Position(0, 0)
"""Before the first entry of any stream."""


class Entry(NamedTuple):
    """One burst in a stream. Malformed ones never get this far: the log counts and skips them."""

    position: Position
    session_id: StreamSessionId
    burst: Burst


@frozen(slots=True)
class Batch:
    """Entries read from a stream, in order."""

    entries: list[Entry]
    position: Position
    """Everything up to here has been read, entries left out as malformed included."""
    lost: bool = False
    """Entries behind the position asked for had been trimmed before they were read."""


@frozen(slots=True)
class SessionRecord:
    """What the log knows of a session. Source: docs/redis.md, "What is in Redis", the `sessions` hashes."""

    identity: str
    stream: str
    stream_session_id: StreamSessionId
    stream_position: Position
    """Read inclusively from here, filtering by id; nothing of the session is before it."""
    last_updated: int
    """ms since the Unix epoch."""
    json: str | None = None
    """The latest session JSON as its writer wrote it; the session can be streamed once it is there."""
    time_range: TimeRange | None = None
    inspected: Glance | None = field(default=None, eq=False)
    """What has been found in the JSON; None: nobody has looked, and it is small."""


@frozen(slots=True)
class Trim:
    """How much of the log to keep; None: no bound of this kind."""

    max_age_ms: int | None = None
    max_entries: int | None = None
    """Per stream."""
    session_ttl_ms: int | None = None
    """Forget a session that has not been updated for this long and of which no entry is left."""
