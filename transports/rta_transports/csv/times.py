"""From the text of a time cell to ns: numbers in a unit, or ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from rta.ports import MalformedError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.options import TimeUnit

__all__ = ["EPOCH", "Note", "ParseTime", "iso_times", "numeric_times"]

ParseTime = Callable[[str], int]
Note = Callable[[str, str], None]
"""Takes kind and detail of what is worth counting although nothing is left out."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LIMIT = 3_500_000_000_000_000_000  # ns; differences of two such times, added to today, still fit 64 bits
_EXPONENTS: dict[TimeUnit, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_BELOW_MICROSECONDS = re.compile(r"\d[.,]\d{6}(\d{1,3})")
_MICROSECOND = timedelta(microseconds=1)


def numeric_times(unit: TimeUnit) -> ParseTime:
    """Times that are numbers in s, ms, us or ns; exact, whatever the number of digits.

    The parser raises `MalformedError` of kind `time`.
    """
    exponent = _EXPONENTS[unit]

    def parse(text: str) -> int:
        try:
            number = Decimal(text) if text.isascii() and "_" not in text else Decimal("nan")
        except ArithmeticError:
            number = Decimal("nan")
        if not number.is_finite():
            raise MalformedError("time", f"the time {excerpt(text)} is not a number of {unit}")
        if number.adjusted() > 18:  # before the digits of 1e999999 are written out
            raise _too_far(text)
        return _bounded(int(number.scaleb(exponent).to_integral_value()), text)

    return parse


def iso_times(zone: tzinfo, note: Note) -> ParseTime:
    """Times in ISO 8601; those that name no zone are of `zone`.

    The parser raises `MalformedError` of kind `time`, and notes `ambiguous_time` (an hour that came twice: the
    first is taken) and `skipped_time` (an hour that never was: one later is taken).
    """

    def parse(text: str) -> int:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise MalformedError("time", f"the time {excerpt(text)} is not in ISO 8601") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
            first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
            if first is not None and second is not None and first != second:
                if first > second:
                    note("ambiguous_time", f"{excerpt(text)} came twice in {zone}; taken as the first")
                else:
                    note("skipped_time", f"{excerpt(text)} never was in {zone}; taken as an hour later")
        below = _BELOW_MICROSECONDS.search(text)
        ns = int(below[1].ljust(3, "0")) if below else 0
        return _bounded((moment - EPOCH) // _MICROSECOND * 1000 + ns, text)

    return parse


def _bounded(ns: int, text: str) -> int:
    if abs(ns) > _LIMIT:
        raise _too_far(text)
    return ns


def _too_far(text: str) -> MalformedError:
    return MalformedError("time", f"the time {excerpt(text)} is more than 110 years from 0, or from 1970")
