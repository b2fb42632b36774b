"""What a line is that could not be read as a row."""

from __future__ import annotations

import pytest
from rta_transports.csv.layout.layout import LayoutOptions, detect_layout
from rta_transports.csv.layout.line_kind import LineKind, line_kind
from rta_transports.csv.layout.sample import FileSample

TEXT = b"# made today\nTime,Lap,Speed,Note\ns,,km/h,\n0,1,2,\n1,1,3,\n"
LAYOUT = detect_layout(FileSample(TEXT, b"", b"", len(TEXT)), LayoutOptions())


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Time,Lap,Speed,Note", LineKind.HEADER),
        (" Time , Lap,Speed,Note,", LineKind.HEADER),
        ("#Time,Lap,Speed,Note", LineKind.HEADER),
        ("s,,km/h,", LineKind.HEADER),
        ("Time,Lap,Speed", LineKind.ROW),
        ("Time,Lap,Speed,Other", LineKind.ROW),
        ("# a gap", LineKind.COMMENT),
        ("# a gap,5", LineKind.COMMENT),
        ("", LineKind.BLANK),
        (" ,,,", LineKind.BLANK),
        ("12.5,Lap 2,,", LineKind.MARK),
        ("00:00:12.5,,,Pit in", LineKind.MARK),
        ("Lap 2,,,", LineKind.MARK),
        ("Lap,2,,", LineKind.MARK),
        ("BEACON #3,,,", LineKind.MARK),
        ("Marker,start of the stint,,", LineKind.MARK),
        ("Pause,5,6,", LineKind.ROW),
        ("x,5,6,", LineKind.ROW),
        ("12.5,?,,", LineKind.ROW),
        ("12.5,bad,7,", LineKind.ROW),
        ("12.5,7,,", LineKind.ROW),
        ("#N/A,1,2,", LineKind.ROW),
    ],
)
def test_kinds_of_lines(line, kind):
    assert line_kind(line.split(","), LAYOUT) is kind


def test_a_row_of_two_cells_is_no_mark():
    text = b"t,a\n0,1\n1,2\n"
    layout = detect_layout(FileSample(text, b"", b"", len(text)), LayoutOptions())
    assert line_kind(["2", "x"], layout) is LineKind.ROW
