"""What was left out of a file, for the end of a command: by column and kind, each with its first line."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from rta.formatting import printable

__all__ = ["Losses"]

_LINES = 30  # of a summary

_WORDS = {
    "cell": "not a number",
    "range": "outside the sample type",
    "time": "without a time that can be read",
    "row": "with another number of cells",
    "quotes": "with wrong quotes",
    "line": "too long",
    "time_order": "at a time out of all order",
    "header": "with cells of columns that the first header does not have",
    "unit": "in another unit than those before",
    "channels": "of more channels than there is room for",
}
_HINTS = {
    "cell": "-o decimal and -o thousands say how numbers are written",
    "time": "--time-column says where the times are, --time-unit or -o time_format how they are written",
    "row": "-o delimiter and -o header say how lines are cut and where the columns are named",
    "quotes": "-o delimiter says how lines are cut",
    "time_order": "-o on_time_back=keep takes all rows as they are, -o sort=true puts them in order",
}


@define
class Losses:
    """Counts cells and faults; a fault of a row has no part."""

    cells: float = 0
    """Read, good or not."""
    lost: float = 0
    """Left out; a row counts all its cells."""
    _faults: dict[tuple[str, str], tuple[int, str]] = field(factory=dict)

    def add(self, part: str, kind: str, detail: str) -> bool:
        """Count one; whether it is the first of its part and kind."""
        count, example = self._faults.get((part, kind), (0, detail))
        self._faults[part, kind] = count + 1, example
        return count == 0

    @property
    def share(self) -> float:
        """Of the cells, from 0 to 1."""
        return self.lost / self.cells if self.cells else float(bool(self._faults))

    def summary(self) -> Iterator[str]:
        """Lines for a person, the worst first; none if nothing was left out."""
        if not self._faults:
            return
        yield f"left out: {self.lost:.0f} of {self.cells:.0f} cells ({_percent(self.share)})"
        worst = sorted(self._faults.items(), key=lambda item: -item[1][0])
        for (part, kind), (count, example) in worst[:_LINES]:
            yield f"  {self._line(part, kind, count, example)}"
        if len(worst) > _LINES:
            yield f"  and {len(worst) - _LINES} more kinds"

    def reasons(self) -> str:
        """The same in a line, with what would help."""
        told = [self._line(part, kind, count, example) for (part, kind), (count, example) in self._faults.items()]
        hints = dict.fromkeys(_HINTS[kind] for _, kind in self._faults if kind in _HINTS)
        return "; ".join([*told[:5], *hints]) or "it has no rows with values"

    def _line(self, part: str, kind: str, count: int, example: str) -> str:
        what = f"column {printable(part)}: {count} cells" if part else f"{count} rows"
        return f"{what} {_WORDS.get(kind, kind)}, the first: {printable(example)[:200]}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share >= 0.0001 else "under 0.01%"
