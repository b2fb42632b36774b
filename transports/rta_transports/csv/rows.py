"""The samples of one moment."""

from __future__ import annotations

from typing import NamedTuple

from rta_transports.csv.cells import Value

__all__ = ["Row"]


class Row(NamedTuple):
    """A line of the file that was understood."""

    time: int
    """ns; in the file's time, or since the Unix epoch once it has been given its timestamp."""
    values: list[Value | None]
    """One for each column of its key: a sample, or a word; None: neither. At least one is not None."""
    line: int
    """Its number in the file."""
    key: int = 0
    """Which thing of a long table it is about, 0 where the table is not long; or `MARK`."""
