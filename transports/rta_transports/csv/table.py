"""Reading a file in batches of rows. Whatever is malformed is left out, named, and costs nothing that is not.

A row is one line, so that a quote that is never closed costs one row. All of this blocks: it is for a worker
thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TextIO

from attrs import frozen

from rta.ports import MalformedError
from rta_transports.csv.cells import Value, excerpt, parser
from rta_transports.csv.header import Header
from rta_transports.csv.lines import split_line
from rta_transports.csv.times import Note, ParseTime

__all__ = ["LINE_LIMIT", "RowBatch", "Fault", "Row", "CsvFile"]

LINE_LIMIT = 1 << 20
"""The longest line that is taken, in characters."""

_BATCH_ROWS = 1024
_BATCH_CHARACTERS = 1 << 18


class Row(NamedTuple):
    """The samples of one moment."""

    time: int
    """ns; in the file's time, or since the Unix epoch once it has been given its timestamp."""
    values: list[Value | None]
    """One for each column that is a channel; None: no sample. At least one is a sample."""
    line: int
    """Which line of the file it was."""


class Fault(NamedTuple):
    """Something that was left out, or taken with a pinch of salt."""

    kind: str
    detail: str


@frozen(slots=True)
class RowBatch:
    """Some rows and faults, both possibly none."""

    rows: list[Row]
    faults: list[Fault]


class CsvFile:
    """An open file of which the header has been read. Holds one batch at most."""

    def __init__(
        self,
        file: TextIO,
        header: Header,
        delimiter: str,
        times: Callable[[Note], ParseTime],
        lines_read: int,
        next_line: str,
    ) -> None:
        """`next_line` has been read from the file already, but is not among the `lines_read`."""
        self.header = header
        self.ended = False
        self._file = file
        self._delimiter = delimiter
        self._line = lines_read
        self._next_line = next_line
        self._skipping = False
        self._faults: list[Fault] = []
        self._parse_time = times(self._fault)
        self._parsers = [(column.index, column.text, parser(column.type)) for column in header.columns]

    def close(self) -> None:
        self._file.close()

    def read(self) -> RowBatch:
        """The next batch; sets `ended` at the end of the file.

        :raises OSError: the file cannot be read any more.
        """
        rows: list[Row] = []
        self._faults = []
        size = 0
        while len(rows) + len(self._faults) < _BATCH_ROWS and size < _BATCH_CHARACTERS:
            line, self._next_line = self._next_line or self._file.readline(LINE_LIMIT + 1), ""
            if not line:
                self.ended = True
                break
            size += len(line)
            row = self._read_line(line)
            if row is not None:
                rows.append(row)
        return RowBatch(rows, self._faults)

    def _read_line(self, line: str) -> Row | None:
        cut = len(line) > LINE_LIMIT and not line.endswith("\n")
        if self._skipping:
            self._skipping = cut
            return None
        self._line += 1
        try:
            if cut:
                self._skipping = True
                raise MalformedError("line", f"longer than {LINE_LIMIT} characters")
            return None if line.isspace() else self._row(split_line(line, self._delimiter))
        except MalformedError as e:
            self._fault(e.kind, str(e))
            return None

    def _row(self, cells: list[str]) -> Row | None:
        if len(cells) != self.header.width:
            raise MalformedError("row", f"{len(cells)} cells; the header has {self.header.width}")
        time = self._parse_time(cells[self.header.time])
        values: list[Value | None] = []
        for index, name, parse in self._parsers:
            text = cells[index]
            value = None
            if text and not text.isspace():
                try:
                    value = parse(text)
                except MalformedError as e:
                    self._fault(e.kind, f"column {excerpt(name)}: {e}")
            values.append(value)
        return Row(time, values, self._line) if any(v is not None for v in values) else None

    def _fault(self, kind: str, detail: str) -> None:
        self._faults.append(Fault(kind, f"line {self._line}: {detail}"))
