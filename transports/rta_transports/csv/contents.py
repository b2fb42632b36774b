"""What a column holds, judged by some of its cells: numbers, words, both, or nothing yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum

__all__ = ["SWITCHES", "TRUTHS", "Content", "content_of", "is_broken", "is_missing"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MISSING = _words("""
#bezug! #div/0! #n/a #na #name? #null! #num! #nv #ref! #value! #wert! (null) * - -- --- <na> ? ?? \n k.a. missing
n.a. n.v. n/a na nat nil nodata none null s/d undef undefined – —
""")
TRUTHS = {"true": 1, "false": 0}
SWITCHES = {"yes": 1, "no": 0, "on": 1, "off": 0, "ja": 1, "nein": 0, "wahr": 1, "falsch": 0, "vrai": 1, "faux": 0}
"""Words that are 1 and 0 where a column holds nothing else."""

_HEX = re.compile(r"[+-]?(?:0[xX])?[0-9A-Fa-f]+")
_BROKEN = re.compile(r"[+-]?[\d.,'_\s]+(?:[eE][+-]?\d*)?|.*[\0-\x08\x0e-\x1f\ud800-\udfff\ufffd].*", re.DOTALL)
_SHARE = 0.1  # of the cells: fewer words are faults of a column of numbers, fewer numbers are words


class Content(Enum):
    """What its cells are read as."""

    NUMBERS = "numbers"
    """Samples; a word is a fault."""
    SWITCHES = "switches"
    """Yes and no, on and off: samples 1 and 0."""
    WORDS = "words"
    """Events."""
    MIXED = "numbers and words"
    """Numbers are samples, words events."""
    EMPTY = "nothing"
    """Read as both, since nothing tells."""

    @property
    def has_samples(self) -> bool:
        return self is not Content.WORDS


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value; blank ones, and all that people write."""
    return not text or text.casefold() in _MISSING


def is_broken(text: str) -> bool:
    """Whether a cell that is no number is no word either: digits and marks in no order, or bytes that are no text."""
    return _BROKEN.fullmatch(text) is not None


def content_of(cells: Iterable[str], normalise: Callable[[str], str | None], missing: frozenset[str]) -> Content:
    """By stripped cells of a column. `normalise`: the text of a number for `float`, or None."""
    given = [c for c in cells if not is_missing(c) and c not in missing]
    if not given:
        return Content.EMPTY
    others = [c for c in given if c.casefold() not in TRUTHS and normalise(c) is None]
    if any("x" in c.lower() for c in others) and all(_HEX.fullmatch(c) for c in others):
        return Content.NUMBERS  # hexadecimal: each cell is said to be none
    words = [c for c in others if not is_broken(c)]
    numbers = len(given) - len(others)
    if words and len(words) == len(others) and all(c.casefold() in SWITCHES or c in "01" for c in given):
        return Content.SWITCHES
    if len(words) < _SHARE * len(given):
        return Content.NUMBERS
    return Content.MIXED if numbers >= _SHARE * len(given) else Content.WORDS
