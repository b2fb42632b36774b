"""What an examination found: one statement, in words that need no knowledge of the code."""

from __future__ import annotations

from enum import Enum
from typing import Self

from attrs import frozen

__all__ = ["Finding", "Rows", "Severity"]

Rows = tuple[tuple[str, ...], ...]


class Severity(Enum):
    """How much it matters."""

    OK = "ok"
    """Looked at, and as it should be."""
    NOTE = "note"
    """Worth knowing."""
    WARNING = "warning"
    """Works for now, and may stop doing so or lose something."""
    PROBLEM = "problem"
    """Something does not work."""


@frozen
class Finding:
    """One thing that was looked at."""

    severity: Severity
    code: str
    """Which finding it is, for machines: stays the same when the words change."""
    title: str
    """One line."""
    detail: str = ""
    """What it means."""
    advice: str = ""
    """What to do about it."""
    rows: Rows = ()
    """A table that shows it; the first row has the heads."""

    @classmethod
    def ok(cls, code: str, title: str, detail: str = "", advice: str = "", rows: Rows = ()) -> Self:
        return cls(Severity.OK, code, title, detail, advice, rows)

    @classmethod
    def note(cls, code: str, title: str, detail: str = "", advice: str = "", rows: Rows = ()) -> Self:
        return cls(Severity.NOTE, code, title, detail, advice, rows)

    @classmethod
    def warning(cls, code: str, title: str, detail: str = "", advice: str = "", rows: Rows = ()) -> Self:
        return cls(Severity.WARNING, code, title, detail, advice, rows)

    @classmethod
    def problem(cls, code: str, title: str, detail: str = "", advice: str = "", rows: Rows = ()) -> Self:
        return cls(Severity.PROBLEM, code, title, detail, advice, rows)

    @property
    def is_problem(self) -> bool:
        return self.severity is Severity.PROBLEM
