"""From the text of a cell to a sample or a word, by the sample type and the content of its column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rta.ports import MalformedError
from rta.wire import SampleType
from rta_transports.csv.contents import Content, is_broken
from rta_transports.csv.layout.cell_words import SWITCH_LETTERS, SWITCHES, TRUTHS, is_missing

__all__ = ["ParseCell", "Value", "excerpt", "parser"]

Value = int | float | str
"""A sample, or a word that is an event."""
ParseCell = Callable[[str], Value | None]
Normalise = Callable[[str], str | None]

_SWITCHES = {**SWITCHES, **SWITCH_LETTERS}
_LIMITS = {
    SampleType.F32: (2 - 2**-24) * 2.0**127,
    SampleType.F64: float("inf"),
}  # from here on it rounds to inf


def parser(
    kind: SampleType,
    content: Content = Content.NUMBERS,
    normalise: Normalise | None = None,
    missing: frozenset[str] = frozenset(),
) -> ParseCell:
    """How cells of a column are read; blank ones must have been left out.

    `normalise`: the text of a number for `float`, or None where it is none; None: numbers are written as `float` reads
    them. `missing`: further words for no value. The parser gives None where the cell says so, and raises
    `MalformedError` of kind `cell` (not a number) or `range` (it does not fit the type). "nan" and "inf" are numbers in
    columns of floats.
    """
    number = _plain_number if normalise is None else _number(normalise)
    if content is Content.WORDS:
        parse: ParseCell = _word
    elif content is Content.HEXADECIMAL:
        parse = _hexadecimal
    elif kind.is_integer:
        parse = _whole(kind, number, _otherwise(content))
    else:
        parse = _real(kind, number, _otherwise(content))
    if not missing:
        return parse
    return lambda text: None if text.strip() in missing else parse(text)


def excerpt(text: str) -> str:
    """The text for a message: quoted, on one line, not too long."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _plain_number(text: str) -> float | None:
    try:
        if text.isascii() and "_" not in text:  # float() takes more than people take for a number
            return float(text)
    except ValueError:
        pass
    return None


def _number(normalise: Normalise) -> Callable[[str], float | None]:
    def number(text: str) -> float | None:
        plain = normalise(text.strip())
        return None if plain is None else _plain_number(plain)

    return number


def _otherwise(content: Content) -> ParseCell:
    """What a cell is that is not a number."""

    def parse(text: str) -> Value | None:
        text = text.strip()
        folded = text.casefold()
        if is_missing(text):
            return None
        if folded in TRUTHS:
            return TRUTHS[folded]
        if content is Content.SWITCHES and folded in _SWITCHES:
            return _SWITCHES[folded]
        if content in (Content.MIXED, Content.EMPTY) and not is_broken(text):
            return text
        raise MalformedError("cell", f"{excerpt(text)} is not a number")

    return parse


def _word(text: str) -> Value | None:
    text = text.strip()
    if not text.isprintable() and is_broken(text):
        raise MalformedError("cell", f"{excerpt(text)} is no text")
    return None if is_missing(text) else text


def _hexadecimal(text: str) -> Value | None:
    if is_missing(text.strip()):
        return None
    raise MalformedError("cell", f"{excerpt(text)} is not a number, but hexadecimal")


def _whole(kind: SampleType, number: Callable[[str], float | None], otherwise: ParseCell) -> ParseCell:
    bounds = np.iinfo(kind.dtype())
    low, high = int(bounds.min), int(bounds.max)

    def parse(text: str) -> Value | None:
        value = number(text)
        if value is None:
            return otherwise(text)
        if value != value:  # NaN: the file says that there is no value
            return None
        if not value.is_integer():
            raise MalformedError("cell", f"{excerpt(text)} is not a whole number")
        if not low <= value <= high:
            raise MalformedError("range", f"{excerpt(text)} is outside {kind}: {low} to {high}")
        return int(value)

    return parse


def _real(kind: SampleType, number: Callable[[str], float | None], otherwise: ParseCell) -> ParseCell:
    limit = _LIMITS[kind]

    def parse(text: str) -> Value | None:
        value = number(text)
        if value is None:
            return otherwise(text)
        if abs(value) < limit or "n" in text or "N" in text:  # nan and inf, in their spellings
            return value
        raise MalformedError("range", f"{excerpt(text)} is too large for {kind}")

    return parse
