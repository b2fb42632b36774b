"""What a line is that is no row of values: a header again, a comment, a mark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from rta_transports.csv.layout.cell_kinds import CellKind, kind_of
from rta_transports.csv.layout.cell_words import is_total
from rta_transports.csv.layout.head_titles import NOTHING
from rta_transports.csv.layout.layout import TableLayout
from rta_transports.csv.layout.units_row import is_unit_cell

__all__ = ["LineKind", "line_kind"]

_MARK = re.compile(
    r"(?:laps?|markers?|marks?|beacons?|splits?|sectors?|events?|pits?|notes?|comments?|pause[ds]?|resume[ds]?|start(?:ed)?"
    r"|stop(?:ped)?|session|bookmark|flag|trigger|annotation)\b[\s#:_.-]*\d*",
    re.IGNORECASE,
)


_NAMED_MARK = re.compile(r"(?:MARK|Mark|LAP|Lap|MARKER|Marker|BEACON|Beacon|NOTE|Note|EVENT|Event)\b.*")


class LineKind(Enum):
    """What a line is."""

    ROW = "row"
    HEADER = "header"
    """The titles, units or sources again."""
    COMMENT = "comment"
    MARK = "mark"
    """A moment with a name instead of values, such as the end of a lap."""
    PREAMBLE = "preamble"
    """As those before the table, of a further run."""
    UNITS = "units"
    """Other units than those of the first run."""
    TOTAL = "total"
    """What the rows come to, or how many they are."""
    BLANK = "blank"


def line_kind(cells: Sequence[str], layout: TableLayout) -> LineKind:
    """What the cells of a line are; for lines that could not be read as a row."""
    filled = [(i, text) for i, cell in enumerate(cells) if (text := cell.strip(NOTHING))]
    if not filled:
        return LineKind.BLANK
    first = filled[0][1]
    if _repeats(cells, layout):
        return LineKind.HEADER
    marked = first.startswith("#") or (layout.comment != "" and first.startswith(layout.comment))
    if marked and filled[0][0] == 0 and kind_of(first) is CellKind.TEXT:
        return LineKind.COMMENT
    if is_total(first):
        return LineKind.TOTAL
    if first.rstrip(" :=") in {key for key, _ in layout.facts if key} or ("", first) in layout.facts:
        return LineKind.PREAMBLE
    if len(filled) == sum(map(bool, layout.unit_cells)) and all(is_unit_cell(text) for _, text in filled):
        return LineKind.UNITS
    return LineKind.MARK if _is_mark(filled, len(layout.titles)) else LineKind.ROW


def _repeats(cells: Sequence[str], layout: TableLayout) -> bool:
    width = len(layout.titles)
    texts = tuple(cell.strip(NOTHING) for cell in cells)
    if len(texts) < width or any(texts[width:]):
        return False
    begun = (texts[0].removeprefix(layout.comment).strip(), *texts[1:width])
    known = {layout.titles, layout.unit_cells, layout.source_cells}
    return any(any(given) and given in known for given in (texts[:width], begun))


def _is_mark(filled: Sequence[tuple[int, str]], width: int) -> bool:
    (place, first), *others = filled
    kinds = [kind_of(text) for _, text in others]
    numbers = [i for i, (_, kind) in enumerate(zip(others, kinds, strict=True)) if kind is CellKind.NUMBER]
    if not others and width > 1 and _NAMED_MARK.fullmatch(first):
        return True
    if _MARK.fullmatch(first):
        return not numbers or (len(numbers) == 1 and others[numbers[0]][0] == place + 1)
    return width > 2 and place == 0 and kind_of(first).is_value and kinds == [CellKind.TEXT]
