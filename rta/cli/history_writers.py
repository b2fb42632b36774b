"""Writing the entries of a history as CSV or as lines of JSON.

A CSV file has a row for each entry: `ts`, `seq`, and a column for each value that any entry has. The columns are known
only at the end, so entries wait in a temporary file. An empty cell stands for a value that has not changed, `null` for
one that nobody knows.
"""

from __future__ import annotations

import csv
import json
import tempfile
from typing import IO, Any, Protocol

from rta.cli.text import flatten, format_value, json_line
from rta.consumer import StatusEntry
from rta.formatting import printable
from rta.rsmp.payload import iso

__all__ = ["CsvTable", "EntryWriter", "JsonLines"]

_MOST_COLUMNS = 16_384  # as many as spreadsheets can have; a node could send any number
_IN_MEMORY = 1 << 20  # bytes of entries before they go to a file on disk


class EntryWriter(Protocol):
    """Writes entries somewhere."""

    left_out: int
    """How many values had no room."""

    def add(self, entry: StatusEntry) -> None: ...

    def finish(self) -> None: ...


class JsonLines:
    """Writes each entry at once, as an object in a line: `ts`, `seq`, `values`, `next_ts`."""

    def __init__(self, out: IO[str]) -> None:
        self.left_out = 0
        self._out = out

    def add(self, entry: StatusEntry) -> None:
        following = None if entry.next_ts is None else iso(entry.next_ts)
        line = {"ts": iso(entry.ts), "seq": entry.seq, "values": entry.values, "next_ts": following}
        self._out.write(json_line(line) + "\n")

    def finish(self) -> None:
        self._out.flush()


class CsvTable:
    """Writes a table at the end."""

    def __init__(self, out: IO[str], fill: bool = False) -> None:
        """`fill`: an empty cell gets the value of the row before."""
        self.left_out = 0
        self._out = out
        self._shown = printable if out.isatty() else str
        self._fill = fill
        self._columns: dict[str, None] = {}
        self._kept: IO[str] = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115

    def add(self, entry: StatusEntry) -> None:
        cells: dict[str, Any] = {}
        for path, value in flatten(entry.values):
            if path in self._columns or len(self._columns) < _MOST_COLUMNS:
                self._columns[path] = None
                cells[path] = self._shown(format_value(value))
            else:
                self.left_out += 1
        json.dump([iso(entry.ts), entry.seq, cells], self._kept)
        self._kept.write("\n")

    def finish(self) -> None:
        rows = csv.writer(self._out, lineterminator="\n")
        rows.writerow(["ts", "seq", *self._columns])
        self._kept.seek(0)
        before: dict[str, str] = {}
        for line in self._kept:
            ts, seq, cells = json.loads(line)
            if self._fill:
                before |= cells
                cells = before
            rows.writerow([ts, seq, *(cells.get(path, "") for path in self._columns)])
        self._out.flush()

    def close(self) -> None:
        self._kept.close()
