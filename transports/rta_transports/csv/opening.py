"""Opening a file: it is understood, and everything said against it and its options. Blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

from attrs import frozen

from rta.ports import RtaError, find_zone
from rta.wire import SampleType
from rta_transports.csv.cells import parser
from rta_transports.csv.channels import FileChannels
from rta_transports.csv.contents import Content
from rta_transports.csv.file_lines import FileLines, RowLines
from rta_transports.csv.layout.number_format import NumberFormat
from rta_transports.csv.layout.sample import read_sample
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.plain_rows import PlainRows
from rta_transports.csv.row_times import TimeOf, row_times
from rta_transports.csv.sorted_lines import SortedLines
from rta_transports.csv.table import CsvFile, RowReader
from rta_transports.csv.times.local_times import Note
from rta_transports.csv.times.time_order import TimeOrder
from rta_transports.csv.understanding import UnderstoodFile, understand

__all__ = ["OpenedFile", "open_file"]


@frozen
class OpenedFile:
    """A file at its first row, and how it is read."""

    table: CsvFile
    understood: UnderstoodFile


def open_file(
    path: Path, options: CsvOptions, now: int | None = None, most: int | None = None, *, arrays: bool = False
) -> OpenedFile:
    """The file, at its first row. `now`, ns since the Unix epoch, is for years of two digits. `most`: no more lines
    than these are read where the rows have to be sorted. `arrays`: the values of rows may be arrays, not lists.

    :raises RtaError: it, or an option, is not fit; one line for each reason.
    """
    shown = "".join(c if c.isprintable() else "?" for c in str(path))
    problems = _problems_of(options)
    found: UnderstoodFile | None = None
    try:
        found = understand(read_sample(path), options, problems, now)
    except RtaError as e:
        problems.append(str(e))
    if found is None or problems:
        raise RtaError("\n".join(f"{shown}: {p}" for p in problems))
    try:
        table = _open_at_first_row(path, options, found, most, arrays)
    except OSError as e:
        raise RtaError(f"{shown}: cannot be read: {e.strerror or e}") from None
    return OpenedFile(table, found)


def _problems_of(options: CsvOptions) -> list[str]:
    problems = []
    if options.kind == "periodic" and options.interval is None:
        problems.append('kind = "periodic" needs an interval, the time between two rows')
    if find_zone(options.timezone) is None:
        problems.append(f"timezone: there is no zone {options.timezone!r}; a name like Europe/London would be right")
    if options.loop and options.identity:
        problems.append("identity: cannot be set with loop, as every round is a session of its own")
    if options.time_unit is not None and options.time_format is not None:
        problems.append("time_unit and time_format both say what the times are: one of them is enough")
    return problems


def _open_at_first_row(
    path: Path, options: CsvOptions, found: UnderstoodFile, most: int | None, arrays: bool
) -> CsvFile:
    zone = find_zone(options.timezone) or UTC
    layout, missing = found.layout, frozenset(options.missing)
    plain = layout.numbers == NumberFormat()
    normalise = None if plain else layout.numbers.normalise

    def times(note: Note) -> TimeOf:
        return row_times(found.time, found.long, zone, note)

    lines: RowLines
    if found.order.as_it_stands:
        lines, time_of = FileLines(path, layout), times
    else:
        lines = by_time = SortedLines(path, layout, found.long, found.order, times, most)
        time_of = by_time.times

    def reader(note: Note) -> RowReader:
        return RowReader(
            layout=layout,
            times=found.time.columns,
            time_of=time_of(note),
            columns=[(c, parser(c.type, c.content, normalise, missing)) for c in found.header.columns],
            long=found.long,
            plain=_plain(found, arrays=arrays) if normalise is None and not missing else None,
        )

    def order(report: Callable[[str, int, str], None]) -> TimeOrder:
        def told(kind: str, line: int, detail: str) -> None:
            report(kind, line, detail + hint)

        hint = "; if these are local times, say timezone" if found.time.format.local and zone is UTC else ""
        scale, unit = found.time.format.scale, found.time.format.unit_ns
        return TimeOrder(scale, unit, options.on_time_back, told, long=found.long is not None)

    channels = FileChannels(found.header.columns, options, long=found.long is not None)
    try:
        return CsvFile(lines, reader, channels, order)
    except BaseException:
        lines.close()
        raise


def _plain(found: UnderstoodFile, *, arrays: bool) -> PlainRows | None:
    columns, time = found.header.columns, found.time
    if any(c.type is not SampleType.F64 or c.content in (Content.WORDS, Content.HEXADECIMAL) for c in columns):
        return None
    plain = time.columns[0] if time.format.as_float and len(time.columns) == 1 else None
    return PlainRows(found.layout, columns, plain, time.format.unit_ns, arrays)
