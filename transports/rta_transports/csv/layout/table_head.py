"""Where a table begins among lines: the header, rows of units and sources below it, and the first row of values."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from rta.ports import RtaError
from rta_transports.csv.layout.cell_kinds import kind_of
from rta_transports.csv.layout.head_lines import NO_LINE, HeadLines, TableLine, has_time_title
from rta_transports.csv.layout.head_titles import TableHead, assign_titles
from rta_transports.csv.layout.table_shape import TableShape, begin_of, filled_width, text_share
from rta_transports.csv.layout.units_row import are_numbers_of_columns

__all__ = ["find_head"]

_ABOVE = 8  # lines of texts before the first row, among which the header is
_BELOW = 5  # lines by which it is seen that rows go on


def find_head(
    texts: Sequence[str], shape: TableShape, marks: tuple[str, ...], header: int | None, units: int | None
) -> TableHead | None:
    """Where the table begins; `header` and `units` win where they are set. None: there is no row.

    :raises RtaError: there is no such line.
    """
    for option, number in (("header", header), ("units", units)):
        if number and not "".join(texts[number - 1 : number]).strip():
            raise RtaError(f"{option}: line {number} is blank, or not among the first {len(texts)}")
    lines = HeadLines(texts, shape, marks)
    first = _first_row(lines, shape, max(header or 0, units or 0))
    if first is None:
        return None
    if header:
        below = [line for line in lines.behind(header) if line.number < first and not shape.is_row(line.cells)]
        head = assign_titles([lines[header], *below][: 1 + _ABOVE], shape, first, True)
        head = evolve(head, reasons=(f"header line {header}, as set", *head.reasons[1:]))
    else:
        above = _texts_above(lines, shape, first) if header is None else []
        head = assign_titles([line for line in above if not units or line.number < units], shape, first)
        if header is None and not head.header.number:
            head = _without_header(head, lines, first)
        elif header is None:
            _check_runs(lines, head.header)
    if units is not None:
        reasons = [reason for reason in head.reasons if not reason.startswith("units")]
        line = lines[units] if units else NO_LINE
        head = evolve(head, units=line, reasons=(*reasons, f"units line {units}, as set"))
    last = max(head.header.number, head.units.number, head.sources.number)
    if head.units.number and are_numbers_of_columns(lines[first].cells):
        first = next((line.number for line in lines.behind(first)), first)
        return evolve(head, first_line=first)
    begin = next((n for n in range(last + 1, first) if _is_data(texts[n - 1], lines[n], shape)), first)
    return evolve(head, first_line=begin if last else first)


def _without_header(head: TableHead, lines: HeadLines, first: int) -> TableHead:
    """A file may have no header; but titles may also stand there in a way that does not fit."""
    plain = [line for n in range(1, first) if not (line := lines[n]).is_comment and any(line.cells)]
    if plain and text_share(plain[-1].cells) >= 0.5:
        unfit = plain[-1] if filled_width(plain[-1].cells) > 1 else NO_LINE
        return evolve(head, unfit=unfit, is_certain=False)
    return head


def _check_runs(lines: HeadLines, header: TableLine) -> None:
    """Rows below an earlier header with fewer titles would be lost."""
    titles = {*filter(None, header.cells)}
    for n in range(1, header.number):
        early = {*filter(None, lines[n].cells)}
        if len(early) > 1 and early < titles and has_time_title(lines[n].cells):
            raise RtaError(
                f"line {header.number} is a header with more titles than that of line {n}; put the two runs into two "
                f"files, or say header = {n} or {header.number} to read one of them"
            )


def _is_data(text: str, line: TableLine, shape: TableShape) -> bool:
    """Whether a line between the header and the first good row is a row too, if a bad one."""
    if line.is_comment or not text.strip():
        return False
    broken = not line.cells
    return broken or (shape.fits(line.cells) and any(kind_of(cell).is_value for cell in begin_of(line.cells)))


def _first_row(lines: HeadLines, shape: TableShape, after: int) -> int | None:
    seen: set[tuple[str, ...]] = set()
    titles: tuple[str, ...] = ()
    for line in lines.behind(after):
        if shape.is_row(line.cells) and (after or _goes_on(lines, line, shape, seen, titles)):
            return line.number
        if _is_title(line, shape):
            titles = line.cells
        seen.add(line.cells)
    return next((line.number for line in lines.behind(after) if shape.is_row(line.cells)), None)


def _goes_on(
    lines: HeadLines, row: TableLine, shape: TableShape, seen: set[tuple[str, ...]], titles: tuple[str, ...]
) -> bool:
    """Whether more rows follow, and no header: numbers of channels may stand above it."""
    rows = others = 0
    for line in lines.behind(row.number):
        if line.cells in seen:
            continue
        if _is_title(line, shape) and rows + others < 3 and (not titles or has_time_title(line.cells)):
            return has_time_title(titles) and len({*titles} & {*line.cells}) >= 0.5 * len({*titles})
        if shape.is_row(line.cells):
            rows += 1
        else:
            others += 1
        if rows + others == _BELOW:
            break
    return bool(titles) or rows >= others


def _is_title(line: TableLine, shape: TableShape) -> bool:
    """Whether a line is surely a header: texts, all of them different, over most of the columns."""
    begin = begin_of(line.cells)
    filled = [cell for cell in begin if cell]
    return (
        shape.fits(line.cells)
        and len(filled) >= 0.6 * min(shape.core, len(begin))
        and len(set(filled)) >= 0.6 * len(filled)
        and text_share(line.cells) == 1
    )


def _texts_above(lines: HeadLines, shape: TableShape, first: int) -> list[TableLine]:
    """The lines before the first row that may be the header, or stand below it."""
    before = [line for n in range(1, first) if any((line := lines[n]).cells)]
    plain = [line for line in before if not line.is_comment]
    fitting = [line for line in plain if shape.fits(line.cells) and text_share(line.cells) > 0]
    if not fitting:
        comments = [line for line in before if line.is_comment and shape.fits(line.cells)]
        fitting = [line for line in comments[-1:] if text_share(line.cells) > 0.5]
    if plain and text_share(plain[-1].cells) == 1:  # titles are missing, or are too many
        width = filled_width(plain[-1].cells)
        narrower = width >= 2 and width >= shape.core - 2 and 2 * width > shape.core
        if (width > shape.width and all(plain[-1].cells[:width])) or (narrower and not fitting):
            fitting = plain[-1:]
    return fitting[-_ABOVE:]
