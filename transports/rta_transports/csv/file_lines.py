"""The lines of a file from its first row on, as they stand in it. Blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from rta_transports.csv.layout.encoding import decode_errors
from rta_transports.csv.layout.layout import TableLayout

__all__ = ["LINE_LIMIT", "FileLines", "RowLines", "open_text"]

LINE_LIMIT = 1 << 20
"""The longest line that is taken, in characters."""


class RowLines(Protocol):
    """Lines in the order in which their rows are played."""

    @property
    def in_stretches(self) -> bool:
        """Whether lines may be taken before the times of those before them are asked for."""

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""

    @property
    def whole(self) -> bool:
        """Whether these are all lines of the file."""

    def prepare(self) -> bool:
        """A part of what has to be done before the first line comes; True once all of it is.

        :raises RtaError: it cannot be done.
        :raises OSError: the file cannot be read any more.
        """

    def __iter__(self) -> Iterator[tuple[int, str | None]]:
        """Number and text of each line; of one that is too long, the first `LINE_LIMIT + 1` characters, and then None
        for each further piece, so that a line without an end does not hold up a worker thread."""

    def close(self) -> None: ...


class FileLines:
    """The lines of an open file."""

    in_stretches = True
    whole = True

    def __init__(self, path: Path, layout: TableLayout) -> None:
        """:raises OSError: the file cannot be read."""
        self._file = open_text(path, layout.encoding)
        self._first = layout.first_line
        self._size = max(1, path.stat().st_size)

    @property
    def share(self) -> float:
        return min(1.0, self._file.buffer.tell() / self._size)

    def prepare(self) -> bool:
        return True

    def __iter__(self) -> Iterator[tuple[int, str | None]]:
        read = self._file.readline
        number = 0
        while line := read(LINE_LIMIT + 1):
            number += 1
            if number >= self._first:
                yield number, line
            while len(line) > LINE_LIMIT and not line.endswith("\n"):
                line = read(LINE_LIMIT + 1)
                yield number, None

    def close(self) -> None:
        self._file.close()


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text, in which no byte is so wrong that it could not be read."""
    return path.open(encoding=encoding, errors=decode_errors(encoding))
