"""What a cell looks like, before anything is known of its column: a value, or a text such as a title."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from rta_transports.csv.layout.cell_words import NOT_FINITE, SWITCHES, TRUTHS, is_missing
from rta_transports.csv.times.month_names import MONTHS, WEEKDAYS

__all__ = ["CellKind", "kind_of"]


class CellKind(Enum):
    """Numbers, times and flags are values; blank and missing cells, and lines drawn with dashes, say nothing."""

    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"
    MISSING = "missing"
    TEXT = "text"

    @property
    def is_value(self) -> bool:
        return self in _VALUES


_VALUES = frozenset({CellKind.NUMBER, CellKind.TIME, CellKind.FLAG})
_LONGEST = 60  # of a value
_GROUPS = r"[1-9]\d{0,2}(?:([.,'’ \u00a0\u202f])\d{3})(?:\1\d{3})*"
_DECIMAL = rf"[+\-−]?(?:(?:\d+|{_GROUPS})(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?\s?%?"
_NUMBER = re.compile(rf"{_DECIMAL}|0[xX][0-9a-fA-F]+|\d+(?:_\d+)+", re.ASCII)
_CLOCK = re.compile(r"\d{1,3}:\d{1,2}")
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}")
_SPAN = re.compile(r"\d+ ?[dhm](?: ?\d+(?:\.\d+)? ?[hms](?:in)?)+")
_WORD = re.compile(r"[^\W\d_]+\.?")
_SIGNS = re.compile(r"[\d :/.,+\-()]*")
_ZONE = re.compile(r"(?<=\d) \(?(?:[A-Z]{2,5}|[A-Z]\w+(?:/[A-Z]\w+){1,2})\)?(?=$|[+-]\d| \d{4}$)")

_OTHERS = "t z am pm a p m vorm nachm uhr utc gmt day days de st nd rd th"
_NAMES = WEEKDAYS | frozenset(MONTHS)
_TIME_WORDS = _NAMES | frozenset(_OTHERS.split())


@lru_cache(maxsize=1 << 11)
def kind_of(cell: str) -> CellKind:
    """Of the text of a cell, in any format of numbers and times."""
    text = cell.strip()
    if not text:
        return CellKind.MISSING
    if len(text) > _LONGEST:
        return CellKind.TEXT
    if _NUMBER.fullmatch(text):
        return CellKind.NUMBER
    word = text.lower()
    if is_missing(text) or word in NOT_FINITE or not text.strip("-=_"):
        return CellKind.MISSING
    if word in TRUTHS or word in SWITCHES:
        return CellKind.FLAG
    return CellKind.TIME if _is_time(text) else CellKind.TEXT


def _is_time(text: str) -> bool:
    """A date, a time of day, both, or a span; with names of months, days and zones."""
    if not (text[0].isalnum() or text[0] in "+-") or not 2 <= len(re.findall(r"\d+", text)) <= 10:
        return False
    if _SPAN.fullmatch(text):
        return True
    rest = _ZONE.sub("", text, count=1)
    words = [word.rstrip(".").lower() for word in _WORD.findall(rest)]
    if not _SIGNS.fullmatch(_WORD.sub("", rest)) or not set(words) <= _TIME_WORDS:
        return False
    if not words and not _CLOCK.search(text):
        return _DATE.fullmatch(text.rstrip(".")) is not None
    return bool(_CLOCK.search(text) or _DATE.match(text) or not _NAMES.isdisjoint(words))
