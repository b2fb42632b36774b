"""The time column is found by its name, its unit and its behaviour; a row number is none."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.csv.times.time_column import find_time
from rta_transports.csv.times.time_formats import JOINT, TimeScale

from rta.ports import RtaError, find_zone


def choice(table, units=(), **options):
    """What is found in a table, a title and the cells of each column."""
    lines = [line.split("|") for line in table.strip().splitlines()]
    titles = [cell.strip() for cell in lines[0]]
    columns = [[line[i].strip() for line in lines[1:]] for i in range(len(titles))]
    return find_time(titles, units, columns, **options)


def found(table, units=(), **options):
    """Columns and format."""
    what = choice(table, units, **options)
    return what.columns, what.format.name


RAISED = """
{title} | Speed
0.0     | 1
0.1     | 2
0.3     | 2
"""


@pytest.mark.parametrize("title", ["t", "time", "Time", "x", "Time (s)", "a", "Distance", "timestamp", "Zeit [s]"])
def test_a_first_column_of_rising_numbers_is_the_time(title):
    assert found(RAISED.replace("{title}", title)) == ((0,), "s")


@pytest.mark.parametrize("title", ["t", "Time", "time (s)", "x"])
def test_a_plain_first_column_is_the_time_whatever_there_is_besides(title):
    table = f"""
    {title} | Date                | Gear
    0       | 2024-01-31 10:15:00 | 1
    1       | 2024-01-31 10:15:01 | 1
    """
    assert found(table) == ((0,), "s")


@pytest.mark.parametrize("title", ["", "index", "#", "No", "id", "Sample", "Unnamed: 0", "Row"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_running_row_number_is_not_the_time(title, first):
    rows = "\n".join(f"{i + first} | 5{i} | 0.{i}" for i in range(8))
    assert found(f"{title} | Speed | Time (s)\n{rows}") == ((2,), "s")
    with pytest.raises(RtaError, match=r"no column is a time: say time_column; there are: .*'Speed', 'Gear'"):
        choice(f"{title} | Speed | Gear\n{rows}")


def test_a_date_goes_before_what_has_elapsed():
    table = """
       | Date                       | RPM   | Time                   | SessionTime
    0  | 2023-03-05 15:03:31.082000 | 10434 | 0 days 00:00:00        | 0 days 01:02:00.123000
    1  | 2023-03-05 15:03:31.322000 | 10500 | 0 days 00:00:00.240000 | 0 days 01:02:00.363000
    """
    assert found(table) == ((1,), "iso")
    assert found(table, given=[3]) == ((3,), "duration")


def test_times_since_1970_go_before_what_has_elapsed():
    table = """
    lap | elapsed_time | timestamp      | speed
    1   | 0.002        | 1785849363.002 | 10
    1   | 0.052        | 1785849363.052 | 11
    1   | 0.102        | 1785849363.102 | 11
    """
    what = choice(table, ["", "s", "unix time", "m/s"])
    assert (what.columns, what.format.scale) == ((2,), TimeScale.EPOCH)


def test_the_name_goes_before_the_place():
    table = """
    Distance | Time   | RPM
    0.0      | 0.00   | 900
    1.5      | 0.05   | 905
    3.1      | 0.10   | 950
    """
    assert found(table) == ((1,), "s")


@pytest.mark.parametrize(
    "title",
    ["fecha", "Datum", "Zeitpunkt", "Horodatage", "data", "Tijdstip", "時刻", "Measured at time", "When", "Local Time"],
)
def test_a_date_is_known_in_any_language(title):
    table = f"""
    id   | {title}             | flow
    1001 | 2025-09-01 00:00:00 | 328
    1002 | 2025-09-01 00:00:00 | 1418
    1001 | 2025-09-01 00:15:00 | 300
    1002 | 2025-09-01 00:15:00 | 1400
    """
    assert found(table) == ((1,), "iso")


@pytest.mark.parametrize("names", ["Date|Time", "Fecha|Hora", "Datum|Uhrzeit", "GPS Date|GPS Time", "Jour|Heure"])
@pytest.mark.parametrize("swapped", [False, True])
def test_date_and_time_in_two_columns_are_one(names, swapped):
    day, clock = names.split("|")
    rows = [("13.04.2014", "00:00"), ("13.04.2014", "00:15"), ("14.04.2014", "00:30")]
    cells = [pair[::-1] if swapped else pair for pair in [(day, clock), *rows]]
    what = choice("\n".join(f"Site | {a} | {b} | 12" for a, b in cells))
    assert what.columns == ((2, 1) if swapped else (1, 2))
    parse = what.format.parser(find_zone("UTC"), lambda kind, detail: None)
    assert [parse(JOINT.join(row)) % (86400 * 10**9) for row in rows] == [0, 900 * 10**9, 1800 * 10**9]
    assert "are a date and a time of day" in what.reason


def test_a_lap_timers_file():
    table = """
    INDEX | LAPINDEX | DATE      | TIME        | TIME_LAP | LATITUDE
    0     | 1        | 31-JAN-24 | 10:15:00.25 | 00:01.25 | 50.1
    1     | 1        | 31-JAN-24 | 10:15:00.50 | 00:01.50 | 50.2
    2     | 2        | 31-JAN-24 | 10:15:00.75 | 00:00.25 | 50.3
    """
    assert found(table) == ((2, 3), "%d-%b-%y h:mm:ss")


def test_numbers_of_date_and_time_are_one():
    table = """
    date     | time      | sats
    20240131 | 095959.98 | 9
    20240131 | 100000.00 | 9
    20240131 | 100000.02 | 9
    """
    assert found(table) == ((0, 1), "%Y%m%d hhmmss")


def test_dates_alone_are_daily_data():
    assert found("Datum | Zahl\n01.01.2024 | 5\n02.01.2024 | 6\n03.01.2024 | 7") == ((0,), "%d.%m.%Y")


def test_a_date_that_never_changes_is_not_the_time():
    table = "Date | Time (s) | v\n" + "\n".join(f"2024-01-31 | {i / 10} | 1" for i in range(5))
    assert found(table) == ((1,), "s")


@pytest.mark.parametrize("cells", ["5 5 5 5", "9 8 7 6"])
def test_what_stays_or_falls_is_not_the_time(cells):
    table = "Time left | Clock | v\n" + "\n".join(f"{cell} | {i} | 1" for i, cell in enumerate(cells.split()))
    assert found(table) == ((1,), "s")


def test_newest_first_is_still_the_time():
    table = "v | Timestamp\n" + "\n".join(f"1 | 2024-01-{31 - i} 10:00" for i in range(5))
    assert found(table)[0] == (1,)


def test_a_time_of_something_else_is_not_the_time():
    table = "Lap Time | Log Time | v\n" + "\n".join(f"0:5{i}.1 | 00:00:0{i}.040 | 1" for i in range(5))
    assert found(table) == ((1,), "h:mm:ss")


def test_numbers_in_another_unit_are_not_the_time():
    table = "T (°C) | RPM | Time (ms)\n" + "\n".join(f"2{i}.5 | 900 | {100 * i}" for i in range(5))
    assert found(table) == ((2,), "ms")


def test_gaps_do_no_harm():
    table = "v | Time (s)\n1 | 0.0\n |\n2 | 0.1\n3 | -\n4 | 0.2"
    assert found(table) == ((1,), "s")
    table = "GPS Time | v\n- | 1\nSat Jan 29 00:56:53 GMT+00:00 2022 | 1\nSat Jan 29 00:56:54 GMT+00:00 2022 | 2"
    assert found(table) == ((0,), "%a %b %d %H:%M:%S %z %Y")


def test_what_may_mean_two_things_is_asked_for_only_when_it_is_the_time():
    both = "Date | Time | v\n08/11/2026 | 10:00 | 1\n08/11/2026 | 10:15 | 2"
    with pytest.raises(RtaError, match=r"column 'Date' may be day first or month first .*time_format"):
        choice(both)
    assert found(both, time_format="%m/%d/%Y %H:%M") == ((0, 1), "%m/%d/%Y %H:%M")
    assert found(both, time_format="%m/%d/%Y") == ((0, 1), "%m/%d/%Y h:mm")
    clear = "Date | timestamp | v\n08/11/2026 | 1785849363 | 1\n08/11/2026 | 1785849364 | 2"
    assert found(clear) == ((1,), "s")
    with pytest.raises(RtaError, match=r"column 't' go up by 4000 .* say time_unit"):
        choice("t | v\n0 | 1\n4000 | 2\n8000 | 3")


class TestOptions:
    TABLE = "Logged | Speed | When\n1.5 | 60 | 10-Feb-2024 10:00\n2.5 | 61 | 10-Feb-2024 10:01"

    def test_a_column_that_is_given_is_only_read(self):
        assert found(self.TABLE, given=[2]) == ((2,), "%d-%b-%Y %H:%M")
        assert found(self.TABLE, given=[1]) == ((1,), "s")
        assert found(self.TABLE, given=[1], time_format="ms") == ((1,), "ms")

    def test_a_format_that_is_given_finds_its_column(self):
        assert found(self.TABLE, time_format="%d-%b-%Y %H:%M") == ((2,), "%d-%b-%Y %H:%M")
        assert found(self.TABLE, time_format="ms") == ((0,), "ms")

    def test_two_columns_that_are_given_are_a_date_and_a_time(self):
        table = "a | b\n31.01.2024 | 10:15\n31.01.2024 | 10:30"
        assert found(table, given=[0, 1]) == ((0, 1), "%d.%m.%Y h:mm")
        with pytest.raises(RtaError, match="'b' and 'a' are not a date and a time of day"):
            choice(table, given=[1, 0])

    def test_a_column_that_cannot_be_read_is_refused(self):
        with pytest.raises(RtaError, match=r"column 'v' are in no format that is known \('x'\): say time_format"):
            choice("t | v\n0 | x\n1 | y", given=[1])

    def test_a_format_that_no_column_has_is_refused(self):
        with pytest.raises(RtaError, match="no column is a time in the format '%d/%m/%Y': say time_column"):
            choice(self.TABLE, time_format="%d/%m/%Y")


def test_many_columns_are_listed_up_to_a_point():
    titles = [f"c{i}" for i in range(30)]
    with pytest.raises(RtaError, match="'c19' and 10 more"):
        find_time(titles, [], [["x", "y"] for _ in titles])


@settings(max_examples=examples(60), deadline=None)
@given(
    st.sampled_from(["Time", "timestamp", "Log Time", "Zeit (ms)", "fecha"]),
    st.lists(st.sampled_from(["Speed", "RPM", "T (°C)", "Lap Time", "index", "Status", "Travel time (s)"]), max_size=5),
    st.integers(0, 5),
)
def test_the_named_column_is_found_wherever_it_stands(title, others, place):
    others = list(dict.fromkeys(others))
    place = min(place, len(others))
    titles = [*others[:place], title, *others[place:]]
    times = [f"2024-01-31 10:{i:02}:00" if title == "fecha" else str(i * 0.5) for i in range(20)]
    columns = [times if t == title else [str(50 - (7 * i) % 11) for i in range(20)] for t in titles]
    assert find_time(titles, [], columns).columns == (place,)


@pytest.mark.parametrize("title", ["Sebesség (km/h)", "speed_km_h", "Flow [veh/h]", "Rate (1/min)", "Power per hour"])
def test_a_unit_that_is_made_of_several_is_no_unit_of_time(title):
    with pytest.raises(RtaError, match=r"no column is a time|say time_column"):
        choice(f"a | {title}\n0 | 1.5\n0 | 1.6\n0 | 1.9")
