"""How a file writes its times, told from some cells of a column. What may mean two things is asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from itertools import pairwise

from rta.ports import MalformedError, RtaError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.times.clock_times import clock_times, durations
from rta_transports.csv.times.named_formats import (
    JOINT,
    TimeFormat,
    TimeScale,
    clock_format,
    format_of,
    in_zone,
    joined,
    says_elapsed,
)
from rta_transports.csv.times.time_layouts import layouts_of
from rta_transports.csv.times.time_numbers import recognise_numbers
from rta_transports.csv.times.time_patterns import compile_pattern
from rta_transports.csv.times.time_trials import decimal_mark, enough, ignore, read_times, reads, with_text
from rta_transports.csv.times.time_units import UnitHint, hint_of, zone_said
from rta_transports.csv.times.times import iso_times

__all__ = ["JOINT", "TimeFormat", "TimeScale", "format_of", "in_zone", "joined", "recognise"]

_DAY = 86400 * 10**9
_HOURS = re.compile(r"\s*[+\-−]?(\d{1,7})[:h]")
_SAMPLE = 400  # cells that are tried
_DATES = 5000  # cells of dates, among which one may tell the day from the month


def recognise(
    cells: Sequence[str],
    unit: str = "",
    title: str = "",
    titles: Sequence[str] = (),
    decimal: str = ".",
    now: int | None = None,
) -> TimeFormat | None:
    """The format of a column, from some of its cells; None: they are no times, nor numbers.

    `unit` is the content of its brackets or of a row of units, `titles` are all columns. Numbers without any unit are
    seconds. Give cells from all over the file: a date is only told when a day over 12 is among them. What would lie
    after `now` (ns since 1970) is no reading of a year of two digits.

    :raises RtaError: they may be read in two ways, and which one makes a difference.
    """
    every = with_text(cells)
    cells = every[:_SAMPLE]
    if not cells:
        return None
    hint = hint_of(title, unit)
    mark = decimal_mark(cells, decimal)
    if mark is not None:
        return recognise_numbers(cells, hint, title, titles, mark)
    found = _recognise_text(every, hint, title, now)
    said = zone_said(title, unit)
    return in_zone(found, said) if found is not None and found.local and said is not None else found


def _recognise_text(every: Sequence[str], hint: UnitHint, title: str, now: int | None) -> TimeFormat | None:
    cells = every[:_SAMPLE]
    if reads(iso_times(UTC, ignore), cells):
        return format_of("iso", cells)
    if reads(clock_times("m:ss"), cells) or reads(clock_times("h:mm"), cells):
        return clock_format(_clock_name(cells, hint, title), cells, title)
    if reads(durations, cells):
        return format_of("duration")
    return _recognise_layout(every[:: len(every) // _DATES + 1], title, now)


def _clock_name(cells: Sequence[str], hint: UnitHint, title: str) -> str:
    short = [cell for cell in cells if cell.count(":") == 1]
    if 2 * len(short) < len(cells):
        return "m:ss" if short and any(mark in cell for cell in short for mark in ".,") else "h:mm:ss"
    if hint.shape in ("m:ss", "h:mm"):
        return hint.shape
    fraction = any(mark in cell for cell in short for mark in ".,")
    beyond = any(int(m[1]) > 24 for cell in short if (m := _HOURS.match(cell)))
    return "m:ss" if fraction or beyond or says_elapsed(title) else "h:mm"


def _recognise_layout(cells: Sequence[str], title: str, now: int | None) -> TimeFormat | None:
    """Dates and times in words and numbers."""
    counts: Counter[tuple[str, ...]] = Counter()
    for cell in cells:
        counts[tuple(layouts_of(cell))] += 1
    counts.pop((), None)
    if not counts:
        return None
    layouts = counts.most_common(1)[0][0]
    fitting = [(layout, count) for layout in layouts if (count := _fits(layout, cells))]
    best = max((count for _, count in fitting), default=0)
    likely = [layout for layout, count in fitting if count == best and enough(count, len(cells))]
    if "%y" in "".join(likely) and len(likely) > 1:
        likely = _in_order(likely, cells, now)
    if len(likely) == 1:
        return format_of(likely[0])
    shown = next((cell for cell in cells if layouts_of(cell)), cells[0])
    if not likely:
        _refuse_layout(layouts, shown, title)
        return None
    choice = " or ".join(f'"{layout}"' for layout in likely)
    raise RtaError(
        f"the dates of column {title!r} may be day first or month first ({shown}): say time_format = {choice}"
    )


def _refuse_layout(layouts: Sequence[str], shown: str, title: str) -> None:
    """Says why no cell could be read, where it can be said."""
    for layout in layouts:
        try:
            compile_pattern(layout).parser(UTC, ignore)(shown)
        except MalformedError as e:
            if "%z" in layout and "zone" in str(e):
                word = shown[shown.rfind(":") :].split()[1:2]
                named = layout.replace("%z", word[0]) if word else layout
                raise RtaError(
                    f'the times of column {title!r}: {e} ({shown}): say timezone, and time_format = "{named}"'
                ) from None
    if len(layouts) > 1:
        raise RtaError(
            f"the dates of column {title!r} are neither all day first nor all month first ({excerpt(shown)}): "
            "say time_format"
        )


def _in_order(layouts: list[str], cells: Sequence[str], now: int | None) -> list[str]:
    """Two digits in front are a year only when nothing else gives times that are past and in order."""
    likely = [layout for layout in layouts if _plausible(layout, cells, now)] or layouts
    return [layout for layout in likely if not layout.startswith("%y")] or likely


def _plausible(layout: str, cells: Sequence[str], now: int | None) -> bool:
    read = read_times(format_of(layout).parser(UTC, ignore), cells)
    past = now is None or max(read) <= now + 2 * _DAY
    return past and (_ordered(read) or _ordered(read[::-1]))


def _ordered(times: list[int]) -> bool:
    return all(a <= b for a, b in pairwise(times))


def _fits(layout: str, cells: Sequence[str]) -> int:
    return len(read_times(format_of(layout).parser(UTC, ignore), cells))
