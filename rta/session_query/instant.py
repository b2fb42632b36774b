"""Moments written as ISO 8601 texts, exactly to the nanosecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["read_instant"]

_MOMENT = re.compile(
    r"(?a:(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,18}))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?)"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def read_instant(text: str, bare_date: bool = False) -> int | None:
    """ns since the Unix epoch of a date with a time; without an offset it is of UTC. None: it is something else.

    :param bare_date: a date alone is its beginning.
    """
    found = _MOMENT.fullmatch(text)
    if found is None or (found[2] is None and not bare_date):
        return None
    date, minute, second, fraction, _, sign, hours, minutes = found.groups()
    try:
        whole = datetime.fromisoformat(f"{date}T{minute or '00:00'}:{second or '00'}+00:00")
    except ValueError:  # there is no such day, or no such hour
        return None
    offset = int(hours or 0) * 3600 + int(minutes or 0) * 60
    if offset >= 86400 or int(minutes or 0) >= 60:
        return None
    seconds = (whole - _EPOCH) // _SECOND - (-offset if sign == "-" else offset)
    return seconds * 10**9 + int((fraction or "").ljust(9, "0")[:9])
