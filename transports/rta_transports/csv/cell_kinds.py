"""What a cell looks like, before anything is known of its column: a value, or a text such as a title."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

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

_FLAG_WORDS = "true false yes no on off ja nein wahr falsch oui non vrai faux si sí verdadero falso vero"
_MISSING_WORDS = (
    "nan n/a na null none nil undefined inf -inf +inf infinity -infinity missing #n/a #na #value! #div/0! #ref! #num! "
    "- -- --- . * ? nodata <null> (null) nat -nan 1.#qnan -1.#ind"
)
_MONTHS = (
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december jän jänner januar februar mär mrz märz mai juni juli okt oktober dez dezember janv "
    "janvier fév févr février mars avr avril juin juil juillet aoû août septembre octobre novembre déc décembre "
    "ene enero febrero marzo abr abril mayo junio julio ago agosto septiembre octubre noviembre dic diciembre "
    "gen gennaio febbraio aprile mag maggio giu giugno lug luglio set settembre ott ottobre dicembre mrt maart mei des"
)
_DAYS = (
    "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch "
    "donnerstag freitag samstag sonntag lun mardi mer jeu ven sam dim lundi mercredi jeudi vendredi samedi dimanche "
    "lunes martes mié miércoles jue jueves vie viernes sáb sábado dom domingo mo di mi do fr sa so"
)
_OTHERS = "t z am pm a p m vorm nachm uhr utc gmt day days de st nd rd th"
_FLAGS = frozenset(_FLAG_WORDS.split())
_MISSING = frozenset(_MISSING_WORDS.split())
_NAMES = frozenset(_MONTHS.split()) | frozenset(_DAYS.split())
_TIME_WORDS = _NAMES | frozenset(_OTHERS.split())


@lru_cache(maxsize=1 << 14)
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
    if word in _MISSING or not text.strip("-=_"):
        return CellKind.MISSING
    if word in _FLAGS:
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
