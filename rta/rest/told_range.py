"""The time range in the JSON of a session: the one that its stream tells, in what its writer wrote.

The writer's JSON has the range of the moment in which it was written, or none. Everything else stays as it is, byte for
byte.
"""

from __future__ import annotations

import json
import re

from attrs import frozen

from rta.wire import TimeRange
from rta.wire.session_json import read_span

__all__ = ["RangeSlot", "find_slot"]

_KEY = "timerange"
_MOST = 1000  # keys of a session JSON that are looked through
_BLANKS = re.compile(r"[ \t\n\r]*")


@frozen(slots=True)
class RangeSlot:
    """Where the time range of a session JSON stands, or is to stand."""

    own: TimeRange | None
    """The range that the JSON has."""
    start: int
    end: int
    before: str
    """What has to stand before the value that replaces `start` to `end`."""
    more: str
    """What else there is in the range, as JSON behind its ends."""

    def fill(self, text: str, span: TimeRange | None) -> str:
        """The JSON with the union of its own range and this one; the text itself where that is its own."""
        told = TimeRange.union_of(self.own, span)
        if told is None or told == self.own:
            return text
        ends = f'{{"startTime":{told.start},"endTime":{told.end}{self.more}}}'
        return f"{text[: self.start]}{self.before}{ends}{text[self.end :]}"


def find_slot(text: str) -> RangeSlot | None:
    """Where the time range of a session JSON is. None: it is no JSON object, or has too many keys."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or len(document) > _MOST:
        return None
    value = {str(k).lower(): v for k, v in document.items()}.get(_KEY)
    more = value if isinstance(value, dict) else {}
    more = {k: v for k, v in more.items() if k.lower() not in ("starttime", "endtime")}
    written = json.dumps(more, separators=(",", ":"))[1:-1]
    return RangeSlot(read_span(value), *_place(text), f",{written}" if written else "")


def _place(text: str) -> tuple[int, int, str]:
    """Of the last value with the key, or of where one can be put at the end."""
    decoder = json.JSONDecoder()
    found: tuple[int, int, str] | None = None
    at = _skip(text, _skip(text, 0) + 1)
    end, comma = at, ""
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, at)
        if key.lower() == _KEY:
            found = at, end, ""
        at, comma = _skip(text, end), ","
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found or (end, end, f'{comma}"timeRange":')


def _skip(text: str, at: int) -> int:
    """Behind the blanks."""
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "the pattern fits everywhere"
    return blanks.end()
