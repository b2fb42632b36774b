"""From the text of a time cell to ns: numbers in a unit, or ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Literal

from rta.ports import MalformedError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.times.local_times import LocalTimes, Note

__all__ = ["EPOCH", "NS_OF", "Note", "NumberUnit", "ParseTime", "bounded", "iso_times", "numeric_times", "plain_number"]

ParseTime = Callable[[str], int]
NumberUnit = Literal["s", "ms", "us", "ns", "min", "h", "d"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NS_OF: dict[NumberUnit, int] = {
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}

_LIMIT = 3_500_000_000_000_000_000  # ns; differences of two such times, added to today, still fit 64 bits
_BELOW_MICROSECONDS = re.compile(r"\d[.,]\d{6}(\d{1,3})")
_MIDNIGHT_OR_LEAP = re.compile(r"(.*?[T ])(24:?00(?::?00)?(?:[.,]0+)?|\d\d:?\d\d:?60(?=$|[.,Z+\- ]))(.*)")
_MICROSECOND = timedelta(microseconds=1)
_WALL_EPOCH = datetime(1970, 1, 1)
_SHORTEST_BELOW = 23  # characters of 20240131T101500.1234567
_GROUPED = {
    mark: re.compile(rf"\s*([+-]?[1-9]\d{{0,2}}([{group}\u00a0\u202f '’])\d{{3}}(?:\2\d{{3}})*)(?:[{mark}](\d*))?\s*")
    for mark, group in ((".", ","), (",", "."))
}
_NAN = Decimal("nan")
_PLACES: dict[NumberUnit, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_DIGITS = 18


def numeric_times(unit: NumberUnit, decimal: str = ".", since: int = 0) -> ParseTime:
    """Times that are numbers in a unit; exact, whatever the number of digits.

    `decimal` is the decimal mark, "." or ","; `since` is the number that gives 0. The parser raises `MalformedError`
    of kind `time`.
    """
    factor = Decimal(NS_OF[unit])
    places = _PLACES.get(unit, -1) if decimal == "." else -1
    before = since * NS_OF[unit]

    def parse(text: str) -> int:
        whole, _, part = text.partition(".")
        if len(part) <= places and len(whole) <= _DIGITS and (whole + part).isdecimal() and text.isascii():
            return bounded(int(whole + part.ljust(places, "0")) - before, text, unit)
        plain = text if decimal == "." else plain_number(text, decimal)
        try:
            number = Decimal(plain) if plain.isascii() and "_" not in plain else _NAN
        except ArithmeticError:
            number = _NAN
        if not number.is_finite():
            grouped = plain_number(text, decimal)
            if grouped == plain:
                raise MalformedError("time", f"the time {excerpt(text)} is not a number of {unit}")
            number = Decimal(grouped)
        if since:
            number -= since
        if number.adjusted() > 18:  # before the digits of 1e999999 are written out
            raise _too_far(text, unit)
        return bounded(int((number * factor).to_integral_value()), text, unit)

    return parse


def plain_number(text: str, decimal: str) -> str:
    """The number as Python writes it, without thousands marks and with a decimal point; other text as it is.

    "" where a point is in a number that has a decimal comma, and is no thousands mark.
    """
    m = _GROUPED[decimal].fullmatch(text)
    if m:
        return "".join(c for c in m[1] if c.isdigit() or c in "+-") + (f".{m[3]}" if m[3] else "")
    if decimal == "." or ("," not in text and "." not in text):
        return text
    return "" if "." in text else text.replace(",", ".")


def iso_times(zone: tzinfo, note: Note) -> ParseTime:
    """Times in ISO 8601; those that name no zone are of `zone`.

    The parser raises `MalformedError` of kind `time`, and notes what `LocalTimes` notes. It remembers the moment
    before, so it is for the rows of one file in their order.
    """
    local = LocalTimes(zone, note)

    def parse(text: str) -> int:
        beyond = 0
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            moment, beyond = _end_of_day(text.strip())
        ns = beyond
        if len(text) >= _SHORTEST_BELOW and (below := _BELOW_MICROSECONDS.search(text)):
            ns += int(below[1].ljust(3, "0"))
        if moment.tzinfo is None:
            wall = bounded((moment - _WALL_EPOCH) // _MICROSECOND * 1000 + ns, text)
            return local.moment(wall, text)
        return local.fixed(bounded((moment - EPOCH) // _MICROSECOND * 1000 + ns, text))

    return parse


def _end_of_day(text: str) -> tuple[datetime, int]:
    """24:00 of a day and the second 60 of a minute, which `datetime` does not know: a moment, and ns after it."""
    m = _MIDNIGHT_OR_LEAP.fullmatch(text)
    try:
        if m and m[2].startswith("24"):
            return datetime.fromisoformat(m[1] + m[2].replace("24", "00", 1) + m[3]), 86400 * 10**9
        if m:
            return datetime.fromisoformat(m[1] + m[2][:-2] + "59" + m[3]), 10**9
    except ValueError:
        pass
    raise MalformedError("time", f"the time {excerpt(text)} is not in ISO 8601")


def bounded(ns: int, text: str, unit: str = "") -> int:
    """The ns, when timestamps can hold them.

    :raises MalformedError: kind `time`.
    """
    if abs(ns) > _LIMIT:
        raise _too_far(text, unit)
    return ns


def _too_far(text: str, unit: str) -> MalformedError:
    hint = f"; a number of {unit}, or is another time_unit right?" if unit else ""
    return MalformedError("time", f"the time {excerpt(text)} is more than 110 years from 0, or from 1970{hint}")
