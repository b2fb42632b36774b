"""Which of the texts above the first row are the titles, their units, and where the values come from."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from rta_transports.csv.layout.cell_kinds import CellKind, kind_of
from rta_transports.csv.layout.head_lines import NO_LINE, TableLine, has_time_title
from rta_transports.csv.layout.table_shape import TableShape, begin_of, text_share
from rta_transports.csv.layout.units_row import are_sources, are_units

__all__ = ["NOTHING", "TableHead", "assign_titles", "places_of"]

NOTHING = " \t\r\n\f\v\0\x1a\ufeff"
"""Besides blanks: what fills up files, and the ends of files of long ago."""


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


def assign_titles(above: Sequence[TableLine], shape: TableShape, first: int, fixed: bool = False) -> TableHead:
    """The header is the last that is not of units or sources; `fixed`: it is the first line of them."""
    if not above:
        return TableHead(
            NO_LINE, NO_LINE, NO_LINE, first, True, NO_LINE, ("no header: no line of texts is above the values",)
        )
    above = _with_index_names(above)
    best = max(map(_title_score, above))
    place = len(above) - 1
    while place and (fixed or _is_below(above, place, best)):
        place -= 1
    header, below = above[place], list(above[place + 1 :])
    reasons = [f"header line {header.number}: the last line of texts above the values"]
    units = next((line for line in below if _are_units(line.cells, header.cells)), NO_LINE)
    if units.number:
        reasons.append(f"units line {units.number}: most of its cells are units")
    rest = [line for line in below if line.number > units.number and shape.fits(line.cells)]
    sources = next(
        (line for line in rest if are_sources(begin_of(line.cells)) or (units.number and not fixed)), NO_LINE
    )
    if sources.number:
        reasons.append(f"sources line {sources.number}: below the units")
    if (both := _two_lines(above[:place], header, below, (units.number, sources.number))) is not None:
        header = both
        reasons[0] = f"header lines {header.number} and the next of texts: names of groups are above others"
    return TableHead(header, units, sources, first, shape.fits(header.cells), NO_LINE, tuple(reasons))


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


def places_of(titles: Sequence[str], cells: Sequence[str]) -> list[int | None] | None:
    """Where each title stands in another header, with other columns or the same in another order; None: it is none."""
    texts = [cell.strip(NOTHING) for cell in cells]
    if any(text and kind_of(text) is not CellKind.TEXT for text in texts):
        return None
    places = {text: i for i, text in enumerate(texts) if text}
    known = len(places.keys() & {*titles})
    if len(places) < max(2, sum(map(bool, texts))) or 2 * known < len(places):
        return None
    return [places.get(title) if title else None for title in titles]
