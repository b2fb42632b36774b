"""Results: every run a line of JSON, and at the end a table of medians with the least and the most."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Results", "Row", "spread"]

Row = dict[str, Any]


def spread(values: Iterable[float], digits: int = 2) -> str:
    """The median, and the least and the most if there are several."""
    found = sorted(values)
    if not found:
        return "-"
    middle = f"{statistics.median(found):,.{digits}f}"
    return middle if len(found) == 1 else f"{middle} [{found[0]:,.{digits}f}..{found[-1]:,.{digits}f}]"


class Results:
    """What has been measured so far."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._console = Console(width=190, highlight=False)
        out.parent.mkdir(parents=True, exist_ok=True)

    def add(self, command: str, **figures: Any) -> Row:
        """Write one result down."""
        row = {"command": command, **figures}
        with self._out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return row

    def say(self, text: str) -> None:
        """A line of progress."""
        self._console.print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show a table."""
        table = Table(title=title, title_justify="left")
        for i, column in enumerate(columns):
            table.add_column(column, justify="left" if i == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    @staticmethod
    def group(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
        """Rows by key, in the order of their first appearance."""
        found: dict[Any, list[Row]] = {}
        for row in rows:
            found.setdefault(key(row), []).append(row)
        return found
