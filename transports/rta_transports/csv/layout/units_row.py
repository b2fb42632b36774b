"""Whether a line of cells below the titles is one of units, or of where the values come from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rta_transports.csv.layout.units import is_unit, is_weak_unit

__all__ = ["are_numbers_of_columns", "are_sources", "are_units", "is_unit_cell"]

# In a row of units more is one than in brackets behind a name: any case, and the kinds of values.
_LETTERS = frozenset("smgVACFKNWJTLlhdcfv")
_NAMES = """
# rn ts hz khz mhz ma mv kw kn kv nm ms us ns deg in min rad count counts ratio none enum date time datetime timestamp
text string utc iso8601 hh:mm:ss yyyy-mm-dd degrees_c
"""
_WORDS = frozenset(_NAMES.split()) | {"unix time", "deg c", "deg f"}
_BRACKETS = re.compile(r"[\[(<{](.*)[\])>}]")
_FACTORS = r"[A-Za-zµμΩ°%]{1,5}[²³23]?(?:\s?[/·*.^-]\s?[A-Za-zµ°0-9%]{1,5}[²³]?)+"
_COMPOSED = re.compile(rf"{_FACTORS}|[%°].{{0,3}}|.{{0,3}}[°%²³].{{0,3}}")
_SOURCE = re.compile(r"\d+\s*:\s*\S.*|calc|gps|canbus|obd|internal|accelerometer|.*\bsensor", re.IGNORECASE)
_NAMES_OF_TREATMENTS = """
smp avg min max tot std med sum sample average minimum maximum total wvc raw mean median count first last
"""
_TREATMENTS = frozenset(_NAMES_OF_TREATMENTS.split())
_FEWEST = 4  # columns whose numbers make a row of them


def is_unit_cell(text: str) -> bool:
    """Whether a cell of a row of units may be one; brackets around it do not matter."""
    text = text.strip()
    inner = _BRACKETS.fullmatch(text)
    if inner:
        text = inner[1].strip()
        return len(text) <= 12 and not text.isdigit()
    if len(text) == 1 and text.isalpha():
        return text in _LETTERS or text in "Ωλ"
    known = is_unit(text) and not is_weak_unit(text)
    return known or text == "1" or text.casefold() in _WORDS or _COMPOSED.fullmatch(text) is not None


def are_units(cells: Sequence[str], titles: Sequence[str]) -> bool:
    """Whether most of the cells are units, or half of them where the titles above are longer."""
    filled = [cell.strip() for cell in cells if cell.strip(" -\t")]
    if not filled or any(cell.strip() and not title.strip() for cell, title in zip(cells, titles, strict=False)):
        return False
    known = sum(map(is_unit_cell, filled))
    short = sum(len(cell) for cell in filled) < sum(len(t.strip()) for t in titles if t.strip()) * 0.8
    repeated = len(set(filled)) < len(filled) or len(filled) < len(cells)
    return known > 0.5 * len(filled) or (short and known >= (0.25 if repeated else 0.4) * len(filled))


def are_sources(cells: Sequence[str]) -> bool:
    """Whether the cells say from where, or how, the values of each column come: `100: gps`, `Avg`."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    known = sum(_SOURCE.fullmatch(cell) is not None or cell.casefold() in _TREATMENTS for cell in filled)
    return bool(filled) and known > 0.5 * len(filled)


def are_numbers_of_columns(cells: Sequence[str]) -> bool:
    """Whether a line counts the columns, as some loggers write it below the units: 1, 2, 3 …"""
    return len(cells) >= _FEWEST and all(cell.strip() == str(i) for i, cell in enumerate(cells, 1))
