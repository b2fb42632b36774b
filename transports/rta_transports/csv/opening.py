"""Opening a file: everything that can be said against it and its options before the first row. Blocks."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TextIO

from rta.ports import MalformedError, RtaError, find_zone
from rta_transports.csv.header import read_header
from rta_transports.csv.lines import split_line
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.table import LINE_LIMIT, CsvFile
from rta_transports.csv.times import Note, ParseTime, iso_times, numeric_times

__all__ = ["open_table"]


def open_table(path: Path, options: CsvOptions) -> CsvFile:
    """The file, at its first row.

    :raises RtaError: it, or an option, is not fit; one line for each reason.
    """
    shown = "".join(c if c.isprintable() else "?" for c in str(path))
    problems = _problems_of(options)
    table = None
    try:
        file = _open_file(path)
        try:
            table = _read_head(file, options, problems)
        finally:
            if table is None or problems:
                file.close()
    except OSError as e:
        problems.append(f"cannot be read: {e.strerror or e}")
    except RtaError as e:
        problems.append(str(e))
    if table is None or problems:
        raise RtaError("\n".join(f"{shown}: {p}" for p in problems))
    return table


def _problems_of(options: CsvOptions) -> list[str]:
    problems = []
    if options.kind == "periodic" and options.interval is None:
        problems.append('kind = "periodic" needs an interval, the time between two rows')
    if find_zone(options.timezone) is None:
        problems.append(f"timezone: there is no zone {options.timezone!r}; a name like Europe/London would be right")
    if options.loop and options.identity:
        problems.append("identity: cannot be set with loop, as every round is a session of its own")
    return problems


def _open_file(path: Path) -> TextIO:
    try:
        if stat.S_ISREG(path.stat().st_mode):  # opening a pipe might wait for ever
            return path.open(encoding="utf-8-sig", errors="surrogateescape")
    except ValueError as e:
        raise RtaError(f"is not a path: {e}") from None
    raise RtaError("is not a file")


def _read_head(file: TextIO, options: CsvOptions, problems: list[str]) -> CsvFile:
    """The table; adds to the problems what is wrong with it."""
    lines, line = _next_line(file)
    if not line:
        raise RtaError("is empty; a header line and rows would be right")
    if len(line) > LINE_LIMIT:
        raise RtaError(f"the header is longer than {LINE_LIMIT} characters")
    if "\0" in line:
        raise RtaError("the header has NUL bytes in it; a text file in UTF-8 would be right")
    try:
        cells = split_line(_readable(line), options.delimiter)
    except MalformedError as e:
        raise RtaError(f"the header, which must be one line: {e}") from None
    header, wrong = read_header(cells, options)
    problems += wrong
    blank, first = _next_line(file)
    if not first:
        problems.append("has a header but no rows")
    return CsvFile(file, header, options.delimiter, _times(options), lines + blank - 1, first)


def _times(options: CsvOptions) -> Callable[[Note], ParseTime]:
    zone = find_zone(options.timezone) or UTC  # an unknown one is a problem, and the table is not used
    unit = options.time_unit
    return lambda note: iso_times(zone, note) if unit == "iso" else numeric_times(unit)


def _next_line(file: TextIO) -> tuple[int, str]:
    """How many lines were read, and the last: the first that is not blank, or "" at the end of the file."""
    lines = 1
    while (line := file.readline(LINE_LIMIT + 1)).isspace():
        lines += 1
    return lines, line


def _readable(line: str) -> str:
    """A header that is not in UTF-8 is taken as Latin-1, for the sake of degree signs."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return line.encode(errors="surrogateescape").decode("latin-1")
    return line
