"""What a file holds and how it is read: what `rta inspect` shows, and `rta check` complains of."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

__all__ = ["Detected", "InspectedColumn", "InspectedFault", "Inspection"]


@frozen
class Detected:
    """One thing that was found out, or set."""

    what: str
    """The option that sets it."""
    found: str
    why: str = ""


@frozen
class InspectedColumn:
    """One column, or in a long table one pair of a thing and a column."""

    name: str
    unit: str
    holds: str
    """`numbers`, `words`, …"""
    samples: int
    events: int
    minimum: float | None
    maximum: float | None
    first: int | None
    """Time of the first sample or event, ns."""
    last: int | None


@frozen
class InspectedFault:
    """Faults of one kind, of a column or of rows."""

    kind: str
    column: str
    """"": of rows."""
    count: int
    example: str
    """With the line."""
    lost: bool
    """False: nothing was left out."""


@frozen
class Inspection:
    """One file."""

    line: str
    """How it is read, in a line."""
    detected: list[Detected]
    facts: dict[str, str | int | float]
    """What the file says of itself."""
    columns: list[InspectedColumn]
    rows: int
    sessions: int
    """More than one where time begins anew."""
    first: int | None
    """Time of the earliest row, ns."""
    last: int | None
    dated: bool
    """Whether times are moments since 1970, or only since some start."""
    cells: int
    lost: int
    """Cells that were left out; a row counts all of its."""
    faults: list[InspectedFault]
    whole: bool
    """Whether all of the file was read."""
    settings: dict[str, Any] = field(factory=dict)
    """Options that read it the same way, by name."""
