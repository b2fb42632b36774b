"""From a line to its cells."""

from __future__ import annotations

import csv

from rta.ports import MalformedError

__all__ = ["split_line"]

csv.field_size_limit(max(csv.field_size_limit(), 1 << 20))  # a cell may be as long as the longest line


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of a line; where blanks separate, any number of them does.

    :raises MalformedError: kind `quotes`.
    """
    line = line.rstrip("\n")
    if delimiter == " ":
        line = line.strip(" ")
        if '"' not in line:
            return line.split()
    elif '"' not in line:
        return line.split(delimiter)
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)
    except csv.Error as e:
        raise MalformedError("quotes", f"the quotes are wrong: {e}") from None
    return cells
