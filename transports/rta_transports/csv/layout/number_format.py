"""How numbers are written: the decimal mark, and the mark between thousands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from attrs import frozen

from rta.ports import RtaError

__all__ = ["NumberFormat", "detect_number_format"]

_MARKS = ".,'’ \u00a0\u202f"
_WORDS = frozenset({"nan", "inf", "infinity"})
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_FRACTION = re.compile(rf"[+-]?(0?|[1-9]\d*)([.,])(\d+){_EXPONENT}")
"""One mark of the two, and nothing else; `00.15` is a time of day."""
_GROUPED = re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:([{_MARKS}])\d{{3}})(?:\1\d{{3}})*(?:([.,])\d*)?{_EXPONENT}")
_HUNDREDS = re.compile(r"[+-]?[1-9]\d\d")
_DOTTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})\b")
_DATES = 10  # cells of a column that show that it is one of dates
_WHOLE = re.compile(r"[+-]?\d{1,3}")


@frozen
class NumberFormat:
    """`decimal` is "." or ","; `thousands` is one character, or "" where none is used."""

    decimal: str = "."
    thousands: str = ""

    def normalise(self, text: str) -> str | None:
        """The text as `float` takes it; None if it is no number in this format.

        Groups are of three digits, "nan" and "inf" are numbers; hexadecimal ones, `1_000` and `80%` are not.
        """
        text = text.strip()
        if text[:1] == "−":  # the true minus sign, as spreadsheets of some countries write it
            text = "-" + text[1:]
        if not _pattern(self.decimal, self.thousands).fullmatch(text):
            return text if text.lstrip("+-").lower() in _WORDS and text[1:2] not in {"+", "-"} else None
        if self.thousands:
            text = text.replace(self.thousands, "")
        return text if self.decimal == "." else text.replace(self.decimal, ".")


@lru_cache(maxsize=64)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = r"[0-9]+"
    if thousands:
        whole = rf"(?:[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+|{whole})"
    mark = re.escape(decimal)
    return re.compile(rf"[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+){_EXPONENT}", re.ASCII)


def detect_number_format(
    columns: Sequence[Sequence[str]], delimiter: str, decimal: str | None = None, thousands: str | None = None
) -> tuple[NumberFormat, str]:
    """The format of cells, given by column, and the reason; `decimal` and `thousands` win where they are set.

    A comma is the decimal mark where cells such as `0,38` or `1.234,5` are more than those such as `0.38` or
    `1,234.5`. Where all cells of a column are such as `1,860` they have three decimals; where others of the column
    are whole numbers below 1000, the comma is between thousands. The same holds for points where no cell has a decimal
    point for certain. Where nothing tells, the point is the decimal mark.

    :raises RtaError: the marks that are set are the same, or none; or nothing but cells such as `1.860` is there beside
        dates such as `27.10.2024`, and they may be either.
    """
    if thousands == "." and decimal is None:
        decimal = ","
    _check(decimal, thousands)
    evidence = [_Evidence(cells, delimiter) for cells in columns]
    because = "as set"
    if decimal is None:
        commas, points = sum(e.commas for e in evidence), sum(e.points for e in evidence)
        weak = not commas and not points and any(e.three_decimals for e in evidence)
        grouped = not commas and not points and any(e.counts == "." for e in evidence)
        if not (commas or points or grouped) and any(e.dotted_dates for e in evidence):
            _check_thousands(evidence)
        comma = commas > points or (delimiter == ";" and commas == points > 0)
        decimal = "," if comma or weak or grouped else "."
        example = next((e.example[decimal] for e in evidence if decimal in e.example), None)
        if grouped:
            return NumberFormat(",", "."), "thousands mark '.': whole numbers below 1000 have none"
        because = f"of cells such as {example!r}" if example else "nothing tells otherwise"
    if thousands is None:
        counts = {mark: sum(e.groups.get(mark, 0) for e in evidence) for mark in _MARKS if mark != decimal}
        best = max(counts, key=lambda mark: counts[mark])
        thousands = best if counts[best] else ("." if decimal == "," else "")
    return NumberFormat(decimal, thousands), f"decimal mark {decimal!r}: {because}"


class _Evidence:
    """What the cells of one column say."""

    def __init__(self, cells: Sequence[str], delimiter: str) -> None:
        self.commas = 0
        self.points = 0
        self.groups: dict[str, int] = {}
        self.example: dict[str, str] = {}
        self.grouped = ""
        texts = [cell.strip() for cell in cells]
        for text in texts:
            self._add(text)
        small = any(_WHOLE.fullmatch(text) for text in texts)
        hundreds = any(_HUNDREDS.fullmatch(text) for text in texts)
        alone = len(self.groups) == 1 and not self.commas and not self.points and delimiter in ";\t|"
        self.counts = next(iter(self.groups)) if alone and hundreds else ""
        """The mark between thousands of cells such as `1,860` among others such as `860`."""
        self.dotted_dates = any(_DOTTED_DATE.match(text) for text in texts[:_DATES])
        self.three_decimals = "," in self.groups and (delimiter == ";" or (delimiter != "," and not small))
        self.three_decimals = self.three_decimals and self.counts != ","
        """Cells such as `1,860` are rather that than thousands."""
        if self.three_decimals:
            self.example.setdefault(",", next(text for text in texts if "," in text))

    def _add(self, text: str) -> None:
        if (grouped := _GROUPED.fullmatch(text)) is not None:
            mark, after = grouped[1], grouped[2]
            self.grouped = self.grouped or text
            self.groups[mark] = self.groups.get(mark, 0) + 1
            if after and after != mark:
                self._count(after, text)
            elif mark in ".," and text.count(mark) > 1:
                self._count("." if mark == "," else ",", text)
        elif (fraction := _FRACTION.fullmatch(text)) is not None:
            self._count(fraction[2], text)

    def _count(self, mark: str, text: str) -> None:
        self.example.setdefault(mark, text)
        if mark == ",":
            self.commas += 1
        else:
            self.points += 1


def _check_thousands(evidence: Sequence[_Evidence]) -> None:
    found = next((e.grouped for e in evidence if "." in e.groups and e.grouped), None)
    if found:
        raise RtaError(
            f'numbers such as {found!r} may be thousands or have three decimals: say thousands = "." or decimal = "."'
        )


def _check(decimal: str | None, thousands: str | None) -> None:
    if decimal is not None and decimal not in {".", ","}:
        raise RtaError(f'decimal is {decimal!r}; "." or "," would be right')
    if thousands and (len(thousands) != 1 or thousands not in _MARKS):
        raise RtaError(f"thousands is {thousands!r}; one of . , ' or a blank, or nothing, would be right")
    if thousands and thousands == (decimal or "."):
        raise RtaError(f"decimal and thousands cannot both be {thousands!r}")
