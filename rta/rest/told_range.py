"""The time range in the JSON of a session: the one that its stream tells, in what its writer wrote.

The writer's JSON has the range of the moment in which it was written, or none. Everything else stays as it is, byte for
byte.
"""

from __future__ import annotations

import json

from attrs import frozen

from rta.errors import MalformedError
from rta.wire import TimeRange
from rta.wire.json_slot import JsonSlot, find_json_slot
from rta.wire.json_text import SESSION_LIMITS, parse_json
from rta.wire.session_json import read_span

__all__ = ["RangeSlot", "find_slot", "own_range"]

_KEY = "timeRange"
_MOST = 1000  # keys of a session JSON that are looked through


@frozen(slots=True)
class RangeSlot:
    """Where the time range of a session JSON stands, or is to stand."""

    own: TimeRange | None
    """The range that the JSON has."""
    slot: JsonSlot
    more: str
    """What else there is in the range, as JSON behind its ends."""

    def fill(self, text: str, span: TimeRange | None) -> str:
        """The JSON with the union of its own range and this one; the text itself where that is its own."""
        told = TimeRange.union_of(self.own, span)
        if told is None or told == self.own:
            return text
        return self.slot.fill(text, f'{{"startTime":{told.start},"endTime":{told.end}{self.more}}}')


def own_range(text: str) -> TimeRange | None:
    """The range that a session JSON has: takes a fifth of the time of finding its slot.

    :raises MalformedError: the text is no JSON object.
    """
    document = parse_json(text, "session JSON", SESSION_LIMITS, strict=True)
    if not isinstance(document, dict):
        raise MalformedError("json", "the session JSON is no object")
    return read_span({k.lower(): v for k, v in document.items()}.get(_KEY.lower()))


def find_slot(text: str) -> RangeSlot | None:
    """Where the time range of a session JSON is. None: it is no JSON object, or has too many keys."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or len(document) > _MOST:
        return None
    value = {str(k).lower(): v for k, v in document.items()}.get(_KEY.lower())
    more = value if isinstance(value, dict) else {}
    more = {k: v for k, v in more.items() if k.lower() not in ("starttime", "endtime")}
    written = json.dumps(more, separators=(",", ":"))[1:-1]
    return RangeSlot(read_span(value), find_json_slot(text, _KEY), f",{written}" if written else "")
