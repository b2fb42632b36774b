"""How a file is laid out is found by its lines, for files of every kind; and what is set wins."""

from __future__ import annotations

import time

import pytest
from csv_kinds import KINDS
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.csv.layout.layout import LayoutOptions, TableLayout, detect_layout
from rta_transports.csv.layout.number_format import NumberFormat
from rta_transports.csv.layout.sample import FileSample

from rta.ports import RtaError

QUICK = settings(max_examples=examples(150), deadline=None)


def layout(text: str | bytes, **options) -> TableLayout:
    data = text if isinstance(text, bytes) else text.encode()
    return detect_layout(FileSample(data, b"", b"", len(data)), LayoutOptions(**options))


def lines_of(found: TableLayout) -> tuple[int, int, int, int]:
    return found.header, found.units, found.sources, found.first_line


class TestKinds:
    @pytest.mark.parametrize("name", KINDS)
    def test_lines_and_columns_are_found(self, name):
        kind = KINDS[name]
        found = layout(kind.text)
        assert found.delimiter == kind.delimiter
        assert lines_of(found) == (kind.header, kind.units, kind.sources, kind.first_line)
        assert len(found.titles) == len(found.unit_cells) == len(found.source_cells) == kind.columns

    @pytest.mark.parametrize("name", KINDS)
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_encodings_and_line_ends_change_nothing(self, name, encoding, end):
        kind = KINDS[name]
        found = layout(kind.text.replace("\n", end).encode(encoding))
        assert found.encoding == encoding
        plain = layout(kind.text)
        assert lines_of(found) == lines_of(plain)
        assert (found.titles, found.facts, found.rows) == (plain.titles, plain.facts, plain.rows)

    @pytest.mark.parametrize("name", KINDS)
    def test_what_was_found_gives_the_same_when_it_is_set(self, name):
        found = layout(KINDS[name].text)
        again = layout(
            KINDS[name].text,
            encoding=found.encoding,
            delimiter=found.delimiter,
            decimal=found.numbers.decimal,
            thousands=found.numbers.thousands,
            comment=found.comment,
            header=found.header,
            units=found.units,
        )
        assert (again.titles, again.numbers) == (found.titles, found.numbers)
        assert (again.header, again.units, again.first_line) == (found.header, found.units, found.first_line)


class TestColumns:
    def test_a_delimiter_at_the_end_of_rows_is_no_column(self):
        found = layout("t,a\n0,1,\n1,2,\n")
        assert (found.titles, found.trailing) == (("t", "a"), True)

    def test_one_at_the_end_of_all_lines_is_none_either(self):
        found = layout("t;a;\n0;1;\n1;2;\n")
        assert (found.titles, found.trailing) == (("t", "a"), True)

    def test_a_column_without_a_title_stays_if_it_has_values(self):
        found = layout(",a,\n0,1,5\n1,2,6\n")
        assert (found.titles, found.trailing) == (("", "a", ""), False)

    def test_a_title_without_values_stays(self):
        assert layout("t,a,note\n0,1,\n1,2,\n").titles == ("t", "a", "note")

    def test_rows_that_leave_out_the_last_cells_are_known_as_such(self):
        found = layout("t\ta\tComment\n0\t1\n1\t2\n")
        assert (found.titles, found.row_cells) == (("t", "a", "Comment"), 2)

    def test_titles_may_have_the_delimiter_in_quotes(self):
        assert layout('"t","a, b (V)"\n"0","1"\n').titles == ("t", "a, b (V)")

    def test_titles_that_are_too_few_are_asked_about(self):
        with pytest.raises(RtaError, match=r"line 1 has 2 cells, but the rows below it 5; header = 1 .* header = 0"):
            layout("t,a\n0,1,2,3,4\n1,2,3,4,5\n")
        assert layout("t,a\n0,1,2,3,4\n1,2,3,4,5\n", header=1).titles == ("t", "a", "", "", "")
        assert layout("t,a\n0,1,2,3,4\n1,2,3,4,5\n", header=0).titles == ("",) * 5

    def test_a_title_over_several_lines_is_refused(self):
        with pytest.raises(RtaError, match="line 1: a cell in quotes goes on in the next line"):
            layout('t,"Speed\n(km/h)"\n0,1\n1,2\n')


class TestUnits:
    @pytest.mark.parametrize(
        "units",
        ["s,km/h,°C", "sec,mph,degF", "[s],[km/h],[°C]", ",m/s,K", "s,,%", "ms,rpm,", "s,-,bar", "s,m/s²,deg/s"],
    )
    def test_a_row_of_units_is_none_of_values_and_no_header(self, units):
        found = layout(f"Time,Speed,Temperature\n{units}\n0,1,2\n1,2,3\n")
        assert lines_of(found) == (1, 2, 0, 3)
        assert found.unit_cells == tuple(units.split(","))

    def test_short_titles_are_no_units(self):
        assert lines_of(layout("My car,spring,2024\nt,V,A\n0,1,2\n1,2,3\n"))[:2] == (2, 0)


class TestFacts:
    def test_pairs_and_free_lines(self):
        found = layout(
            '# StartTime = 08/11/2026 01:11:43 PM\n# a free line\nVehicle,Car 1\n"Place","A","B"\nt,a,b\n0,1,2\n'
        )
        assert found.facts == (
            ("StartTime", "08/11/2026 01:11:43 PM"),
            ("", "a free line"),
            ("Vehicle", "Car 1"),
            ("Place", "A B"),
        )

    def test_pairs_side_by_side(self):
        assert layout('"Venue","Spa",,,"Driver","Ann"\nt,a,b\n0,1,2\n').facts == (("Venue", "Spa"), ("Driver", "Ann"))

    def test_they_are_bounded_and_printable(self):
        text = "".join(f"key {i}: \x1b[31m{'x' * 900}\n" for i in range(900)) + "t,a\n0,1\n"
        facts = layout(text).facts
        assert len(facts) == 100
        assert all(len(value) <= 200 and value.isprintable() for _, value in facts)


class TestOptions:
    def test_the_delimiter_wins(self):
        assert layout("t,a;b\n0,1;2\n", delimiter=";").titles == ("t,a", "b")

    def test_any_character_may_be_one(self):
        assert layout("t~a\n0~1\n1~2\n", delimiter="~").titles == ("t", "a")

    def test_the_header_wins(self):
        found = layout("x,y\nt,a\ns,V\n0,1\n1,2\n", header=1)
        assert (found.titles, found.header, found.first_line) == (("x", "y"), 1, 4)

    def test_no_header_wins(self):
        found = layout("t,a\n0,1\n1,2\n", header=0)
        assert (found.titles, found.header, found.first_line) == (("", ""), 0, 2)

    def test_units_win(self):
        assert layout("t,a\nfoo,bar\n0,1\n", units=2).unit_cells == ("foo", "bar")
        assert layout("Time,Speed\ns,km/h\n0,1\n", header=1, units=0).unit_cells == ("", "")

    def test_a_line_that_is_not_there_is_named(self):
        with pytest.raises(RtaError, match="header: line 9 is blank"):
            layout("t,a\n0,1\n", header=9)

    def test_an_encoding_that_is_not_there_is_named(self):
        with pytest.raises(RtaError, match="encoding: there is no 'utf-99'"):
            layout("t,a\n0,1\n", encoding="utf-99")

    def test_a_mark_of_comments_wins(self):
        found = layout("* made by x\n* yesterday\nt,a\n0,1\n* a gap\n1,2\n", comment="*")
        assert (found.comment, found.header, len(found.rows)) == ("*", 3, 2)


class TestRefusals:
    @pytest.mark.parametrize("text", ["t,a\n", "\n\nt;a;b\n\n"])
    def test_a_header_alone(self, text):
        with pytest.raises(RtaError, match="has a header but no rows"):
            layout(text)

    @pytest.mark.parametrize("text", ["once upon a time\nthere was a logger\nwith no value\n", "a,b\nc,d\ne,f\n"])
    def test_words(self, text):
        with pytest.raises(RtaError, match=r"no row of values was found .* delimiter"):
            layout(text)

    def test_blank_lines(self):
        with pytest.raises(RtaError, match="nothing but blank lines"):
            layout("\n\n  \n")


class TestSample:
    def test_rows_come_from_everywhere_and_lines_are_known_where_they_can_be(self):
        def row(i):
            return f"{i},{i}.5\n".encode()

        head = b"t,a\n" + b"".join(map(row, range(10)))
        found = detect_layout(FileSample(head, b"5,0\n77,1.5\n88,1", b"9\n99,3.5\n", 10**6), LayoutOptions())
        assert [(found.lines[i], found.rows[i][0]) for i in (0, 8)] == [(2, "0"), (10, "8")]
        assert list(zip(found.lines, (row[0] for row in found.rows), strict=True))[9:] == [(0, "77"), (0, "99")]

    @pytest.mark.parametrize(("columns", "rows"), [(3, 9000), (1500, 20), (40_000, 4)])
    def test_detection_is_fast_whatever_the_shape(self, columns, rows):
        title = ",".join(["Time (s)", *(f"Channel {i} (V)" for i in range(1, columns))])
        body = "".join(",".join([str(i / 10), *["12.345"] * (columns - 1)]) + "\n" for i in range(rows))
        begin = time.process_time()
        found = layout(f"{title}\n{body}")
        assert time.process_time() - begin < 3  # a tenth of it on a machine with nothing else to do
        assert len(found.titles) == columns


COLUMNS = st.lists(
    st.sampled_from(
        ["GPS Speed|km/h", "Engine|rpm", "Öltemp|°C", "Load|%", "Gear|", "Lat Acc|g", "Count|", "Flow|l/h"]
    ),
    min_size=1,
    max_size=6,
    unique=True,
).map(lambda columns: [tuple(column.split("|")) for column in columns])
ABOVE = [
    ["Vehicle", "Car 1"],
    ["Date", "Sunday 10 March 2024"],
    ["Time", "10:22 AM"],
    ["Duration", "95.5", "s"],
    ["Format", "2"],
]
ABOVE += [
    ["made by Logger v1.2"],
    ["Comment", ""],
    ["[section]"],
    [""],
    ["Segment", "1", "2", "3"],
    ["Start: 10:22:33"],
]
TIMES = {
    "Time": "{0}",
    "Timestamp": "2024-03-10T10:00:{0:02}Z",
    "Zeit": "10.03.2024 10:00:{0:02}",
    "Log Time": "00:00:{0:02}.5",
}


@st.composite
def tables(draw):
    """A table as it is written, and what ought to be found."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = draw(st.sampled_from([".", ","]))
    quoted = draw(st.booleans()) or (delimiter, decimal) == (",", ",")
    time_title = draw(st.sampled_from(sorted(TIMES)))
    columns = draw(COLUMNS)
    titles = (time_title, *(title for title, _ in columns))
    units = ("s" if time_title == "Time" else "", *(unit for _, unit in columns))
    has_units = draw(st.booleans()) and 2 * sum(map(bool, units)) >= len(units)
    number = st.integers(-(10**6), 10**6).map(lambda n: f"{n / 1000:.2f}".replace(".", decimal))
    values = draw(st.lists(st.tuples(*[number] * len(columns)), min_size=1, max_size=12))
    rows = tuple((TIMES[time_title].format(i), *row) for i, row in enumerate(values))
    above = draw(st.lists(st.sampled_from(ABOVE), max_size=6))

    def line(cells):
        return delimiter.join(f'"{cell}"' if quoted else cell for cell in cells)

    lines = [*map(line, above), line(titles), *([line(units)] if has_units else []), *map(line, rows)]
    header = len(above) + 1
    return "\n".join(lines) + "\n", delimiter, decimal, (header, header + 1 if has_units else 0), titles, rows


@QUICK
@given(tables(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]))
def test_any_table_is_found_as_it_was_written(table, encoding):
    text, delimiter, decimal, numbers, titles, rows = table
    found = layout(text.encode(encoding))
    assert found.encoding == ("utf-8" if encoding == "cp1252" and text.isascii() else encoding)
    assert (found.delimiter, found.numbers.decimal) == (delimiter, decimal)
    assert (found.header, found.units) == numbers
    assert found.first_line == max(numbers) + 1
    assert (found.titles, found.rows) == (titles, rows)
    assert all(found.numbers.normalise(cell) is not None for row in rows for cell in row[1:])


PLAIN_TITLES = st.sampled_from(
    [
        "RPM",
        "Speed (km/h)",
        "s",
        "V",
        "1",
        "2",
        "",
        "a",
        "x",
        "Lap #",
        "true",
        "km/h",
        "G(x)",
        "q[0]",
        "°C",
        "date",
        "a b",
    ]
)
PLAIN_CELLS = st.sampled_from(
    ["", "0", "1.5", "-3", "1e9", "nan", "N/A", "x", "true", "2021-05-04", "12:30", "OK", "-", "0x1F"]
)


@QUICK
@given(
    st.sampled_from(["t", "Time", "time (s)", "x", "Index"]),
    st.lists(st.tuples(PLAIN_TITLES, st.lists(PLAIN_CELLS, min_size=1, max_size=3)), min_size=1, max_size=5),
    st.integers(1, 12),
)
def test_a_plain_table_below_its_header_is_what_it_always_was(first, columns, number):
    rows = [[str(i / 10), *(cells[i % len(cells)] for _, cells in columns)] for i in range(number)]
    found = layout("\n".join(map(",".join, [[first, *(title for title, _ in columns)], *rows])) + "\n")
    assert (found.encoding, found.delimiter) == ("utf-8", ",")
    assert (found.header, found.units, found.first_line) == (1, 0, 2)


@QUICK
@given(st.lists(st.binary(max_size=12).filter(lambda b: b"\0" not in b), max_size=8), st.integers(3, 7))
def test_rubbish_between_rows_does_not_move_the_header(rubbish, where):
    good = [f"{i},{i * 2}".encode() for i in range(8)]
    lines = [line for i, row in enumerate(good) for line in [row, *(rubbish if i == where else [])]]
    found = layout(b"t,a\n" + b"\n".join(lines) + b"\n")
    assert (found.delimiter, found.header, found.first_line) == (",", 1, 2)


@QUICK
@given(st.binary(max_size=200) | st.text('0123,.;\t "#:/-abc\n\r', max_size=200).map(str.encode))
def test_any_bytes_have_a_layout_or_are_refused_in_words(data):
    try:
        found = layout(data)
    except RtaError as error:
        found, words = None, str(error)
    if found is None:
        assert words.isprintable()
        return
    assert len(found.titles) == len(found.unit_cells) == len(found.source_cells) > 0
    assert len(found.rows) == len(found.lines) > 0
    assert found.first_line > max(found.header, found.units, found.sources)
    assert isinstance(found.numbers, NumberFormat)
