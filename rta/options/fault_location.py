"""Where a fault of a configuration is: the file and key, or the variable that overrode it."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from rta.errors import Problem
from rta.formatting import shown
from rta.options import Key, written

__all__ = ["FaultLocation"]


@frozen
class FaultLocation:
    """Says where a fault is: the file and key, or the environment variable that overrode the file."""

    file: Path | None
    variables: dict[Key, str] = field(factory=dict)
    """Which environment variable set what."""
    sources: dict[int, str] = field(factory=dict)
    """The names of the sources, as far as they have some."""
    statuses: dict[int, str] = field(factory=dict)
    """The codes of the statuses, as far as they have some."""

    def problem(self, key: Key, message: str) -> Problem:
        """One line about one fault."""
        return Problem(f"{self.describe(key)}: {message}")

    def describe(self, key: Key) -> str:
        """As in `site.toml: edge.port`."""
        where = written(key)
        for table, names in (("source", self.sources), ("status", self.statuses)):
            if key[:1] == (table,) and len(key) > 1 and isinstance(key[1], int) and key[1] in names:
                where += f" ({table} {shown(names[key[1]])})"
        for length in range(len(key), 0, -1):
            if key[:length] in self.variables:
                return f"{self.variables[key[:length]]} ({where})"
        return where if self.file is None else f"{self.file}: {where}"
