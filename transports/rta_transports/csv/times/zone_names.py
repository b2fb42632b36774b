"""Zones as they stand behind a time: offsets, and the names that mean one offset wherever they are written."""

from __future__ import annotations

import re

from rta.ports import MalformedError

__all__ = ["ZONE", "offset_of"]

_HOURS: dict[str, float] = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "MET": 1, "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "TRT": 3, "SAST": 2, "EAT": 3,
    "EST": -5, "EDT": -4, "MDT": -6, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "BRT": -3,
    "PKT": 5, "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5,
    "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
"""CST, IST, BST, PST, MST, AST and others are missing on purpose: they are several zones each."""

ZONE = r"(?:(?:UTC|GMT|UT)?\s?[+\-−]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,5})(?:\s*\([^()]*\))?"
"""What a zone looks like, as a regular expression without groups."""

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?\s?([+\-−])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)


def offset_of(text: str) -> int:
    """Seconds that the zone is ahead of UTC: `Z`, `+0100`, `+01`, `GMT+01:00`, `CEST`.

    :raises MalformedError: kind `time`: there is no such zone, or several of this name.
    """
    word = text.partition("(")[0].strip()
    if m := _OFFSET.fullmatch(word):
        hours, minutes = int(m[2]), int(m[3] or 0)
        if hours <= 15 and minutes < 60:
            return (hours * 3600 + minutes * 60) * (1 if m[1] == "+" else -1)
    elif (known := _HOURS.get(word.upper())) is not None:
        return round(known * 3600)
    raise MalformedError("time", f"the zone {word!r} is not one that means one offset everywhere")
