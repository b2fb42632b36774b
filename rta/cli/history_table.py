"""Entries of a history as CSV or as lines of JSON.

A CSV file has a row for each entry: `ts`, `seq`, then a column for each value there is in any of them. Which these are
is known at the end only, so the entries wait in a temporary file. What an entry does not have is an empty cell: it had
not changed. Null, nobody knows, is `null`.
"""

from __future__ import annotations

import csv
import json
import tempfile
from typing import IO, Any, Protocol

from rta.cli.entry_values import flat, written
from rta.consumer import StatusEntry
from rta.rsmp.payload import iso

__all__ = ["CsvTable", "EntryWriter", "JsonLines"]

_MOST_COLUMNS = 16_384  # as many as spreadsheets take; a node could send any number
_IN_MEMORY = 1 << 20  # bytes of entries that need no file on disk


class EntryWriter(Protocol):
    """Where entries go."""

    left_out: int
    """Values for which there was no room."""

    def add(self, entry: StatusEntry) -> None: ...

    def finish(self) -> None: ...


class JsonLines:
    """An object a line, as it comes: `ts`, `seq`, `values`, `next_ts`."""

    def __init__(self, out: IO[str]) -> None:
        self.left_out = 0
        self._out = out

    def add(self, entry: StatusEntry) -> None:
        following = None if entry.next_ts is None else iso(entry.next_ts)
        line = {"ts": iso(entry.ts), "seq": entry.seq, "values": entry.values, "next_ts": following}
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")

    def finish(self) -> None:
        self._out.flush()


class CsvTable:
    """Rows, written at the end."""

    def __init__(self, out: IO[str], fill: bool = False) -> None:
        """`fill`: a cell that would be empty has what was there before."""
        self.left_out = 0
        self._out = out
        self._fill = fill
        self._columns: dict[str, None] = {}
        self._kept: IO[str] = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115

    def add(self, entry: StatusEntry) -> None:
        cells: dict[str, Any] = {}
        for path, value in flat(entry.values):
            if path in self._columns or len(self._columns) < _MOST_COLUMNS:
                self._columns[path] = None
                cells[path] = written(value)
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
