"""The boundaries of the clock, found by looking at it every minute.

Where the text leaves something open: the second pass over a repeated boundary is one if the interval fits into the
repetition; a boundary that the clock jumps over is where it jumps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

MINUTE = 60_000_000_000


@cache
def boundary_minutes(zone: tzinfo, interval: int, hour: int) -> tuple[int, ...]:
    """The boundaries within an hour (counted from the epoch), by looking at the clock every minute."""
    found = []
    for minute in range(hour * 60, hour * 60 + 60):
        shown = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone)
        before = datetime.fromtimestamp(minute * 60 - 60, UTC).astimezone(zone)
        other = shown.replace(fold=1 - shown.fold)
        repetition = abs(shown.utcoffset() - other.utcoffset())  # type: ignore[operator]
        again = shown.fold == 1 and repetition < timedelta(microseconds=interval // 1000)
        was, now = before.replace(tzinfo=None), shown.replace(tzinfo=None)
        passed = [now - timedelta(minutes=i) for i in range((now - was) // timedelta(minutes=1))] or [now]
        if any((t.hour * 60 + t.minute) * MINUTE % interval == 0 for t in passed) and not again:
            found.append(minute * MINUTE)
    return tuple(found)


def next_boundary(zone: tzinfo, interval: int, after: int) -> int:
    """The first boundary behind a moment."""
    if 15 * MINUTE % interval == 0:  # All zones are whole quarters of an hour apart.
        return (after // interval + 1) * interval
    hour = after // (60 * MINUTE)
    while not (behind := [b for b in boundary_minutes(zone, interval, hour) if b > after]):
        hour += 1
    return behind[0]
