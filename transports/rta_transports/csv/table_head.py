"""Where a table begins among lines: the header, rows of units and sources below it, and the first row of values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from rta.ports import RtaError
from rta_transports.csv.cell_kinds import CellKind, kind_of
from rta_transports.csv.table_shape import TableShape, begin_of, cells_of, filled_width, text_share
from rta_transports.csv.units_row import are_numbers_of_columns, are_sources, are_units

__all__ = ["TableHead", "TableLine", "find_head", "is_comment", "has_time_title"]

_ABOVE = 8  # lines of texts before the first row, among which the header is
_BELOW = 5  # lines by which it is seen that rows go on
_KINDS_OF_TIME = r"(?:(?:log|local|gps|utc|elapsed|session|device|unix)[ _]?)?"
_TIMES = (
    "t|time|times|date|timestamp|datetime|zeit|uhrzeit|datum|zeitpunkt|zeitstempel|fecha|hora|heure|temps|horodatage|data"
    "|ora|tid|tidspunkt|tijd|tiempo|tempo|klockan|czas|aika"
)
_TIME_TITLE = re.compile(rf"#?\s*{_KINDS_OF_TIME}(?:{_TIMES})(?:$|[^a-z].*)", re.IGNORECASE)


def has_time_title(cells: Sequence[str]) -> bool:
    """Whether one of the cells is what the column of times is called."""
    return any(_TIME_TITLE.fullmatch(cell.strip()) for cell in begin_of(cells))


def is_comment(line: str, delimiter: str, marks: tuple[str, ...]) -> bool:
    """Whether a line begins with a mark of comments; one that is a cell of its own is a title, such as HOBO's `#`."""
    begun = line.lstrip(" \ufeff")
    if not begun.startswith(marks):
        return False
    mark = next(mark for mark in marks if begun.startswith(mark))
    first = begun.partition(delimiter)[0] if delimiter != " " else ""
    return delimiter == " " or (first != mark and kind_of(first) is not CellKind.MISSING)


@frozen
class TableLine:
    """A line of the head."""

    number: int
    """From 1; 0: there is no such line."""
    cells: tuple[str, ...]
    is_comment: bool = False


_NONE = TableLine(0, ())


@frozen
class TableHead:
    """Which lines are what; number 0 stands for none."""

    header: TableLine
    units: TableLine
    sources: TableLine
    first_line: int
    is_certain: bool
    """Whether the header is as wide as the rows."""
    unfit: TableLine
    """A line of texts right above the first row that is not as wide, where there is no header otherwise."""
    reasons: tuple[str, ...]


class _Lines:
    """The lines of the head as cells, split when they are asked for."""

    def __init__(self, lines: Sequence[str], shape: TableShape, marks: tuple[str, ...]) -> None:
        self._lines = lines
        self._shape = shape
        self._delimiter = shape.delimiter
        self._marks = marks
        self._known: dict[int, TableLine] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> TableLine:
        """The line of a number, counted from 1; a comment without its mark."""
        if number not in self._known:
            text = self._lines[number - 1]
            comment = is_comment(text, self._delimiter, self._marks)
            if comment:
                text = text.lstrip(" \ufeff")
                text = text.removeprefix(next(m for m in self._marks if text.startswith(m))).lstrip()
            cells = tuple(cell.strip() for cell in cells_of(text, self._delimiter))
            if self._delimiter == " " and len(cells) > self._shape.width:  # titles of several words, in columns
                columns = tuple(re.split(r"\s{2,}", text.strip()))
                cells = columns if self._shape.fits(columns) else cells
            self._known[number] = TableLine(number, cells, comment)
        return self._known[number]

    def behind(self, number: int) -> Iterator[TableLine]:
        """What is no comment and not blank, from the line after this one on."""
        return (line for n in range(number + 1, len(self) + 1) if not (line := self[n]).is_comment and any(line.cells))


def find_head(
    texts: Sequence[str], shape: TableShape, marks: tuple[str, ...], header: int | None, units: int | None
) -> TableHead | None:
    """Where the table begins; `header` and `units` win where they are set. None: there is no row.

    :raises RtaError: there is no such line.
    """
    for option, number in (("header", header), ("units", units)):
        if number and not "".join(texts[number - 1 : number]).strip():
            raise RtaError(f"{option}: line {number} is blank, or not among the first {len(texts)}")
    lines = _Lines(texts, shape, marks)
    first = _first_row(lines, shape, max(header or 0, units or 0))
    if first is None:
        return None
    if header:
        below = [line for line in lines.behind(header) if line.number < first and not shape.is_row(line.cells)]
        head = _assign([lines[header], *below][: 1 + _ABOVE], shape, first, True)
        head = evolve(head, reasons=(f"header line {header}, as set", *head.reasons[1:]))
    else:
        above = _texts_above(lines, shape, first) if header is None else []
        head = _assign([line for line in above if not units or line.number < units], shape, first)
        if header is None and not head.header.number:
            head = _without_header(head, lines, first)
        elif header is None:
            _check_runs(lines, head.header)
    if units is not None:
        reasons = [reason for reason in head.reasons if not reason.startswith("units")]
        line = lines[units] if units else _NONE
        head = evolve(head, units=line, reasons=(*reasons, f"units line {units}, as set"))
    last = max(head.header.number, head.units.number, head.sources.number)
    if head.units.number and are_numbers_of_columns(lines[first].cells):
        first = next((line.number for line in lines.behind(first)), first)
        return evolve(head, first_line=first)
    begin = next((n for n in range(last + 1, first) if _is_data(texts[n - 1], lines[n], shape)), first)
    return evolve(head, first_line=begin if last else first)


def _without_header(head: TableHead, lines: _Lines, first: int) -> TableHead:
    """A file may have no header; but titles may also stand there in a way that does not fit."""
    plain = [line for n in range(1, first) if not (line := lines[n]).is_comment and any(line.cells)]
    if plain and text_share(plain[-1].cells) >= 0.5:
        unfit = plain[-1] if filled_width(plain[-1].cells) > 1 else _NONE
        return evolve(head, unfit=unfit, is_certain=False)
    return head


def _check_runs(lines: _Lines, header: TableLine) -> None:
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


def _first_row(lines: _Lines, shape: TableShape, after: int) -> int | None:
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
    lines: _Lines, row: TableLine, shape: TableShape, seen: set[tuple[str, ...]], titles: tuple[str, ...]
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


def _texts_above(lines: _Lines, shape: TableShape, first: int) -> list[TableLine]:
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


def _assign(above: Sequence[TableLine], shape: TableShape, first: int, fixed: bool = False) -> TableHead:
    """The header is the last that is not of units or sources; `fixed`: it is the first line of them."""
    if not above:
        return TableHead(_NONE, _NONE, _NONE, first, True, _NONE, ("no header: no line of texts is above the values",))
    above = _with_index_names(above)
    best = max(map(_title_score, above))
    place = len(above) - 1
    while place and (fixed or _is_below(above, place, best)):
        place -= 1
    header, below = above[place], list(above[place + 1 :])
    reasons = [f"header line {header.number}: the last line of texts above the values"]
    units = next((line for line in below if _are_units(line.cells, header.cells)), _NONE)
    if units.number:
        reasons.append(f"units line {units.number}: most of its cells are units")
    rest = [line for line in below if line.number > units.number and shape.fits(line.cells)]
    sources = next((line for line in rest if are_sources(begin_of(line.cells)) or (units.number and not fixed)), _NONE)
    if sources.number:
        reasons.append(f"sources line {sources.number}: below the units")
    if (both := _two_lines(above[:place], header, below, (units.number, sources.number))) is not None:
        header = both
        reasons[0] = f"header lines {header.number} and the next of texts: names of groups are above others"
    return TableHead(header, units, sources, first, shape.fits(header.cells), _NONE, tuple(reasons))


def _with_index_names(above: Sequence[TableLine]) -> Sequence[TableLine]:
    """Pandas writes the name of the index alone in a line below the titles, which have a blank cell for it."""
    *titles, last = above
    if titles and last.cells[0] and not any(last.cells[1:]) and not any(line.cells[0] for line in titles):
        return [evolve(titles[0], cells=(last.cells[0], *titles[0].cells[1:])), *titles[1:]]
    return above


def _two_lines(
    before: Sequence[TableLine], header: TableLine, below: Sequence[TableLine], others: tuple[int, int]
) -> TableLine | None:
    """Names of groups such as `Lane 1` above titles that only they tell apart; None: the header is one line."""
    after = [line for line in below if line.number not in others]
    for upper, lower in [*zip(before[-1:], [header], strict=False), *zip([header], after, strict=False)]:
        if lower.number != upper.number + 1 or text_share(upper.cells) < 1 or text_share(lower.cells) < 1:
            continue
        lows = [cell for cell in lower.cells if cell]
        cells: list[str] = []
        group = ""
        for above, name in zip(upper.cells, lower.cells, strict=False):
            group = above or group
            cells.append(f"{group} {name}" if name and group != name else above or name)
        named = [cell for cell in cells if cell]
        if len({*lows}) < len(lows) > 1 and len({*named}) == len(named):
            return evolve(upper, cells=tuple(cells))
    return None


def _is_below(above: Sequence[TableLine], place: int, best: float) -> bool:
    cells, titles = above[place].cells, above[place - 1].cells
    if has_time_title(cells) and text_share(cells) == 1 and not has_time_title(titles):
        return False
    if (
        len(titles) > 2
        and all(titles)
        and has_time_title(titles)
        and not has_time_title(cells)
        and text_share(titles) == 1
    ):
        return True
    if any(kind_of(title) is CellKind.TIME for title in begin_of(titles)):  # a pair such as `Time,10:22`
        return False
    if _are_units(cells, titles) or are_sources(begin_of(cells)) or _title_score(above[place]) < best - 0.8:
        return True
    return place >= 2 and _are_units(titles, above[place - 2].cells)


def _are_units(cells: Sequence[str], titles: Sequence[str]) -> bool:
    return are_units(begin_of(cells), begin_of(titles))


def _title_score(line: TableLine) -> float:
    return text_share(line.cells) + (0.5 if has_time_title(line.cells) else 0)
