"""Opening a file: it is understood, and everything said against it and its options. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from operator import itemgetter
from pathlib import Path

from attrs import frozen

from rta.ports import RtaError, find_zone
from rta.wire import SampleType
from rta_transports.csv.cells import parser
from rta_transports.csv.channels import FileChannels
from rta_transports.csv.contents import Content
from rta_transports.csv.encoding import decode_errors
from rta_transports.csv.number_format import NumberFormat
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.sample import read_sample
from rta_transports.csv.table import LINE_LIMIT, CsvFile, RowReader
from rta_transports.csv.time_order import TimeOrder
from rta_transports.csv.understanding import UnderstoodFile, understand

__all__ = ["OpenedFile", "open_file"]


@frozen
class OpenedFile:
    """A file at its first row, and how it is read."""

    table: CsvFile
    understood: UnderstoodFile


def open_file(path: Path, options: CsvOptions, now: int | None = None) -> OpenedFile:
    """The file, at its first row. `now`, ns since the Unix epoch, is for years of two digits.

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
        table = _open_at_first_row(path, options, found)
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
    return problems


def _open_at_first_row(path: Path, options: CsvOptions, found: UnderstoodFile) -> CsvFile:
    zone = find_zone(options.timezone) or UTC
    layout, missing = found.layout, frozenset(options.missing)
    plain = layout.numbers == NumberFormat()
    normalise = None if plain else layout.numbers.normalise

    def reader(note: Callable[[str, str], None]) -> RowReader:
        return RowReader(
            layout=layout,
            times=found.time.columns,
            parse_time=found.time.format.parser(zone, note),
            columns=[(c, parser(c.type, c.content, normalise, missing)) for c in found.header.columns],
            long=found.long,
            plain=_plain(found) if normalise is None and not missing else None,
        )

    def order(report: Callable[[str, int, str], None]) -> TimeOrder:
        def told(kind: str, line: int, detail: str) -> None:
            report(kind, line, detail + hint)

        hint = "; if these are local times, say timezone" if found.time.format.local and zone is UTC else ""
        return TimeOrder(found.time.format.scale, found.time.format.unit_ns, options.on_time_back, told)

    channels = FileChannels(found.header.columns, options, long=found.long is not None)
    file = path.open(encoding=layout.encoding, errors=decode_errors(layout.encoding))
    try:
        for _ in range(layout.first_line - 1):
            while len(line := file.readline(LINE_LIMIT)) == LINE_LIMIT and not line.endswith("\n"):
                pass
        return CsvFile(file, reader, channels, order, layout.first_line - 1, path.stat().st_size)
    except BaseException:
        file.close()
        raise


def _plain(found: UnderstoodFile) -> Callable[[list[str]], Sequence[str]] | None:
    columns = found.header.columns
    if any(c.type is not SampleType.F64 or c.content is Content.WORDS for c in columns):
        return None
    first, last = columns[0].index, columns[-1].index
    if last - first + 1 == len(columns):
        return itemgetter(slice(first, last + 1))
    return itemgetter(*[c.index for c in columns])
