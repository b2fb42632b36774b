"""CSV: a line for each time, exact: the shortest text that is read as the same double."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rta.export.columns import TIME, ExportColumn
from rta.export.table import SampleTable

__all__ = ["CsvText"]


class CsvText:
    """Writes tables of samples as lines."""

    cells = 1 << 16
    resumable = True

    def __init__(self, columns: Sequence[ExportColumn]) -> None:
        self._columns = columns

    def begin(self) -> bytes:
        """The header: `time`, then each column as `Speed (km/h)`."""
        return (",".join(map(_quoted, [TIME, *(c.title for c in self._columns)])) + "\n").encode(errors="replace")

    def write(self, table: SampleTable) -> bytes:
        """A line for each row: its time in ISO 8601 with ns, in UTC; an empty cell where there is no sample."""
        cells = [[f"{t}Z" for t in np.datetime_as_string(table.times.astype("M8[ns]"), unit="ns").tolist()]]
        for column, values, present in zip(self._columns, table.values, table.present, strict=True):
            if present is None:
                cells.append(_texts(column, values.tolist()))
            elif not present.any():
                cells.append([""] * len(table))
            else:
                sparse = [""] * len(table)
                for row, text in zip(
                    np.flatnonzero(present).tolist(), _texts(column, values[present].tolist()), strict=True
                ):
                    sparse[row] = text
                cells.append(sparse)
        lines = [",".join(row) for row in zip(*cells, strict=True)]
        lines.append("")
        return "\n".join(lines).encode(errors="replace")

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _texts(column: ExportColumn, values: list[float] | list[str]) -> list[str]:
    if column.is_text:
        return [_quoted(str(value)) for value in values]
    # Whole numbers without .0, in one go over all of them.
    text = "\n".join(map(repr, values)) + "\n"
    return text.replace(".0\n", "\n").replace("nan", "NaN").split("\n")[:-1]


def _quoted(text: str) -> str:
    """In quotes where it has to be."""
    if not any(c in text for c in ',"\n\r') and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'
