"""What a column holds, judged by some of its cells: numbers, words, both, or nothing yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from rta_transports.csv.layout.cell_kinds import CellKind, kind_of
from rta_transports.csv.layout.cell_words import LETTER_PAIRS, SWITCHES, TRUTHS, is_missing

__all__ = ["Content", "content_of", "is_broken"]


_HEX = re.compile(r"[+-]?(?:0[xX])?[0-9A-Fa-f]+")
_CODE = re.compile(r"[0-9A-F]*[A-F][0-9A-F]*|[0-9]{2,}")
_BROKEN = re.compile(r"[+-]?[\d.,'_\s]+(?:[eE][+-]?\d*)?|.*[\0-\x08\x0e-\x1f\ud800-\udfff\ufffd].*", re.DOTALL)
_SHARE = 0.1  # of the cells: fewer words are faults of a column of numbers, fewer numbers are words


class Content(Enum):
    """What its cells are read as."""

    NUMBERS = "numbers"
    """Samples; a word is a fault."""
    SWITCHES = "switches"
    """Yes and no, on and off: samples 1 and 0."""
    HEXADECIMAL = "hexadecimal numbers"
    """Each cell is a fault, `10` as well: it is not ten."""
    WORDS = "words"
    """Events."""
    MIXED = "numbers and words"
    """Numbers are samples, words events."""
    EMPTY = "nothing"
    """Read as both, since nothing tells."""

    @property
    def has_samples(self) -> bool:
        return self is not Content.WORDS

    @property
    def may_have_words(self) -> bool:
        return self in (Content.WORDS, Content.MIXED, Content.EMPTY)


def is_broken(text: str) -> bool:
    """Whether a cell that is no number is no word either: digits and marks in no order, or bytes that are no text."""
    return _BROKEN.fullmatch(text) is not None


def content_of(cells: Iterable[str], normalise: Callable[[str], str | None], missing: frozenset[str]) -> Content:
    """By stripped cells of a column. `normalise`: the text of a number for `float`, or None."""
    given = [c for c in cells if not is_missing(c) and c not in missing]
    if not given:
        return Content.EMPTY
    if _are_codes(given):
        return Content.WORDS
    others = [c for c in given if c.casefold() not in TRUTHS and normalise(c) is None]
    if any("x" in c.lower() for c in others) and all(_HEX.fullmatch(c) for c in others):
        return Content.HEXADECIMAL if 2 * len(others) > len(given) else Content.NUMBERS
    times = sum(kind_of(c) is CellKind.TIME for c in others)
    words = [c for c in others if not is_broken(c)]
    numbers = len(given) - len(others)
    if words and len(words) == len(others) and _are_switches(given):
        return Content.SWITCHES
    if times > (1 - _SHARE) * len(given):
        return Content.WORDS
    if len(words) < _SHARE * len(given):
        return Content.NUMBERS
    return Content.MIXED if numbers >= _SHARE * len(given) else Content.WORDS


def _are_switches(given: Sequence[str]) -> bool:
    folded = {c.casefold() for c in given}
    if folded in LETTER_PAIRS:
        return True
    return all(c in SWITCHES or c in TRUTHS or c in {"0", "1"} for c in folded)


def _are_codes(given: Sequence[str]) -> bool:
    """Hexadecimal names of one length, such as `7E8`, which would be read as a power of ten, or `DEADBEEF`."""
    if len(given) < 2 or len({len(c) for c in given}) > 1 or all(c.isdigit() for c in given):
        return False
    return all(map(_CODE.fullmatch, given))
