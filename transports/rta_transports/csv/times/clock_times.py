"""Clock times and durations: `h:mm:ss.fff`, `m:ss.f`, `0 days 00:00:00.24`, hhmmss.ss; and Excel's days."""

from __future__ import annotations

import re
from datetime import tzinfo

from rta.ports import MalformedError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.times.local_times import LocalTimes, Note
from rta_transports.csv.times.times import ParseTime, bounded, numeric_times

__all__ = ["clock_times", "durations", "excel_days", "six_digit_times"]

_SECOND = 10**9
_MILLISECOND = 10**6
_FRACTION = r"(?:[.,](\d+)|:(\d{3}))?"
_CLOCK = re.compile(
    rf"\s*([+\-−]?)(\d{{1,7}})(?::|h(?=\d\d\b))(\d{{2}}|\d(?=:))(?::(\d{{1,2}}))?{_FRACTION}(?:\s*(?:[Uu]hr|h|hrs))?\s*"
)
_DURATION = re.compile(
    r"\s*(?P<sign>[+\-−]?)(?:(?P<d>\d{1,9})(?:(?P<word>\s*d(?:ays?)?,?\s*)|\.(?=\d{1,2}:)))?"
    r"(?:(?P<plus>[+\-−]?)(?P<h>\d{1,9}):(?P<m>\d{2}):(?P<s>\d{2})(?:[.,](?P<f>\d+))?)?\s*",
    re.IGNORECASE,
)
_ISO_DURATION = re.compile(
    r"\s*(?P<sign>[+\-−]?)P(?:(?P<d>\d{1,9})D)?"
    r"(?:T(?:(?P<h>\d{1,9})H)?(?:(?P<m>\d{1,9})M)?(?:(?P<s>\d{1,9})(?:[.,](?P<f>\d+))?S)?)?\s*"
)
_SIX = re.compile(r"\s*([0-9]{1,6})(?:[.,](\d+))?\s*")
_EXCEL_1970 = 25569


def clock_times(short: str) -> ParseTime:
    """`h:mm:ss.fff` with any number of hours, and with a sign; what has one colon only is `h:mm` or `m:ss`, by `short`.

    The parser gives ns since midnight, or since 0, and raises `MalformedError` of kind `time`.
    """
    minutes_first = short == "m:ss"
    shown = "m:ss" if minutes_first else "h:mm:ss"
    match = _CLOCK.fullmatch

    def parse(text: str) -> int:
        m = match(text)
        if m is None:
            raise MalformedError("time", f"the time {excerpt(text)} is not like {shown}")
        sign, first, second, third, fraction, thousandths = m.groups()
        if third is not None:
            minutes, seconds = int(second), int(third)
            whole = int(first) * 3600 + minutes * 60 + seconds
        elif minutes_first:
            minutes, seconds = 0, int(second)
            whole = int(first) * 60 + seconds
        else:
            minutes, seconds = int(second), 0
            whole = int(first) * 3600 + minutes * 60
        part = fraction or thousandths
        if minutes > 59 or seconds > 60 or (part and third is None and not minutes_first):
            raise MalformedError("time", f"the time {excerpt(text)} is not like {shown}")
        ns = whole * _SECOND + (_ns_of(part) if part else 0)
        return bounded(-ns if sign and sign != "+" else ns, text)

    return parse


def durations(text: str) -> int:
    """ns of a duration as pandas, Python, .NET or ISO 8601 write it: `-1 days +23:59:59`, `1.02:03:04`, `PT1.5S`.

    :raises MalformedError: kind `time`.
    """
    m = _DURATION.fullmatch(text) or _ISO_DURATION.fullmatch(text)
    parts = m.groupdict() if m else {}
    if not any(parts.get(field) for field in "dhms"):
        raise MalformedError("time", f"the time {excerpt(text)} is not like 0 days 00:00:00.24")
    hours, minutes, seconds = (int(parts[field] or 0) for field in "hms")
    rest = (hours * 3600 + minutes * 60 + seconds) * _SECOND + (_ns_of(parts["f"]) if parts["f"] else 0)
    days = int(parts["d"] or 0) * 86400 * _SECOND
    sign = -1 if _negative(parts["sign"]) else 1
    if parts.get("word"):  # the sign is of the days alone
        return bounded(sign * days + (-rest if _negative(parts["plus"]) else rest), text)
    return bounded(sign * (days + rest), text)


def six_digit_times(text: str) -> int:
    """ns since midnight of hhmmss.ss, a number of which leading zeros may be missing.

    :raises MalformedError: kind `time`.
    """
    m = _SIX.fullmatch(text)
    whole = m[1].zfill(6) if m else ""
    if m is None or whole > "240000" or whole[2:4] > "59" or whole[4:] > "60":
        raise MalformedError("time", f"the time {excerpt(text)} is not like hhmmss.ss")
    seconds = int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:])
    return seconds * _SECOND + (_ns_of(m[2]) if m[2] else 0)


def excel_days(zone: tzinfo, note: Note, decimal: str = ".") -> ParseTime:
    """Days since 1899-12-30, as spreadsheets count them, on the clocks of `zone`; to the ms, as they are no more
    exact than that."""
    local = LocalTimes(zone, note)
    number = numeric_times("d", decimal, since=_EXCEL_1970)

    def parse(text: str) -> int:
        return local.moment((number(text) + _MILLISECOND // 2) // _MILLISECOND * _MILLISECOND, text)

    return parse


def _ns_of(fraction: str) -> int:
    return int(fraction[:9].ljust(9, "0"))


def _negative(sign: str | None) -> bool:
    return sign in ("-", "−")
