"""Where the value of a key stands in a JSON text, so that it can be replaced and all else stays as it was written."""

from __future__ import annotations

import json
import re

from attrs import frozen

__all__ = ["JsonSlot", "find_json_slot"]

_BLANKS = re.compile(r"[ \t\n\r]*")


@frozen(slots=True)
class JsonSlot:
    """Where a value stands, or is to stand."""

    start: int
    end: int
    before: str
    """What has to stand before the value that replaces `start` to `end`."""

    def fill(self, text: str, value: str) -> str:
        """The text with this value, which is JSON itself."""
        return f"{text[: self.start]}{self.before}{value}{text[self.end :]}"


def find_json_slot(text: str, key: str) -> JsonSlot:
    """Of the last value with this key, written in any case; or where one can be put at the end.

    `text` is a JSON object.
    """
    decoder = json.JSONDecoder()
    found: JsonSlot | None = None
    at = _skip(text, _skip(text, 0) + 1)
    end, comma = at, ""
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, at)
        if name.lower() == key.lower():
            found = JsonSlot(at, end, "")
        at, comma = _skip(text, end), ","
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found or JsonSlot(end, end, f"{comma}{json.dumps(key)}:")


def _skip(text: str, at: int) -> int:
    """Behind the blanks."""
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "the pattern fits everywhere"
    return blanks.end()
