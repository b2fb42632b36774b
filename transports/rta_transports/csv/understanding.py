"""How a file is read: its layout, its times, what its columns hold, whether it is a long table. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from attrs import frozen

from rta.ports import MalformedError, find_zone
from rta_transports.csv.contents import Content, content_of
from rta_transports.csv.header import ColumnNames, Header, read_header
from rta_transports.csv.layout.layout import LayoutOptions, TableLayout, detect_layout
from rta_transports.csv.layout.sample import FileSample
from rta_transports.csv.long_table import LongTable, find_long, unit_column
from rta_transports.csv.options import CsvOptions, names_in
from rta_transports.csv.recording import Recording, read_recording
from rta_transports.csv.row_order import RowOrder, row_order
from rta_transports.csv.row_times import row_times
from rta_transports.csv.times.time_column import TimeChoice, find_time
from rta_transports.csv.times.time_formats import TimeScale

__all__ = ["UnderstoodFile", "understand"]

_LOOKED_AT = 1000  # cells of a column
_WIDEST_LONG = 100  # columns: a table with more is no long one


@frozen
class UnderstoodFile:
    """How the rows are read."""

    layout: TableLayout
    names: ColumnNames
    time: TimeChoice
    long: LongTable | None
    order: RowOrder
    header: Header
    recording: Recording

    @property
    def dated(self) -> bool:
        """Whether its times are moments since 1970."""
        return self.time.format.scale is TimeScale.EPOCH or self.recording.offset != 0


def understand(sample: FileSample, options: CsvOptions, problems: list[str], now: int | None) -> UnderstoodFile | None:
    """How the rows are read; adds to the problems what is wrong with the options that name columns.

    :raises RtaError: no table is found in it, or no time.
    """
    layout = detect_layout(
        sample,
        LayoutOptions(
            encoding=options.encoding,
            delimiter=options.delimiter,
            decimal=options.decimal,
            thousands=options.thousands,
            comment=options.comment,
            header=options.header,
            units=options.units,
        ),
    )
    names = ColumnNames(layout.titles, layout.unit_cells, layout.source_cells)
    cells = _columns(layout)
    before = len(problems)
    given = _places(names, "time_column", options.time_column, problems)
    if len(given) > 2:
        problems.append("time_column: one column, or those of the date and the time of day, would be right")
    if options.columns is not None and len(problems) > before:  # say what else is wrong before the times are sought
        for wanted in options.columns:
            names.one("columns", wanted, problems)
    if len(problems) > before:
        return None
    time = find_time(
        names.texts,
        [t.unit for t in names.titles],
        cells,
        given,
        options.time_format or options.time_unit,
        layout.numbers.decimal,
        now,
    )
    contents = _Contents(cells, layout, options)
    timed = _TimedRows(layout, time)
    long, without = _long(names, timed, time, contents, options, problems)
    if len(problems) > before:
        return None
    header, more = read_header(names, time.columns, contents, without, options)
    problems += more
    zone = find_zone(options.timezone) or UTC
    recording, wrong = read_recording(layout.facts, time.format, zone, options.origin, now)
    problems += wrong
    things = None if long is None else [long.thing(row) for row in timed.rows]
    kept = options.sort is None and options.on_time_back == "keep"
    order = row_order(timed.times, things, time.format.scale, False if kept else options.sort)
    return UnderstoodFile(layout, names, time, long, order, header, recording)


class _Contents:
    """What each column holds, found out when it is asked."""

    def __init__(self, cells: Sequence[Sequence[str]], layout: TableLayout, options: CsvOptions) -> None:
        self._cells, self._layout = cells, layout
        self._missing = frozenset(options.missing)
        self._known: dict[int, Content] = {}

    def __call__(self, column: int) -> Content:
        if column not in self._known:
            cells = self._cells[column]
            texts = [text.strip() for text in cells[:: max(1, len(cells) // _LOOKED_AT)]]
            self._known[column] = content_of(texts, self._layout.numbers.normalise, self._missing)
        return self._known[column]


def _columns(layout: TableLayout) -> list[list[str]]:
    """The sample by column; rows that are cut short have blank cells."""
    width = len(layout.titles)
    rows = [(*row, *[""] * (width - len(row))) if len(row) < width else row for row in layout.rows]
    return [[row[i] for row in rows] for i in range(width)]


def _places(names: ColumnNames, option: str, wanted: str | list[str] | None, problems: list[str]) -> list[int]:
    return [i for name in names_in(wanted) if name and (i := names.one(option, name, problems)) is not None]


def _long(
    names: ColumnNames,
    timed: _TimedRows,
    time: TimeChoice,
    contents: _Contents,
    options: CsvOptions,
    problems: list[str],
) -> tuple[LongTable | None, set[int]]:
    """How things are told apart, and the columns that are no values of theirs."""
    width = len(names.texts)
    long: LongTable | None = None
    if options.channel is None:
        long = _found_long(names, timed, time, contents)
    elif not options.is_wide:
        long = LongTable(tuple(_places(names, "channel", options.channel, problems)), unit_column(names.texts))
    if long is None and options.value is not None:
        problems.append("value: is for long tables; channel says which columns name the thing")
    if long is None:
        return None, set()
    values = set(_places(names, "value", options.value, problems)) if options.value is not None else set(range(width))
    return long, {i for i in range(width) if i in long.keys or i == long.unit or i not in values}


class _TimedRows:
    """The rows of the sample that have a time, in the order of the file."""

    def __init__(self, layout: TableLayout, time: TimeChoice) -> None:
        time_of = row_times(time, None, UTC, lambda kind, detail: None)
        self.times: list[int] = []
        self.rows: list[tuple[str, ...]] = []
        self.first = 0
        """How many of them stand at the beginning of the file, without a gap."""
        for row, line in zip(layout.rows, layout.lines, strict=True):
            if len(row) >= len(layout.titles):
                try:
                    self.times.append(time_of(row))
                except MalformedError:
                    continue
                self.rows.append(row)
                self.first += line > 0


def _found_long(names: ColumnNames, timed: _TimedRows, time: TimeChoice, contents: _Contents) -> LongTable | None:
    if not timed.first:
        return None
    width = min(len(names.texts), _WIDEST_LONG)
    known = [None if i in time.columns else contents(i) for i in range(width)]
    return find_long(names.texts, timed.times, timed.rows, known, timed.first)
