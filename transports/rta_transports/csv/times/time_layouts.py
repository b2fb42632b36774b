"""Which formats a cell may be written in: from the text of one moment to formats in the words of `strptime`."""

from __future__ import annotations

import re

from rta_transports.csv.times.month_names import MONTHS, WEEKDAYS
from rta_transports.csv.times.zone_names import ZONE

__all__ = ["layouts_of"]

_CLOCK = re.compile(
    r"(?<!\d)\d{1,2}:\d{2}(?P<seconds>:\d{2}(?:[.,]\d+|:\d{3}(?!\d))?)?(?P<half>\s?[AaPp]\.?\s?[Mm](?:\.|\b))?(?!\d)"
)
_DOTTED = re.compile(r"(?P<date>.*\d\s)([01]?\d|2[0-3])\.[0-5]\d\.[0-5]\d(?:[.,]\d+)?(?P<half>\s?[AaPp][Mm])?")
_TIMEZONE = re.compile(rf"(?P<gap>\s*)(?P<zone>{ZONE})")
_PIECE = re.compile(r"\d+|[^\W\d_]+\.?|\s+|.", re.DOTALL)
_MARKS = set("/-.,:'")
_FILLERS = {"t", "de", "del", "um", "at", "uhr", "le", "den", "om", "of", "à", "a", "di"}
_LONGEST = 100
_HERE = "\0"  # where the clock is


def layouts_of(text: str) -> list[str]:
    """The formats by which the text is a date, with or without a time, or a time with AM or PM; none: it is neither.

    Several where day and month could be either. Dots are between day, month and year, in this order.
    """
    text = text.strip()
    if len(text) > _LONGEST or not any(c.isdigit() for c in text):
        return []
    clock, text = _without_clock(text)
    pieces = _PIECE.findall(text)
    if pieces == [_HERE]:
        return [clock] if "%p" in clock else []
    return [layout.replace(_HERE, clock) for layout in _dated(pieces)]


def _without_clock(text: str) -> tuple[str, str]:
    """The format of the time in the text, and the text with a mark in its place."""
    m = _CLOCK.search(text)
    if m is None:
        return _without_dotted_clock(text)
    clock = "%I:%M" if m["half"] else "%H:%M"
    if m["seconds"]:
        clock += ":%S"
    if m["half"]:
        clock += " %p" if m["half"][0].isspace() else "%p"
    end = m.end()
    zone = _TIMEZONE.match(text, end)
    if zone and _is_zone(zone["zone"]):
        clock += (" " if zone["gap"] else "") + "%z"
        end = zone.end()
    return clock, text[: m.start()] + _HERE + text[end:]


def _without_dotted_clock(text: str) -> tuple[str, str]:
    """The same for a time that is written with dots, as in `29-JAN-22 12.56.52`."""
    m = _DOTTED.fullmatch(text)
    if m is None:
        return "", text
    half = m["half"] or ""
    clock = ("%I.%M.%S" if half else "%H.%M.%S") + (" %p" if half[:1].isspace() else "%p" if half else "")
    return clock, m["date"] + _HERE


def _is_zone(word: str) -> bool:
    bare = word.partition("(")[0].strip()
    named = bare.isalpha() and bare.isupper() and bare.lower() not in MONTHS and bare.lower() not in WEEKDAYS
    return named or any(c.isdigit() for c in bare)


def _dated(pieces: list[str]) -> list[str]:
    """The formats of what is left: `_HERE`, words, numbers and marks."""
    out: list[str] = []
    numbers: list[tuple[int, str]] = []
    names = [i for i, piece in enumerate(pieces) if _word(piece) in MONTHS]
    days = [i for i, piece in enumerate(pieces) if _word(piece) in WEEKDAYS and (i not in names or len(names) > 1)]
    if days:
        names = [i for i in names if i != days[0]]
    if len(names) > 1:
        return []
    for i, piece in enumerate(pieces):
        if piece.isdigit():
            numbers.append((i, piece))
        elif piece == _HERE or piece.isspace() or piece in _MARKS or _word(piece) in _FILLERS:
            pass
        elif i not in names and i not in days[:1]:
            return []
    for fields in _fields(pieces, numbers, bool(names)):
        out.append("".join(_shown(i, piece, fields, names, days) for i, piece in enumerate(pieces)))
    return out


def _shown(i: int, piece: str, fields: dict[int, str], names: list[int], days: list[int]) -> str:
    if i in fields:
        return fields[i]
    if i in names:
        return "%b"
    if i in days[:1]:
        return "%a"
    return " " if piece.isspace() else piece


def _fields(pieces: list[str], numbers: list[tuple[int, str]], named: bool) -> list[dict[int, str]]:
    """What each number is, in all the ways that are possible."""
    places = [i for i, _ in numbers]
    sizes = [len(digits) for _, digits in numbers]
    orders: list[str] = []
    if named and len(numbers) == 2:
        if sizes[0] == 4 and sizes[1] <= 2:
            orders = ["Yd"]
        elif sizes[0] <= 2 and sizes[1] in (2, 4):
            orders = ["dY" if sizes[1] == 4 else "dy"]
    elif not named and len(numbers) == 3 and _side_by_side(places):
        mark = pieces[places[0] + 1]
        if sizes[0] == 4 and max(sizes[1:]) <= 2:
            orders = ["Ymd"]
        elif max(sizes[:2]) <= 2 and sizes[2] in (2, 4) and mark in ("/", "-", ".") and pieces[places[1] + 1] == mark:
            year = "Y" if sizes[2] == 4 else "y"
            orders = ["dm" + year] if mark == "." else ["dm" + year, "md" + year]
            if year == "y" and mark != "." and sizes[0] == 2:
                orders.append("ymd")
    elif not named and len(numbers) == 1 and sizes == [8]:
        return [{places[0]: "%Y%m%d"}]
    return [{place: f"%{field}" for place, field in zip(places, order, strict=True)} for order in orders]


def _side_by_side(places: list[int]) -> bool:
    return places[1] == places[0] + 2 and places[2] == places[1] + 2


def _word(piece: str) -> str:
    return piece.rstrip(".").lower()
