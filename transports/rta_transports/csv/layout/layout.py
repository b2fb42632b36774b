"""How a file is laid out: its encoding, delimiter and numbers, and which of its lines are what. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from rta.ports import MalformedError, RtaError
from rta_transports.csv.layout.cell_words import is_total
from rta_transports.csv.layout.encoding import decode_lines, detect_encoding
from rta_transports.csv.layout.facts import is_pair, read_facts
from rta_transports.csv.layout.head_lines import is_comment
from rta_transports.csv.layout.head_titles import TableHead, places_of
from rta_transports.csv.layout.number_format import NumberFormat, detect_number_format
from rta_transports.csv.layout.sample import FileSample
from rta_transports.csv.layout.table_search import LayoutOptions, find_table
from rta_transports.csv.layout.table_shape import TableShape, cells_of, filled_width

__all__ = ["LayoutOptions", "TableLayout", "detect_layout"]

_BEFORE = 10  # lines before the first row in which quotes are looked at
_CHARACTERS = 1 << 18
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "blanks"}
_CELLS = 10_000  # of rows that are kept, from each part
_ROWS = 2000
_COUNTED = 20_000  # cells by which the format of numbers is found
_SEPARATOR = re.compile(r'"?sep=([^"\r\n\0])"?', re.IGNORECASE)


@frozen
class TableLayout:
    """What a file's lines and cells mean. Lines are numbered from 1; 0 stands for none."""

    encoding: str
    """Name of a Python codec; with a mark at the beginning, one that leaves it out."""
    delimiter: str
    """One character; a blank stands for any number of blanks."""
    numbers: NumberFormat
    comment: str
    """What comment lines begin with; empty: there are none."""
    header: int
    units: int
    sources: int
    """A further line below the units: where the values of each column come from, or how."""
    first_line: int
    """The first row of values."""
    titles: tuple[str, ...]
    """The cells of the header, one for each column; "" where nothing stands."""
    unit_cells: tuple[str, ...]
    source_cells: tuple[str, ...]
    row_cells: int
    """Cells of most rows; where they are fewer than the titles, the last ones are left out while they are blank."""
    trailing: bool
    """Rows may have blank cells beyond the titles, which are no columns."""
    facts: tuple[tuple[str, str], ...]
    """What the lines before the table say: key and value; a text without a key has the key ""."""
    rows: tuple[tuple[str, ...], ...]
    """Some lines below the header: from the head, the middle and the end of the file; not only rows of values."""
    lines: tuple[int, ...]
    """The number of the line of each of the rows; 0 where it is not known."""
    reasons: tuple[str, ...]
    """Why it is taken as this, in short sentences."""


def detect_layout(sample: FileSample, options: LayoutOptions) -> TableLayout:
    """What is set in the options wins, and the rest is found by it.

    :raises RtaError: no table is found; says which option would help.
    """
    encoding, of_encoding = detect_encoding(sample, options.encoding)
    head, later = decode_lines(sample, encoding)
    if not any(map(str.strip, head)):
        raise RtaError("has nothing but blank lines; a header line and rows would be right")
    separator = _SEPARATOR.fullmatch(head[0].strip("\ufeff \t")) if len(head[0]) < 20 else None
    if separator:
        head[0] = ""
    delimiter = options.delimiter or (separator[1] if separator else None)
    shape, table, marks = find_table(head, later, delimiter, options)
    _check_quotes(head, shape, table)
    if table.unfit.number:
        line, cells = table.unfit.number, filled_width(table.unfit.cells)
        raise RtaError(
            f"line {line} has {cells} cells, but the rows below it {shape.width}; header = {line} takes it for "
            "the header, header = 0 says that there is none"
        )
    rows, lines = _sample_rows(head, later, shape, table, marks)
    titles, trailing = _titles(table, shape, rows)
    numbers, of_numbers = detect_number_format(
        _columns(rows, len(titles)), shape.delimiter, options.decimal, options.thousands
    )
    comment = options.comment
    return TableLayout(
        encoding=encoding,
        delimiter=shape.delimiter,
        numbers=numbers,
        comment=_comment_of([*head, *later], shape.delimiter, marks) if comment is None else comment,
        header=table.header.number,
        units=table.units.number,
        sources=table.sources.number,
        first_line=table.first_line,
        titles=titles,
        unit_cells=_padded([*map(_readable, table.units.cells)], len(titles)),
        source_cells=_padded([*map(_readable, table.sources.cells)], len(titles)),
        row_cells=shape.width,
        trailing=trailing,
        facts=read_facts(_preamble(head, shape.delimiter, table, marks)),
        rows=tuple(rows),
        lines=tuple(lines),
        reasons=(of_encoding, _of_delimiter(shape, options, separator is not None), of_numbers, *table.reasons),
    )


def _comment_of(lines: Sequence[str], delimiter: str, marks: tuple[str, ...]) -> str:
    """What the first comment begins with."""
    begun = next((line.lstrip(" \ufeff") for line in lines if is_comment(line, delimiter, marks)), "")
    return next((mark for mark in marks if begun.startswith(mark)), "")


def _sample_rows(
    head: Sequence[str], later: Sequence[str], shape: TableShape, table: TableHead, marks: tuple[str, ...]
) -> tuple[list[tuple[str, ...]], list[int]]:
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    titles = table.header.cells
    known = {titles, table.units.cells, table.sources.cells} - {()}
    for first, lines in ((table.first_line, head[table.first_line - 1 :]), (0, later)):
        room = _CELLS
        for i, line in enumerate(lines):
            if (room <= 0 and len(rows) > 2) or (not first and i > _ROWS) or (first and i > _ROWS):
                break
            cells = () if is_comment(line, shape.delimiter, marks) else tuple(cells_of(line, shape.delimiter))
            if tuple(map(str.strip, cells)) in known:
                while rows and not shape.is_row(rows[-1]):  # the preamble of a further run
                    rows.pop()
                    numbers.pop()
            elif shape.fits(cells) and any(cells) and not is_total(cells[0]) and not places_of(titles, cells):
                rows.append(cells)
                numbers.append(first + i if first else 0)
                room -= len(cells)
    return rows, numbers


def _titles(table: TableHead, shape: TableShape, rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], bool]:
    """The titles, one for each column, and whether rows go on behind them in blank cells."""
    used = max((filled_width(row) for row in rows), default=0)
    width = max(filled_width(table.header.cells), used)
    titles = tuple(_readable(cell) for cell in table.header.cells[:width])
    return _padded(titles, width), max(shape.width, len(table.header.cells)) > width


def _padded(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells[:width], *[""] * (width - len(cells)))


def _readable(cell: str) -> str:
    """Bytes that are wrong in the encoding are taken as Latin-1, for the sake of degree signs."""
    if cell.isascii():
        return cell
    return "".join(chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in cell)


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Cells by column, of rows from everywhere among these."""
    step = max(1, len(rows) * width // _COUNTED)
    some = rows[::step]
    return [[row[i] for row in some if i < len(row)] for i in range(min(width, _COUNTED))]


def _preamble(head: Sequence[str], delimiter: str, table: TableHead, marks: tuple[str, ...]) -> Iterator[Sequence[str]]:
    """The lines before the table as cells, comments without their marks."""
    above = table.header.number or table.first_line
    for number, line in enumerate(head[: table.first_line - 1], 1):
        comment = is_comment(line, delimiter, marks)
        if len(line) <= _CHARACTERS and (number < above or (comment and number > above)):
            if comment:
                text = line.lstrip(" \ufeff").lstrip("".join(marks)).strip()
                yield [text] if delimiter == " " or is_pair(text, delimiter) else cells_of(text, delimiter)
            else:
                yield cells_of(line, delimiter if delimiter != " " else "\t") or [line]


def _check_quotes(head: Sequence[str], shape: TableShape, table: TableHead) -> None:
    """A header cell that goes on over a line break would be misread."""
    first = max(0, table.first_line - 1 - _BEFORE)
    odd = [i for i in range(first, table.first_line - 1) if head[i].count('"') % 2]
    if len(odd) > 1 and shape.fits(cells_of(" ".join(head[odd[0] : odd[-1] + 1]), shape.delimiter)):
        raise MalformedError(
            "quotes", f"line {odd[0] + 1}: a cell in quotes goes on in the next line; the header must be one line"
        )


def _of_delimiter(shape: TableShape, options: LayoutOptions, separator: bool) -> str:
    name = f"delimiter {_NAMES.get(shape.delimiter, repr(shape.delimiter))}"
    if options.delimiter:
        return f"{name}, as set"
    return f"{name}: " + ("the first line says so" if separator else f"so most lines have {shape.width} cells")
