"""Lists of records for people: a table where there is room, otherwise a few lines for each; in pipes, always one line.

Nothing is cut, and no text is broken: what is copied from a list is whole.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from rta.cli.table import TableColumn, draw
from rta.formatting import printable

__all__ = ["beside", "flow", "fold", "lay_out", "output_width", "print_lines"]

_GAP = "  "


def output_width() -> int | None:
    """Columns of the terminal that standard output is; None: it is none, and lines may be as long as they like."""
    return Console().width if sys.stdout.isatty() else None


def print_lines(lines: Iterable[Text]) -> None:
    """Print lines as they are: a terminal may let one run over its edge, and copies it whole."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


def lay_out(
    heads: Sequence[str],
    rows: Sequence[Sequence[Text]],
    width: int | None,
    keys: int = 1,
    right: Container[str] = (),
) -> list[Text]:
    """The lines of a list. `keys`: how many of the first columns say what a record is; `right`: the columns of numbers.

    Where a table is too wide, each record has a line for its keys and one for the rest; where that is too wide too, as
    many as it takes, with what each value is.
    """
    columns = [
        TableColumn(head, [row[number] for row in rows], right=head in right) for number, head in enumerate(heads)
    ]
    whole = draw(columns)
    if width is None or _fits(whole, width):
        return whole
    first = draw(columns[:keys])
    rest = [Text(_GAP) + line for line in draw(columns[keys:])]
    if _fits(rest, width):
        return [line for pair in zip(first, rest, strict=True) for line in pair]
    out: list[Text] = []
    for line, row in zip(first[1:], rows, strict=True):
        named = [Text(f"{head} ", "dim") + value for head, value in zip(heads[keys:], row[keys:], strict=True) if value]
        out += [line, *(Text(_GAP) + text for text in flow(named, width - len(_GAP)))]
    return out


def flow(parts: Iterable[Text], width: int | None) -> list[Text]:
    """Texts in as few lines as they need; none is broken."""
    lines: list[Text] = []
    for part in parts:
        if lines and (width is None or lines[-1].cell_len + len(_GAP) + part.cell_len <= width):
            lines[-1] = lines[-1] + _GAP + part
        else:
            lines.append(part)
    return lines


def fold(text: str, width: int | None) -> list[str]:
    """Prose in lines; broken at blanks only, and not within `code`, which somebody may copy."""
    if width is None:
        return [text]
    lines = [""]
    for word in re.findall(r"(?:`[^`]*`|\S)+", text):
        wider = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(wider) > width:
            lines.append(word)
        else:
            lines[-1] = wider
    return lines


def beside(label: Text, text: str, indent: int, width: int | None, style: str = "") -> list[Text]:
    """Prose beside a label that has `indent` columns."""
    lines = fold(printable(text), None if width is None else width - indent)
    labels = [label, *[Text()] * (len(lines) - 1)]
    blanks = [Text(" " * (indent - label.cell_len)) for label in labels]
    return [Text().join([a, b, Text(line, style)]) for a, b, line in zip(labels, blanks, lines, strict=True)]


def _fits(lines: Sequence[Text], width: int) -> bool:
    return all(line.cell_len <= width for line in lines)
