"""`rta inspect`: what a file holds, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import click

from rta.cli.share_bar import share_bar
from rta.cli.source_options import split_pairs
from rta.cli.source_table import inspect_file, source_table
from rta.errors import RtaError
from rta.formatting import printable, printable_json
from rta.ports import InspectedColumn, Inspection

__all__ = ["command", "fault_lines"]

_FAULTS = 30  # kinds that are shown
_COLUMNS = 200  # that are shown; --json has all
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--option", "more", multiple=True, metavar="NAME=VALUE", help="An option of the csv source; may be repeated."
)
@click.option("--rows", type=click.IntRange(min=1), help="Read about so many lines. Default: the whole file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with all columns; times are in ns.")
def command(file: Path, more: tuple[str, ...], rows: int | None, as_json: bool) -> None:
    """Say what FILE holds and how it is read: what was detected and why, each column, what is left out, and the table
    for a site's configuration.

    The exit status is 1 if the file cannot be read, or no row of it.
    """
    with share_bar("reading") as progress:
        found = inspect_file(file, split_pairs(more), rows, progress)
    if as_json:
        text = json.dumps(attrs.asdict(found), ensure_ascii=False, indent=2)
        click.echo("\n".join(map(printable_json, text.split("\n"))))
    else:
        click.echo("\n".join(_report(file, found)))
    if not found.rows:
        raise RtaError(f"no row of {file} can be used")


def _report(file: Path, found: Inspection) -> Iterator[str]:
    yield f"{printable(str(file))}: {printable(found.line)}"
    yield ""
    yield from _table(
        [("option", "found", "why")] + [(d.what, printable(d.found), printable(d.why)) for d in found.detected]
    )
    if found.facts:
        yield ""
        yield from _table([("the file says", "")] + [(printable(k), printable(str(v))) for k, v in found.facts.items()])
    yield ""
    yield _rows(found)
    yield ""
    heads = ("column", "unit", "holds", "samples", "events", "min", "max", "first", "last")
    yield from _table([heads, *(_column(c, found.dated) for c in found.columns[:_COLUMNS])], right=range(3, 7))
    if len(found.columns) > _COLUMNS:
        yield f"and {len(found.columns) - _COLUMNS} more columns; --json has all"
    if found.faults:
        yield ""
        yield f"left out: {found.lost} of {found.cells} cells" if found.lost else "nothing is left out"
        for line in fault_lines(found):
            yield f"  {line}"
        if noticed := list(fault_lines(found, lost=False)):
            yield from ("", "noticed", *(f"  {line}" for line in noticed))
    yield ""
    yield source_table(file, found).rstrip()


def fault_lines(found: Inspection, *, lost: bool = True) -> Iterator[str]:
    """A line for each kind of what was left out, or of what was only noticed."""
    some = [fault for fault in found.faults if fault.lost is lost]
    for fault in some[:_FAULTS]:
        where = f"column {printable(fault.column)}: " if fault.column else ""
        yield f"{where}{fault.count} x {fault.kind}, the first: {printable(fault.example)[:200]}"
    if len(some) > _FAULTS:
        yield f"and {len(some) - _FAULTS} more kinds; rta inspect --json has all"


def _rows(found: Inspection) -> str:
    text = f"{found.rows} rows" if found.whole else f"{found.rows} rows were read, there are more"
    if found.first is not None and found.last is not None:
        span = format_moment(found.last - found.first, dated=False)
        text += f", from {format_moment(found.first, found.dated)} to {format_moment(found.last, found.dated)} ({span})"
    return text + (f", {found.sessions} sessions" if found.sessions > 1 else "")


def _column(c: InspectedColumn, dated: bool) -> tuple[str, ...]:
    return (
        printable(c.name),
        printable(c.unit),
        c.holds,
        str(c.samples),
        str(c.events),
        "" if c.minimum is None else f"{c.minimum:.6g}",
        "" if c.maximum is None else f"{c.maximum:.6g}",
        "" if c.first is None else format_moment(c.first, dated),
        "" if c.last is None else format_moment(c.last, dated),
    )


def format_moment(ns: int, dated: bool) -> str:
    """A moment as ISO 8601, or an elapsed time as h:mm:ss; both to the ms."""
    if dated:
        return f"{(_EPOCH + timedelta(microseconds=ns // 1000)).isoformat(timespec='milliseconds')[:-6]}Z"
    sign, ms = ("-" if ns < 0 else ""), round(abs(ns) / 1e6)
    return f"{sign}{ms // 3_600_000}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _table(rows: Sequence[tuple[str, ...]], right: range = range(0)) -> Iterator[str]:
    """Never wrapped, as wide as it has to be: what stands in it is copied."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        yield "  ".join(cells).rstrip()
