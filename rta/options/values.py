"""Durations and sizes as people write them: "1h30m", "100ms", "64KiB", "1.5 MB". Nothing is rounded before the end."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rta.formatting import shown
from rta.ports import Duration, Size

__all__ = [
    "DURATION_PATTERN",
    "SIZE_PATTERN",
    "format_duration",
    "format_size",
    "parse_duration",
    "parse_size",
]

# Falling, as the parts of "1d12h30min" must be.
_DURATIONS = {
    "d": Fraction(86400),
    "h": Fraction(3600),
    "min": Fraction(60),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 1_000_000),
}
_SIZES = {
    "TiB": 1 << 40,
    "GiB": 1 << 30,
    "MiB": 1 << 20,
    "KiB": 1 << 10,
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "KB": 10**3,
    "B": 1,
}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_DURATION_PART = re.compile(rf"({_NUMBER})\s*(d|h|min|ms|us|m|s)\s*")
_SIZE = re.compile(rf"({_NUMBER})\s*([KMGT]i?B|B)?", re.IGNORECASE)
_LONGEST = 400  # characters: more than any float needs, and little work

DURATION_PATTERN = rf"^\s*({_NUMBER}|({_NUMBER}\s*(d|h|min|ms|us|m|s)\s*)+)\s*$"
SIZE_PATTERN = rf"^\s*{_NUMBER}\s*([KkMmGgTt][Ii]?[Bb]|[Bb])?\s*$"

_LIKE_DURATION = 'a duration like "30s", "1.5 min" or "1h30m"'
_LIKE_SIZE = 'a size like "64KiB" or "1MB"'


def parse_duration(value: Any) -> Duration:
    """A duration in seconds.

    :raises ValueError: it is not a duration, or negative; the message says what would be right.
    """
    if type(value) is str:
        seconds = _seconds(value.strip())
    elif type(value) is int or type(value) is float:
        seconds = _finite(value)
    else:
        raise ValueError(f"expected {_LIKE_DURATION}, or seconds, got {shown(value)}")
    if seconds is None:
        raise ValueError(f"expected {_LIKE_DURATION}, got {shown(value)}")
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative, got {shown(value)}")
    return Duration(seconds + 0.0)  # no -0.0


def _seconds(text: str) -> float | None:
    if len(text) > _LONGEST:
        return None
    positive = text.removeprefix("-")
    total = Fraction(positive) if re.fullmatch(_NUMBER, positive) else _sum_of_parts(positive)
    return None if total is None else _finite(-total if positive != text else total)


def _finite(number: float | Fraction) -> float | None:
    try:
        seconds = float(number)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _sum_of_parts(text: str) -> Fraction | None:
    total, place, last = Fraction(0), 0, None
    while place < len(text):
        part = _DURATION_PART.match(text, place)
        if part is None:
            return None
        unit = _DURATIONS[part[2]]
        if last is not None and unit >= last:
            return None
        total, place, last = total + Fraction(part[1]) * unit, part.end(), unit
    return total if last is not None else None


def format_duration(duration: float) -> str:
    """The shortest usual text for it; `parse_duration` gives exactly `duration` back."""
    exact = Fraction(repr(float(duration)))
    if exact.denominator > 1:
        ms = exact * 1000
        if exact < 1 and ms.denominator == 1:
            return f"{ms}ms"
        return f"{Decimal(repr(float(duration))):f}s"
    if exact % 60 or not exact or exact >= 10**9:
        return f"{exact}s"
    written = ""
    for unit in ("d", "h", "min"):
        count, exact = divmod(exact, _DURATIONS[unit])
        written += f"{count}{unit}" if count else ""
    return written


def parse_size(value: Any) -> Size:
    """A size in bytes.

    :raises ValueError: it is not a size, or not a whole number of bytes; the message says what would be right.
    """
    if type(value) is int:
        if value < 0:
            raise ValueError(f"a size cannot be negative, got {shown(value)}")
        return Size(value)
    if type(value) is not str:
        raise ValueError(f"expected {_LIKE_SIZE}, or a whole number of bytes, got {shown(value)}")
    text = value.strip()
    if text.startswith("-"):
        raise ValueError(f"a size cannot be negative, got {shown(value)}")
    found = _SIZE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(f"expected {_LIKE_SIZE}, got {shown(value)}")
    unit = (found[2] or "B").casefold()
    size = Fraction(found[1]) * next(n for name, n in _SIZES.items() if name.casefold() == unit)
    if size.denominator != 1:
        raise ValueError(f"expected a whole number of bytes, got {shown(value)}, which is {float(size)} bytes")
    return Size(int(size))


def format_size(size: int) -> str:
    """A text in the unit that needs the fewest digits and no fraction; `parse_size` gives `size` back."""
    whole = [f"{size // count}{unit}" for unit, count in _SIZES.items() if size % count == 0]
    return min(whole, key=len) if size else "0B"
