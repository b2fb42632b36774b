"""From the text of a cell to a sample, by the sample type of its column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rta.ports import MalformedError
from rta.wire import SampleType

__all__ = ["ParseCell", "Value", "excerpt", "parser"]

Value = int | float
ParseCell = Callable[[str], Value]

_LIMITS = {
    SampleType.F32: (2 - 2**-24) * 2.0**127,
    SampleType.F64: float("inf"),
}  # from here on it rounds to inf


def parser(kind: SampleType) -> ParseCell:
    """How cells of a column of this type are read; blank ones must have been left out.

    The parser raises `MalformedError` of kind `cell` (not a number) or `range` (it does not fit the type).
    "nan" and "inf" are numbers in columns of floats.
    """
    return _whole(kind) if kind.is_integer else _real(kind)


def excerpt(text: str) -> str:
    """The text for a message: quoted, on one line, not too long."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _number(text: str) -> float:
    try:
        if text.isascii() and "_" not in text:  # float() takes more than people take for a number
            return float(text)
    except ValueError:
        pass
    raise MalformedError("cell", f"{excerpt(text)} is not a number")


def _whole(kind: SampleType) -> ParseCell:
    bounds = np.iinfo(kind.dtype())
    low, high = int(bounds.min), int(bounds.max)

    def parse(text: str) -> int:
        value = _number(text)
        if not value.is_integer():
            raise MalformedError("cell", f"{excerpt(text)} is not a whole number")
        if not low <= value <= high:
            raise MalformedError("range", f"{excerpt(text)} is outside {kind}: {low} to {high}")
        return int(value)

    return parse


def _real(kind: SampleType) -> ParseCell:
    limit = _LIMITS[kind]

    def parse(text: str) -> float:
        value = _number(text)
        if abs(value) < limit or "n" in text or "N" in text:  # nan and inf, in their spellings
            return value
        raise MalformedError("range", f"{excerpt(text)} is too large for {kind}")

    return parse
