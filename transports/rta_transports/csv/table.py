"""Reading a file in batches of rows. Whatever is malformed is left out, named, and costs nothing that is not.

A row is one line, so that a quote that is never closed costs one row. All of this blocks: it is for a worker
thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

from attrs import frozen

from rta.ports import MalformedError, Publish
from rta_transports.csv.cells import ParseCell, Value, excerpt
from rta_transports.csv.channels import MARK, FileChannels
from rta_transports.csv.file_lines import LINE_LIMIT, RowLines
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.layout.head_titles import places_of
from rta_transports.csv.layout.layout import TableLayout
from rta_transports.csv.layout.line_kind import LineKind, line_kind
from rta_transports.csv.layout.lines import split_line
from rta_transports.csv.long_table import LongTable
from rta_transports.csv.plain_rows import PlainRows
from rta_transports.csv.row_times import TimeOf
from rta_transports.csv.rows import Row
from rta_transports.csv.times.time_order import LEFT_OUT, RowSegment, TimeOrder

__all__ = ["CsvFile", "Fault", "RowBatch", "RowReader"]

_BATCH_ROWS = 1024
_BATCH_CHARACTERS = 1 << 18
_STRETCH_ROWS = 256  # that are looked at together: a cell that is no number holds up no more
_STRETCH_CHARACTERS = 1 << 15
_MOST_DOUBT = 15


class Fault(NamedTuple):
    """Something that was left out, or read in a way that ought to be told."""

    kind: str
    column: str
    """The header cell of the column, "" for a row."""
    detail: str
    """With the line."""
    cells: int
    """How many were lost; 0: nothing is left out."""


@frozen(slots=True)
class RowBatch:
    """Some rows and faults, both possibly none."""

    segments: list[RowSegment]
    faults: list[Fault]
    documents: list[Publish]
    """Of channels that these rows are the first to use."""
    cells: int
    """How many cells of samples or words were read, good or not."""

    @property
    def rows(self) -> list[Row]:
        return [row for segment in self.segments for row in segment.rows]


@frozen(slots=True)
class RowReader:
    """How the cells of a line become a row."""

    layout: TableLayout
    times: tuple[int, ...]
    """The columns of `time_of`."""
    time_of: TimeOf
    columns: Sequence[tuple[CsvColumn, ParseCell]]
    long: LongTable | None
    plain: PlainRows | None
    """Where numbers are read as `float` does; None: they are not."""


@frozen(slots=True)
class _OtherHeader:
    """A header further down with other columns, or the same in another order."""

    places: Sequence[int | None]
    """Where the columns of the first header stand."""
    more: Sequence[int]
    """Those that it does not have."""


class CsvFile:
    """An open file, at its first row. Holds one batch at most, and what `order` holds back."""

    def __init__(
        self,
        lines: RowLines,
        reader: Callable[[Callable[[str, str], None]], RowReader],
        channels: FileChannels,
        order: Callable[[Callable[[str, int, str], None]], TimeOrder],
    ) -> None:
        """`reader` and `order` get what they tell their notes."""
        self.channels = channels
        self.ended = False
        self._lines = lines
        self._each: Iterator[tuple[int, str | None]] | None = None
        self._waiting: deque[tuple[int, str | None]] = deque()
        """Lines of a stretch that are read one by one."""
        self._doubt = self._passed = 0
        """Stretches that are not tried, as the last ones were tried in vain; how many of them are behind."""
        self._line = 0
        self._faults: list[Fault] = []
        self._cells = 0
        self._reader = reader(self._note)
        self._order = order(self._out_of_order)
        self._width = len(self._reader.layout.titles)
        self._last_time: int | None = None
        self._after_header = False
        self._other_header: _OtherHeader | None = None

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return self._lines.share

    @property
    def line(self) -> int:
        """The number of the line that was read last."""
        return self._line

    @property
    def whole(self) -> bool:
        """Whether all of the file has been read."""
        return self.ended and self._lines.whole

    def close(self) -> None:
        self._lines.close()

    def read(self) -> RowBatch:
        """The next batch, which is empty while the rows are being sorted; sets `ended` at the end of the file.

        :raises OSError: the file cannot be read any more.
        :raises RtaError: the rows cannot be sorted.
        """
        if self._each is None:
            if not self._lines.prepare():
                return RowBatch([], [], [], 0)
            self._each = iter(self._lines)
        rows: list[Row] = []
        segments: list[RowSegment] = []
        self._faults, self._cells = [], 0
        size = 0
        while len(rows) + len(self._faults) < _BATCH_ROWS and size < _BATCH_CHARACTERS:
            if not self._waiting:
                stretch = _stretch(self._each, _STRETCH_ROWS if self._lines.in_stretches else 1)
                plain = self._plain_rows(stretch)
                rows += plain
                size += sum(len(line or "") for _, line in stretch[: len(plain)])
                self._waiting.extend(stretch[len(plain) :])
                self.ended = not stretch
                if self.ended:
                    break
                continue
            self._line, line = self._waiting.popleft()
            if line is None:
                break
            size += len(line)
            row = self._read_line(line)
            if row is None:
                continue
            if self._after_header:
                segments += self._order.feed(rows)
                segments += self._order.feed([row], after_header=True)
                rows, self._after_header = [], False
            else:
                rows.append(row)
        segments += self._order.feed(rows)
        if self.ended:
            segments += self._order.end()
        return RowBatch(segments, self._faults, self.channels.described(), self._cells)

    def _plain_rows(self, stretch: Sequence[tuple[int, str | None]]) -> list[Row]:
        """Those of the first lines, up to one that needs a closer look."""
        reader = self._reader
        lines = [line for _, line in stretch if line is not None and len(line) <= LINE_LIMIT]
        if reader.plain is None or reader.long is not None or len(lines) < max(2, len(stretch)):
            return []
        if self._after_header or self._other_header is not None:
            return []
        if self._passed < self._doubt:
            self._passed += 1
            return []
        found = reader.plain.of_lines(lines)
        self._doubt, self._passed = 0 if found is not None else min(2 * self._doubt + 1, _MOST_DOUBT), 0
        if found is None:
            return []
        values = cast("Sequence[list[Value | None]]", found.values)
        if found.times is not None:
            rows = [*map(Row, found.times, values, [number for number, _ in stretch])]
            self._last_time, self._line = rows[-1].time, rows[-1].line
        else:
            rows = self._timed_rows(stretch, lines, values)
        self._cells += len(rows) * len(reader.columns)
        return rows

    def _timed_rows(
        self, stretch: Sequence[tuple[int, str | None]], lines: Sequence[str], values: Sequence[list[Value | None]]
    ) -> list[Row]:
        """Up to a line whose time cannot be read."""
        reader = self._reader
        upto = max(reader.times) + 1
        rows: list[Row] = []
        for (self._line, _), line, numbers in zip(stretch, lines, values, strict=True):
            try:
                time = reader.time_of(line.rstrip("\n").split(reader.layout.delimiter, upto))
            except MalformedError:
                break
            rows.append(Row(time, numbers, self._line))
            self._last_time = time
        return rows

    def _read_line(self, line: str) -> Row | None:
        try:
            if len(line) > LINE_LIMIT and not line.endswith("\n"):
                if not line.strip("\0"):
                    return None
                raise MalformedError("line", f"longer than {LINE_LIMIT} characters")
            if line.isspace():
                return None
            comment = self._reader.layout.comment
            if comment and line.lstrip().startswith(comment):
                return None
            return self._row(split_line(line, self._reader.layout.delimiter))
        except MalformedError as e:
            self._lose(e.kind, str(e))
            return None

    def _row(self, cells: list[str]) -> Row | None:
        if self._other_header is not None:
            return self._row_below_another_header(cells, self._other_header)
        return self._row_of(cells, cells)

    def _row_below_another_header(self, cells: list[str], header: _OtherHeader) -> Row | None:
        placed = [cells[i] if i is not None and i < len(cells) else "" for i in header.places]
        row = self._row_of(placed, cells)
        lost = sum(bool(cells[i].strip()) for i in header.more if i < len(cells)) if row is not None else 0
        if lost:
            self._cells += lost
            self._fault("header", "", f"{lost} cells of columns that the first header does not have", lost)
        return row

    def _row_of(self, cells: list[str], line: list[str]) -> Row | None:
        """`line`: the cells as they stand, which may be no row at all."""
        reader = self._reader
        if len(cells) != self._width and not self._is_filled_up(cells):
            return self._other(line, MalformedError("row", f"{len(cells)} cells; the header has {self._width}"))
        try:
            time = reader.time_of(cells)
        except MalformedError as e:
            return self._other(line, e)
        key = 0
        if reader.long is not None:
            unit = "" if reader.long.unit is None else cells[reader.long.unit].strip()
            key = self.channels.key(reader.long.thing(cells), unit)
        plain = None if reader.plain is None else reader.plain.of_cells(cells)
        if plain is not None:
            self._cells += len(plain)
            self._last_time = time
            return Row(time, cast("list[Value | None]", plain), self._line, key)
        values, faults = self._values(cells, key)
        if any(v is not None for v in values):
            self._last_time = time
            return Row(time, values, self._line, key)
        if faults and line_kind(cells, reader.layout) is LineKind.MARK:
            del self._faults[-faults:]
            return self._mark(time, cells, [i for i, c in enumerate(cells) if c.strip() and i not in reader.times])
        return None

    def _values(self, cells: list[str], key: int) -> tuple[list[Value | None], int]:
        """One for each column, and how many cells could not be read."""
        values: list[Value | None] = []
        faults = 0
        for column, parse in self._reader.columns:
            text = cells[column.index]
            value = None
            if text and not text.isspace():
                self._cells += 1
                try:
                    value = parse(text)
                except MalformedError as e:
                    faults += 1
                    self._fault(e.kind, column.text, f"column {excerpt(column.text)}: {e}", 1)
                if type(value) is str:
                    self.channels.note_word(self.channels.columns(key)[len(values)])
            values.append(value)
        return values, faults

    def _is_filled_up(self, cells: list[str]) -> bool:
        """Whether what stands beyond the header is blank, which is nothing, or what is missing is: it is added."""
        if len(cells) < self._width:
            missing = self._width - len(cells) if len(cells) >= self._reader.layout.row_cells else 0
            cells += [""] * missing
            return missing > 0
        return not any(map(str.strip, cells[self._width :]))

    def _other(self, cells: list[str], fault: MalformedError) -> Row | None:
        """A line that is no row."""
        match line_kind(cells, self._reader.layout):
            case LineKind.HEADER:
                self._after_header, self._other_header = True, None
            case _ if (places := places_of(self._reader.layout.titles, cells)) is not None:
                self._after_header = True
                more = [i for i, cell in enumerate(cells) if cell.strip() and i not in places]
                self._other_header = _OtherHeader(places, more)
                self._note("header", "the columns are others from here on, and are read by their titles")
            case LineKind.PREAMBLE:
                self._note("preamble", f"{excerpt(' '.join(filter(None, cells)))} is of a further run, and no row")
            case LineKind.UNITS:
                self._note("units", f"other units, {', '.join(filter(None, cells))!r:.80}; values stay as they are")
            case LineKind.TOTAL:
                self._note("total", f"a line of totals, {excerpt(cells[0].strip())}, is no row")
            case LineKind.MARK if (time := self._time_of_mark(cells)) is not None:
                own = self._reader.times if self._has_time(cells) else ()
                return self._mark(time, cells, [i for i in range(len(cells)) if i not in own])
            case LineKind.ROW | LineKind.MARK:
                raise fault
        return None

    def _has_time(self, cells: list[str]) -> bool:
        try:
            self._reader.time_of(cells)
        except (MalformedError, IndexError):
            return False
        return True

    def _time_of_mark(self, cells: list[str]) -> int | None:
        """The mark's own time where it has one, else that of the row before it; None: there is neither."""
        return self._reader.time_of(cells) if self._has_time(cells) else self._last_time

    def _mark(self, time: int, cells: Sequence[str], which: Sequence[int]) -> Row:
        self.channels.columns(MARK)
        text = " ".join(cells[i].strip() for i in which).strip()
        return Row(time, ["".join(c if c.isprintable() else "?" for c in text)], self._line, MARK)

    def _lose(self, kind: str, detail: str) -> None:
        """A whole row is lost."""
        cells = max(1, len(self._reader.columns))
        self._cells += cells
        self._fault(kind, "", detail, cells)

    def _note(self, kind: str, detail: str) -> None:
        self._fault(kind, "", detail, 0)

    def _out_of_order(self, kind: str, line: int, detail: str) -> None:
        lost = len(self._reader.columns) if kind == LEFT_OUT else 0
        self._faults.append(Fault(kind, "", f"line {line}: {detail}", lost))

    def _fault(self, kind: str, column: str, detail: str, cells: int) -> None:
        self._faults.append(Fault(kind, column, f"line {self._line}: {detail}", cells))


def _stretch(each: Iterator[tuple[int, str | None]], most: int) -> list[tuple[int, str | None]]:
    """The next lines; none at the end of the file. A piece of a line that is too long is the last."""
    stretch: list[tuple[int, str | None]] = []
    size = 0
    for number, line in each:
        stretch.append((number, line))
        size += len(line or "")
        if line is None or len(stretch) >= most or size >= _STRETCH_CHARACTERS:
            break
    return stretch
