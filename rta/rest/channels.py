"""Channel expressions, such as `-5,7,B-D,14-`. Source: docs/rest.md, "Data"."""

from __future__ import annotations

import re

from rta.errors import MalformedError
from rta.ports import ALL_CHANNELS, ChannelRanges

__all__ = ["read_channels"]

_LONGEST = 16 << 10  # characters
_MOST = 2048  # items
_ITEM = re.compile(r"([0-9A-Fa-f]{1,8})?(-)?([0-9A-Fa-f]{1,8})?")
_LAST = ALL_CHANNELS[0][1]
_EXPECTED = "expected hexadecimal channel ids and ranges of them like -5,7,B-D,14-; or - for all"


def read_channels(text: str) -> ChannelRanges:
    """Read an expression: items separated by commas, each `H`, `H-H`, `-H`, `H-` or `-`, H of up to 8 hexadecimal
    digits. An item that ends before it begins has no channels.

    :raises MalformedError: kind `channels`; it is something else, or too long.
    """
    if len(text) > _LONGEST or text.count(",") >= _MOST:
        raise MalformedError("channels", f"at most {_MOST} items in {_LONGEST} characters are read: ask several times")
    merged: list[tuple[int, int]] = []
    for first, last in sorted(_read_item(item) for item in text.split(",")):
        if last < first:
            continue
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def _read_item(item: str) -> tuple[int, int]:
    match = _ITEM.fullmatch(item)
    if match is None or not item:
        raise MalformedError("channels", f"{item[:40]!r} is no channel: {_EXPECTED}")
    first, dash, last = match.groups()
    start = int(first, 16) if first else 0
    if not dash:  # the pattern would split digits beyond the eighth between the two ends
        if last:
            raise MalformedError("channels", f"{item[:40]!r} is no channel: at most 8 digits, {_EXPECTED}")
        return start, start
    return start, int(last, 16) if last else _LAST
