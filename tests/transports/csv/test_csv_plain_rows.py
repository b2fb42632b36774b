"""Rows of plain numbers are read many at once, and come out as if they were read one by one, with the same faults."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.csv import table as csv_table
from rta_transports.csv.opening import open_file
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.plain_rows import PlainRows
from rta_transports.csv.table import CsvFile
from rta_transports.csv.times.times import NS_OF, NumberUnit, numeric_times

from rta.ports import MalformedError, RtaError

ODD = [
    "", " ", "-0", "+1", " 7", "7 ", "1_0", "0x1p3", "1e999", "-1e999", "1e-400", "nan", "inf", "-Infinity", "1.2.3",
    "--1", "1e", "e", ".", "5.", ".5", "1,5", '"1"', '"', "word", "n/a", "#1", "\u0661", "\u00a01", "\x0c1", "\x1c",
    "\0", "1\0", "12345678901234567890.123456789", "0.1234567890123", "Lap 1", "a",
]  # fmt: skip
TIME = r"-?[0-9]{1,8}(\.[0-9]{1,20})?(e-?[0-9])?"
PLAIN = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-999, 999).map(str)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Rows of numbers, some of them odd: other cells, more or fewer, times that go back, blank lines, headers."""
    delimiter = draw(st.sampled_from(",,,;\t"))
    width = draw(st.integers(1, 4))
    odd = draw(st.sampled_from([0, 0, 5, 30]))
    head = delimiter.join(["time (s)", *(f"c{i}" for i in range(width))])
    lines = [head]
    for i in range(draw(st.integers(3, 40))):
        kind = draw(st.integers(0, 99))
        cells = [str(i / 10), *(draw(PLAIN) for _ in range(width))]
        if kind < odd:
            cells[draw(st.integers(0, width))] = draw(st.sampled_from(ODD))
        elif kind < 2 * odd and kind % 5 == 0:
            cells = cells[:-1] if kind % 2 else [*cells, draw(st.sampled_from(ODD))]
        elif kind < 2 * odd and kind % 5 == 1:
            cells[0] = draw(st.sampled_from(["0", "1e-1", "-1", "99999999999999999999"]))
        lines.append(
            delimiter.join(cells) if kind < 98 or not odd else draw(st.sampled_from(["", " ", "# note", head]))
        )
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (end.join(lines) + draw(st.sampled_from(["", end]))).encode()


def read(path: Path, stretch: int, arrays: bool = False, **options: object) -> tuple[list[object], int]:
    """All that the file gives, and how many rows came many at once."""
    many = 0
    plain = CsvFile._plain_rows

    def counted(self: CsvFile, lines: list[tuple[int, str | None]]) -> list[object]:
        nonlocal many
        rows = plain(self, lines) if stretch else []
        many += len(rows)
        return rows  # type: ignore[return-value]

    found: list[object] = []
    with (
        mock.patch.object(CsvFile, "_plain_rows", counted),
        mock.patch.object(csv_table, "_STRETCH_ROWS", stretch or 9),
    ):
        try:
            table = open_file(path, CsvOptions(str(path), **options), arrays=arrays).table  # type: ignore[arg-type]
        except RtaError as e:
            return [str(e)], 0
        rows, faults, documents, begins, cells = [], [], [], [], 0
        while not table.ended:
            batch = table.read()
            rows += batch.rows
            begins += [segment.rows[0].line for segment in batch.segments if segment.begins and segment.rows]
            faults += batch.faults
            documents += batch.documents
            cells += batch.cells
        found = [
            [repr(row._replace(values=np.array(row.values, object).tolist())) for row in rows],
            faults,
            documents,
            begins,
            cells,
            table.line,
        ]
        table.close()
    return found, many


@given(tables(), st.sampled_from([2, 5, 256]), st.booleans(), st.sampled_from(["auto", "keep", "skip"]))
def test_the_rows_and_the_faults_are_those_of_one_line_after_the_other(
    data: bytes, stretch: int, arrays: bool, on_back: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        assert read(path, stretch, arrays, on_time_back=on_back)[0] == read(path, 0, on_time_back=on_back)[0]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_cell_between_plain_rows(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "table.csv"
    lines = [f"{i / 10},{i}.5,{odd if i == 30 else i}" for i in range(60)]
    path.write_bytes("\n".join(["time,a,b", *lines]).encode())
    found, many = read(path, 8)
    assert found == read(path, 0)[0]
    assert many >= 40


def test_times_of_day_and_dates_come_many_at_once_too(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,date,b\n" + "".join(f"{i},2026-03-29T02:{i:02}:00,{i}.25\n" for i in range(60)))
    found, many = read(path, 16, timezone="Europe/Berlin")
    assert (found, many) == (read(path, 0, timezone="Europe/Berlin")[0], 60)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "min"])
@given(
    text=st.from_regex(r"[0-9]{0,20}\.?[0-9]{0,12}", fullmatch=True) | PLAIN, since=st.sampled_from([0, 1_500_000_000])
)
def test_a_time_is_exact_whatever_its_digits(unit: str, text: str, since: int) -> None:
    factor = Decimal({"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "min": 60 * 10**9}[unit])
    parse = numeric_times(unit, since=since)  # type: ignore[arg-type]
    try:
        exact: int | None = int(((Decimal(text) - since) * factor).to_integral_value())
    except ArithmeticError:
        exact = None
    if exact is not None and abs(exact) > 3_500_000_000_000_000_000:
        exact = None
    try:
        assert parse(text) == exact
    except MalformedError:
        assert exact is None


def rows_of(width: int, unit: int) -> PlainRows:
    layout = mock.Mock(delimiter=",", comment="", titles="t" + "c" * width)
    return PlainRows(layout, [mock.Mock(index=i) for i in range(1, width + 1)], 0, unit, arrays=False)


def test_the_numbers_are_those_of_float() -> None:
    numbers = np.random.default_rng(1).normal(size=(200, 3)) * 10.0 ** np.linspace(-300, 300, 200)[:, None]
    lines = [",".join(map(repr, [0, *row])) + "\n" for row in numbers.tolist()]
    found = rows_of(3, 1).of_lines(lines)
    assert found is not None
    assert found.values == numbers.tolist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "min", "d"])
@given(
    texts=st.lists(st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{1,20})?(e-?[0-9])?", fullmatch=True), min_size=2, max_size=4)
)
def test_times_that_come_many_at_once_are_exact(unit: NumberUnit, texts: list[str]) -> None:
    found = rows_of(1, NS_OF[unit]).of_lines([f"{text},1\n" for text in texts])
    assert found is not None
    if found.times is not None:
        parse = numeric_times(unit)
        assert found.times == [parse(text) for text in texts]


def test_most_times_come_many_at_once() -> None:
    found = rows_of(1, NS_OF["s"]).of_lines([f"{i / 100},1\n" for i in range(0, 50_000_000, 1_000_003)])
    assert found is not None
    assert found.times == [i * 10**7 for i in range(0, 50_000_000, 1_000_003)]
