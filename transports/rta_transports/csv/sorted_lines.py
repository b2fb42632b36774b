"""The lines of a file in another order: the last one first, or by the times of their rows. Blocks.

Where each line begins and its time are kept in memory, 16 bytes a line; its text is read when it is due.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from rta.ports import MalformedError, RtaError
from rta_transports.csv.file_lines import LINE_LIMIT, open_text
from rta_transports.csv.layout.encoding import decode_errors
from rta_transports.csv.layout.head_titles import places_of
from rta_transports.csv.layout.layout import TableLayout
from rta_transports.csv.layout.lines import split_line
from rta_transports.csv.long_table import LongTable
from rta_transports.csv.row_order import RowOrder
from rta_transports.csv.row_times import TimeOf
from rta_transports.csv.times.local_times import Note

__all__ = ["MOST_LINES", "SortedLines"]

MOST_LINES = 20_000_000
"""Of a file that is sorted."""
_BYTES = 4 * LINE_LIMIT  # of a line that are read
_AT_ONCE = 20_000  # lines of one part of the work
_NEVER = -(1 << 63)
_KNOWN, _NOTED = 1, 2  # of a line: its time is known; there was something to note
_ONE_BYTE = ("utf-8", "utf-8-sig", "ascii", "cp125", "iso8859", "latin-1", "koi8", "mac-")


class SortedLines:
    """Finds where the lines are, then their times, then reads them in order."""

    in_stretches = False

    def __init__(
        self,
        path: Path,
        layout: TableLayout,
        long: LongTable | None,
        order: RowOrder,
        times: Callable[[Note], TimeOf],
        most: int | None,
    ) -> None:
        """`times`: makes what reads the times of the rows in the order of the file, or back from its end. `most`: so
        many lines are sorted, and no more.

        :raises OSError: the file cannot be read.
        """
        self._path, self._layout, self._long, self._order = path, layout, long, order
        self._times = times
        self._most = most
        self._encoding, self._errors = layout.encoding, decode_errors(layout.encoding)
        self._file: BinaryIO = path.open("rb")
        self._stamp = self._stamped()
        self._size = max(1, self._stamp[0])
        self._noted = False
        self._time_of = times(self._note)
        self._places = array("q")
        """Of each line in the file: four times the byte where it begins, and the flags."""
        self._known = array("q")
        """Times in the order in which they are found; of a line without one, that of the line before."""
        self._last: dict[tuple[str, ...], int] = {}
        """Of each thing: its latest time."""
        self._work = self._prepare()
        self._due = (_NEVER, 0)
        self._read = 0
        self.whole = True

    @property
    def share(self) -> float:
        lines = max(1, len(self._places))
        if self._read or len(self._known) == lines:
            return 0.4 + 0.6 * self._read / lines
        found = 1.0 if self._known else min(1.0, self._file.tell() / self._size)
        return 0.1 * found + 0.3 * len(self._known) / lines

    def prepare(self) -> bool:
        """A part of the work; True once all is done.

        :raises RtaError: there are too many lines, or their times do not tell an order.
        """
        for _ in self._work:
            return False
        return True

    def __iter__(self) -> Iterator[tuple[int, str]]:
        places, times, first, lines = self._places, self._known, self._layout.first_line, len(self._places)
        for found in self._by_time() if self._order.sorted else range(lines):
            line = self._line(found)
            self._due = times[found], places[line]
            self._read += 1
            yield first + line, self._text(line)
            if self._read % _AT_ONCE == 0:
                self._check_unchanged()
        self._check_unchanged()

    def _stamped(self) -> tuple[int, int]:
        """Size and time of the last change of what is read."""
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns

    def _check_unchanged(self) -> None:
        """The places of the lines and their times are known from before, and the lines are read now."""
        if self._stamped() != self._stamp:
            raise OSError("it has changed while it was read")

    def times(self, note: Note) -> TimeOf:
        """What gives the time of the line that has come last, which is known already; notes what there is to note."""
        anew = self._times(note)

        def time_of(cells: Sequence[str]) -> int:
            time, place = self._due
            if place & _NOTED:
                self._times(note)(cells)  # one that knows nothing of other rows notes the same again
            return time if place & _KNOWN else anew(cells)

        return time_of

    def close(self) -> None:
        self._work.close()
        self._file.close()

    def _prepare(self) -> Generator[None]:
        if not self._encoding.startswith(_ONE_BYTE):
            yield from self._copy()
        for lone in self._find_lines():
            if lone:
                yield from self._copy()
                yield from (None for _ in self._find_lines())
                break
            yield
        yield from self._find_times()

    def _find_lines(self) -> Iterator[bool]:
        """Where the lines begin; yields whether there is a line end that is not seen in bytes."""
        self._places = array("q")
        self._file.seek(0)
        number, place, begins = 0, 0, True
        while piece := self._file.readline(_BYTES):
            number += begins
            if begins and number >= self._layout.first_line:
                if len(self._places) == self._most:
                    self.whole = False
                    return
                if len(self._places) == MOST_LINES:
                    raise RtaError(
                        f"{self._path}: has more than {MOST_LINES} lines, too many to be sorted here; "
                        "sort = false plays them as they stand"
                    )
                self._places.append(place * 4)
            place += len(piece)
            begins = piece.endswith(b"\n")
            if b"\r" in piece and b"\r" in piece.removesuffix(b"\n").removesuffix(b"\r"):
                yield True
            if number % _AT_ONCE == 0:
                yield False

    def _find_times(self) -> Iterator[None]:
        time = _NEVER
        for found in range(len(self._places)):
            line = self._line(found)
            self._noted = False
            cells: list[str] = []
            try:
                cells = split_line(self._text(line), self._layout.delimiter)
                time = self._time_of(cells)
                self._places[line] += _KNOWN + self._noted * _NOTED
                if self._order.careful:
                    self._check(time, cells, line)
            except (MalformedError, IndexError):
                self._check_titles(cells, line)  # the rest is told when the line is read
            self._known.append(time)
            if found % _AT_ONCE == 0:
                yield

    def _check_titles(self, cells: Sequence[str], line: int) -> None:
        """Rows are read by the header that stands above them in the file, which sorting would take away."""
        titles = self._layout.titles
        places = places_of(titles, cells)
        if places is not None and places != [i if title else None for i, title in enumerate(titles)]:
            raise RtaError(
                f"{self._path}: line {self._layout.first_line + line}: the columns are others from here on, so the "
                "rows cannot be sorted; put the parts into files of their own, or say sort = false"
            )

    def _check(self, time: int, cells: Sequence[str], line: int) -> None:
        thing = () if self._long is None else self._long.thing(cells)
        if time < self._last.get(thing, time):
            raise RtaError(
                f"{self._path}: line {self._layout.first_line + line}: the time of {' '.join(thing)!r} goes back, so "
                "the times do not tell in which order the rows are; sort = true sorts them all the same, sort = false "
                "plays them as they stand"
            )
        self._last[thing] = time

    def _by_time(self) -> Iterator[int]:
        ranks: npt.NDArray[np.intp] = np.argsort(np.frombuffer(self._known, np.int64), kind="stable")
        for begin in range(0, len(ranks), _AT_ONCE):
            yield from ranks[begin : begin + _AT_ONCE].tolist()

    def _line(self, found: int) -> int:
        return len(self._places) - 1 - found if self._order.backwards else found

    def _text(self, line: int) -> str:
        self._file.seek(self._places[line] >> 2)
        text = self._file.readline(_BYTES).decode(self._encoding, self._errors)[: LINE_LIMIT + 1]
        return text[:-2] + "\n" if text.endswith("\r\n") else text.removesuffix("\r")

    def _note(self, kind: str, detail: str) -> None:
        self._noted = True

    def _copy(self) -> Iterator[None]:
        """Has the lines in UTF-8 in a file without a name, where lines end in one byte."""
        copy = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.close()
        self._file = copy
        with open_text(self._path, self._encoding) as text:
            for number, line in enumerate(iter(lambda: text.readline(LINE_LIMIT), ""), 1):
                copy.write(line.encode("utf-8", "surrogatepass"))
                if self._most is not None and number >= self._layout.first_line + self._most:
                    self.whole = False
                    break
                if number % _AT_ONCE == 0:
                    yield
        self._encoding, self._errors = "utf-8", "surrogatepass"
        copy.flush()
        self._stamp = self._stamped()
        self._size = max(1, copy.tell())
